"""Is it alive, and can it serve?"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from projects.connections import get_store

READY_SECONDS = 0.2
"""How long each part has; a part that needs longer would make every request slow."""

# One thread a part, so that a part that hangs delays neither the others nor this answer.
_PROBES = {name: ThreadPoolExecutor(1, thread_name_prefix=f"ready-{name}") for name in ("database", "redis", "cache")}


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers. It asks nothing else, so that a restart is not the cure for a database that is away."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Database, store and cache answer, 200 ms each: 200, else 503 that names what failed. `warnings` name a danger."""
    probes = {name: _PROBES[name].submit(probe) for name, probe in PARTS.items()}
    wait(probes.values(), READY_SECONDS)
    failed, warnings = {}, []
    for name, probe in probes.items():
        if not probe.done():
            probe.cancel()  # it stands behind an earlier one that hangs: the line must not grow with every question
            failed[name] = f"no answer in {READY_SECONDS} s"
        elif error := probe.exception():  # any failure of a part is an answer here
            failed[name] = type(error).__name__
        else:
            warnings += probe.result()
    status = "unavailable" if failed else "ok"
    body = {"status": status, "failed": failed, "warnings": warnings}
    return JsonResponse(body, status=503 if failed else 200, headers={"Retry-After": "1"} if failed else {})


def _database() -> list[str]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        # This thread's connection would not be closed with the request's.
        connection.close()
    return []


def _redis() -> list[str]:
    policy = get_store().eviction_policy()
    if policy != "noeviction":
        return [f"Redis evicts counts (maxmemory-policy {policy}); set it to noeviction"]
    return []


def _cache() -> list[str]:
    cache.get("ready")
    return []


PARTS: dict[str, Callable[[], list[str]]] = {"database": _database, "redis": _redis, "cache": _cache}
