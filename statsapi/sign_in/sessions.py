"""Django's sessions in the database, but a cookie that cannot be a session's key is no session."""

from __future__ import annotations

import re

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

_KEY = re.compile(r"[a-z0-9]{32}")
"""As Django makes them."""


class SessionStore(DatabaseStore):
    def _validate_session_key(self, key: str | None) -> bool:
        """Django's own takes whatever is long enough; PostgreSQL refuses a NUL, and the request would fail with 500."""
        return key is not None and _KEY.fullmatch(key) is not None
