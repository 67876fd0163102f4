"""What was posted to a page that shows a form and also takes it."""

from __future__ import annotations

from django.http import HttpRequest, QueryDict


def posted(request: HttpRequest) -> QueryDict | None:
    """Return what was posted, or None if the page is only looked at."""
    return request.POST if request.method == "POST" else None
