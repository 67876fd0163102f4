"""The DSN, the URL that tells an SDK where to send events and with which key."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings


def dsn(public: str, project: int) -> str:
    """Return the DSN `https://<public>@host[:port][/path]/<project>`, with scheme, host and path of PUBLIC_URL.

    `public` is the public half of a key, and `project` the project's id.
    """
    parts = urlsplit(settings.PUBLIC_URL)
    return f"{parts.scheme}://{public}@{parts.netloc}{parts.path.rstrip('/')}/{project}"
