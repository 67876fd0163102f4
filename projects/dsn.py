"""The DSN: the one line that tells an SDK where to send and as whom."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings


def dsn(public: str, project: int) -> str:
    """`https://<public>@host[:port]/<project id>` under PUBLIC_URL, which may have a path of its own."""
    parts = urlsplit(settings.PUBLIC_URL)
    return f"{parts.scheme}://{public}@{parts.netloc}{parts.path.rstrip('/')}/{project}"
