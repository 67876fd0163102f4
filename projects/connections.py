"""This process's connections to Redis: the store of counts, and Django's cache. Either may be the embedded server."""

from __future__ import annotations

import logging
from threading import Lock, Thread
from typing import Any

from django.conf import settings
from django_redis.pool import ConnectionFactory

from projects.lazy import Lazy
from tsdb import embedded
from tsdb.client import connect
from tsdb.series import state_key
from tsdb.store import Store

log = logging.getLogger(__name__)
_rejoining = Lock()


def _make_store() -> Store:
    if settings.TSDB_IS_EMBEDDED:
        embedded.ensure(settings.VAR_DIR, settings.EMBEDDED_MAXMEMORY)
    clients = connect(settings.TSDB_URL, settings.TSDB_TIMEOUT)
    return Store(clients, settings.TSDB_ROLLUPS, most_series=settings.PROJECT_MAX_SERIES)


get_store = Lazy(_make_store)
"""Return the store that TSDB_URL names, the same one at every call.

The first call starts the embedded server if the counts live there. Raises RedisError if a cluster cannot be asked for
its map of slots, and embedded.EmbeddedServerError if the embedded server does not start.
"""


def server_of(project: int) -> str:
    """Return the name of the server of a project's counts, by what is known of a cluster now. It asks nobody."""
    store = get_store.made
    return store.clients.write.server_of(state_key(project)) if store else ""


def rejoin() -> None:
    """Make sure, in the background, that the embedded server has a keeper. Call this after a lost connection.

    The keeper restarts the server when it dies. This covers the case that the keeper itself was killed. Does nothing if
    no embedded server is used or if another thread is already at it.
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
    """The factory of django-redis, which first starts the embedded server if the cache lives there.

    Django makes one factory for each thread. All of them share one pool of connections.
    """

    _pool_lock = Lock()

    def connect(self, url: str) -> Any:
        if settings.CACHE_IS_EMBEDDED:
            embedded.ensure(settings.VAR_DIR, settings.EMBEDDED_MAXMEMORY)
        return super().connect(url)

    def get_or_create_connection_pool(self, params: dict[str, Any]) -> Any:
        with self._pool_lock:
            return super().get_or_create_connection_pool(params)
