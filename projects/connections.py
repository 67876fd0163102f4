"""How this process reaches Redis: the one store, and Django's cache. Either may be the embedded server."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.conf import settings
from django_redis.pool import ConnectionFactory

from tsdb import embedded
from tsdb.client import connect
from tsdb.store import Store


@cache
def get_store() -> Store:
    """The store that TSDB_URL names."""
    if settings.TSDB_IS_EMBEDDED:
        embedded.ensure(settings.VAR_DIR)
    return Store(connect(settings.TSDB_URL, settings.TSDB_TIMEOUT), settings.TSDB_ROLLUPS)


class CacheConnectionFactory(ConnectionFactory):  # type: ignore[misc]
    """django-redis' own, which starts the embedded server first where the cache lives there."""

    def connect(self, url: str) -> Any:
        if settings.CACHE_IS_EMBEDDED:
            embedded.ensure(settings.VAR_DIR)
        return super().connect(url)
