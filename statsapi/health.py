"""Is it alive, and can it serve?"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_redis import get_redis_connection

from projects import installation
from projects.connections import get_store
from tsdb.refusals import REASONS, try_to_write

READY_SECONDS = 0.2
"""How long each part has; a part that needs longer would make every request slow."""

STORES = "stores"
"""What the database and Redis say of each other. It needs both, so it is no news where one of them failed itself."""


class NotReady(Exception):
    """A part answers, and its answer is that nothing should be served; the text says why."""


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers. It asks nothing else, so that a restart is not the cure for a database that is away."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Database, store and cache answer, 200 ms each: 200, else 503 that names what failed. `warnings` name a danger.

    A Redis that refuses writes is a warning: every process has the same one, and reads are served as long as some are
    ready. Where the stores do not belong together, each answer would be a wrong number, and so it is a failure.
    """
    probes = {name: _PROBES[name].submit(probe) for name, probe in PARTS.items()}
    wait(probes.values(), READY_SECONDS)
    failed, warnings = {}, []
    for name, probe in probes.items():
        if not probe.done():
            probe.cancel()  # it stands behind an earlier one that hangs: the line must not grow with every question
            failed[name] = f"no answer in {READY_SECONDS} s"
        elif error := probe.exception():  # any failure of a part is an answer here
            failed[name] = str(error) if isinstance(error, NotReady) else type(error).__name__
        else:
            warnings += probe.result()
    if "database" in failed or "redis" in failed:
        failed.pop(STORES, None)
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
    store = get_store()
    warnings = []
    refused = try_to_write(store.clients.write)
    if refused:
        warnings.append(f"Redis takes no counts ({refused}: {REASONS[refused]}); events are answered 503")
    policy = store.eviction_policy()
    if policy != "noeviction":
        warnings.append(f"Redis evicts counts (maxmemory-policy {policy}); set it to noeviction")
    return warnings


def _cache() -> list[str]:
    refused = try_to_write(get_redis_connection("default"), "statsapi:ready")
    if refused:
        return [f"the cache takes no writes ({refused}: {REASONS[refused]}); each request asks the database"]
    return []


def _stores() -> list[str]:
    try:
        findings = installation.look()
    finally:
        connection.close()
    for finding in findings:
        if finding.kind is installation.Kind.FOREIGN:
            raise NotReady(finding.text)
    return [finding.text for finding in findings]


PARTS: dict[str, Callable[[], list[str]]] = {
    "database": _database,
    "redis": _redis,
    "cache": _cache,
    STORES: _stores,
}

# One thread a part, so that a part that hangs delays neither the others nor this answer.
_PROBES = {name: ThreadPoolExecutor(1, thread_name_prefix=f"ready-{name}") for name in PARTS}
