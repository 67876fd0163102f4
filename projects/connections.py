"""How this process reaches Redis: the one store, and Django's cache. Either may be the embedded server."""

from __future__ import annotations

import logging
from threading import Lock, Thread
from typing import Any

from django.conf import settings
from django_redis.pool import ConnectionFactory

from projects.lazy import Lazy
from tsdb import embedded
from tsdb.client import connect
from tsdb.store import Store

log = logging.getLogger(__name__)
_rejoining = Lock()


def _make_store() -> Store:
    if settings.TSDB_IS_EMBEDDED:
        embedded.ensure(settings.VAR_DIR, settings.EMBEDDED_MAXMEMORY)
    clients = connect(settings.TSDB_URL, settings.TSDB_TIMEOUT)
    return Store(clients, settings.TSDB_ROLLUPS, most_series=settings.PROJECT_MAX_SERIES)


get_store = Lazy(_make_store)
"""The store that TSDB_URL names. Raises RedisError where a cluster cannot be asked for its map."""


def rejoin() -> None:
    """After a lost connection: makes sure that somebody keeps the embedded server, without waiting for it.

    Its keeper restarts it; this is for the case that the keeper itself was killed.
    """
    if (settings.TSDB_IS_EMBEDDED or settings.CACHE_IS_EMBEDDED) and _rejoining.acquire(blocking=False):
        Thread(target=_rejoin, daemon=True).start()


def _rejoin() -> None:
    try:
        embedded.ensure(settings.VAR_DIR, settings.EMBEDDED_MAXMEMORY)
    except embedded.EmbeddedServerError as error:
        log.error("the embedded server cannot be joined: %s", error)
    finally:
        _rejoining.release()


class CacheConnectionFactory(ConnectionFactory):  # type: ignore[misc]
    """django-redis' own, which starts the embedded server first where the cache lives there.

    Django makes one for each thread; all of them share a pool of connections.
    """

    _one_makes = Lock()

    def connect(self, url: str) -> Any:
        if settings.CACHE_IS_EMBEDDED:
            embedded.ensure(settings.VAR_DIR, settings.EMBEDDED_MAXMEMORY)
        return super().connect(url)

    def get_or_create_connection_pool(self, params: dict[str, Any]) -> Any:
        with self._one_makes:
            return super().get_or_create_connection_pool(params)
