"""Django's sessions in the database. A cookie that cannot be the key of a session is no session."""

from __future__ import annotations

import re

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

_KEY = re.compile(r"[a-z0-9]{32}")
"""The keys that Django makes."""


class SessionStore(DatabaseStore):
    """Django's store, with a stricter check of keys."""

    def _validate_session_key(self, key: str | None) -> bool:
        """Return whether Django could have made the key.

        Django's own check takes any text that is long enough. PostgreSQL refuses a NUL, and the answer would be 500.
        """
        return key is not None and _KEY.fullmatch(key) is not None
