"""What every page shows around its content: the theme, who is signed in, and the time zone."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from statsapi.http.theme import theme_of
from statsapi.pages.zones import zone_of


def shell(request: HttpRequest) -> dict[str, Any]:
    """Return what statsapi/pages/templates/pages/base.html reads: a context processor.

    The zone is looked up only if a template reads it, because the templates of the admin have this context too.
    """
    return {"theme": theme_of(request), "zone": SimpleLazyObject(lambda: zone_of(request))}
