"""Health and readiness: whether the process lives, and what works (docs/contract.md#health-and-readiness)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Lock
from typing import NamedTuple

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_redis import get_redis_connection

from projects import installation
from projects.connections import get_store
from projects.database_outage import READ_ONLY, database_outage
from projects.unfit_windows import unfit_budgets
from statsapi import __version__
from statsapi.operations.retry import RETRY_AFTER
from tsdb.cluster import Cluster
from tsdb.probing import HASH_SLOTS, Prober, ServerHealth
from tsdb.refusals import REFUSALS, try_to_write

READY_SECONDS = 0.2
"""Seconds that each part has. A part that needs longer would make every request slow."""

STORES = "stores"
"""The part that compares the database and Redis, and budgets with rollups. It needs both, and one certain master of a
cluster. If that master does not answer, the service still serves."""

PROMISES = ("reads", "counting", "managing")
"""What the service can do. Managing is every change of rows in the database, by the API and the admin."""


class NotReady(Exception):
    """A part answers that nothing should be served. The text says why."""


class Trouble(NamedTuple):
    """Something is wrong with a part that still answers.

    `breaks` names the promises that are not kept. `limits` names those that are kept in part: for some projects, or
    since some time.
    """

    text: str
    breaks: Sequence[str] = ()
    limits: Sequence[str] = ()


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer that the process lives. No store is asked: a restart does not help if a database is away."""
    return JsonResponse({"status": "ok", "version": __version__})


@never_cache
@require_safe
def readyz(request: HttpRequest, promise: str | None = None) -> JsonResponse:
    """Answer what works. The database, Redis and the cache are asked, and compared, within 200 ms each.

    `unavailable`, with 503, means that reads do not work, and then nothing does. `degraded` means that something does
    not work, or works in part. That is 200, because every process has the same stores, and the rest should be served.
    With a `promise` the answer is 503 if that one is not kept.
    """
    failed, troubles = _ask_all()
    broken = {one: [trouble.text for trouble in troubles if one in trouble.breaks] for one in PROMISES}
    why = {one: broken[one] + [trouble.text for trouble in troubles if one in trouble.limits] for one in PROMISES}
    works = {one: not failed and not broken[one] for one in PROMISES}
    for name, text in failed.items():
        for one in PROMISES:
            why[one].insert(0, f"{name}: {text}")
    status = "unavailable" if not works["reads"] else "degraded" if any(why.values()) else "ok"
    body = {
        "status": status,
        **{one: {"works": works[one], "why": why[one]} for one in PROMISES},
        "failed": failed,
        "warnings": [trouble.text for trouble in troubles],
    }
    is_well = works[promise or "reads"]
    return JsonResponse(body, status=200 if is_well else 503, headers={} if is_well else RETRY_AFTER)


def _ask_all() -> tuple[dict[str, str], list[Trouble]]:
    """Return the parts that failed, with a text each, and the troubles of the others."""
    probes = {name: _probe(name) for name in PARTS}
    wait(probes.values(), READY_SECONDS)
    failed: dict[str, str] = {}
    troubles: list[Trouble] = []
    for name, probe in probes.items():
        if not probe.done():
            failed[name] = SILENT
        elif error := probe.exception():  # any exception of a part is an answer here
            failed[name] = str(error) if isinstance(error, NotReady) else type(error).__name__
        else:
            troubles += probe.result()
    compared = probes.get(STORES)
    if STORES in failed and not (compared and compared.done() and isinstance(compared.exception(), NotReady)):
        text = failed.pop(STORES)
        if "database" not in failed and "redis" not in failed:
            troubles.append(Trouble(f"whether the database and Redis belong together cannot be said: {text}"))
    return failed, troubles


def _probe(name: str) -> Future[list[Trouble]]:
    """Return the probe of that part that is under way, or a new one.

    Requests at the same time share a probe. Anybody may ask, and if many did and waited for their turn, a part that
    works would be called silent.
    """
    with _one_asks:
        probe = _asked.get(name)
        if probe is None or probe.done():
            probe = _asked[name] = _PROBES[name].submit(PARTS[name])
        return probe


def _database() -> list[Trouble]:
    try:
        if _takes_changes():
            return []
    finally:
        # Django closes the connection of the request's thread, but not that of this thread.
        connection.close()
    return [Trouble("the database is read-only; what is not known yet cannot be made", ["managing"], ["counting"])]


def _takes_changes() -> bool:
    with connection.cursor() as cursor:
        if connection.vendor != "sqlite":
            cursor.execute("SELECT current_setting('transaction_read_only')")
            return bool(cursor.fetchone() == ("off",))
        cursor.execute("SELECT 1 FROM sqlite_master")
        cursor.execute("PRAGMA busy_timeout = 0")
        try:
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("ROLLBACK")
        except DatabaseError as error:
            return database_outage(error) != READ_ONLY  # a lock for a moment is normal
    return True


def _redis() -> list[Trouble]:
    client = get_store().clients.write
    words = _servers.ask(client, SERVER_SECONDS)
    answered = [word for word in words.values() if isinstance(word, ServerHealth)]
    if not answered:
        errors = [word for word in words.values() if isinstance(word, Exception)]
        raise errors[0] if errors else NotReady(SILENT)
    if not any(word.cluster_is_up for word in answered):
        raise NotReady("the cluster is down")
    troubles = []
    if len(answered) < len(words):
        if isinstance(client, Cluster):
            client.ask_for_map()  # the node may not be a master any more
        silent = len(words) - len(answered)
        troubles.append(Trouble(f"{silent} of {len(words)} masters of Redis do not answer: {SOME}", limits=PROMISES))
    without = HASH_SLOTS - min(word.slots_served for word in answered)
    if without:
        troubles.append(Trouble(f"{without} slots of the cluster have no master: {SOME}", limits=PROMISES))
    refusals = [word.refused for word in answered if word.refused]
    for refused in dict.fromkeys(refusals):
        text = f"Redis takes no counts ({refused}: {REFUSALS[refused]}); events are answered 503"
        breaks = ["counting"] if refused in DELETES else ["counting", "managing"]
        by_all = len(refusals) == len(words)
        troubles.append(Trouble(text, breaks) if by_all else Trouble(f"{text} by some", limits=breaks))
    policy = min((word.eviction_policy for word in answered), key=lambda policy: policy == "noeviction")
    if policy is None:
        troubles.append(Trouble("Redis does not say whether it evicts counts; allow its user the command INFO"))
    elif policy != "noeviction":
        troubles.append(Trouble(f"Redis evicts counts (maxmemory-policy {policy}); set it to noeviction"))
    return troubles


def _cache() -> list[Trouble]:
    if settings.API_RATE_LIMIT is None:
        return []  # nothing is asked of it
    refused = try_to_write(get_redis_connection("default"), "statsapi:ready")
    if not refused:
        return []
    return [Trouble(f"the cache takes no writes ({refused}: {REFUSALS[refused]}); API_RATE_LIMIT limits nobody")]


def _stores() -> list[Trouble]:
    try:
        findings = installation.look()
        unfit = unfit_budgets(settings.TSDB_ROLLUPS)
    finally:
        connection.close()
    for finding in findings:
        if finding.kind is installation.Kind.FOREIGN:
            raise NotReady(finding.text)
    lost = {installation.Kind.EMPTIED}
    troubles = [Trouble(finding.text, limits=["reads"] if finding.kind in lost else []) for finding in findings]
    return [*troubles, Trouble(unfit)] if unfit else troubles


SILENT = f"no answer in {READY_SECONDS} s"
SERVER_SECONDS = 0.75 * READY_SECONDS
SOME = "the counts of some projects can neither be read nor written"
DELETES = ("OOM",)
"""Refusals of a Redis that still deletes keys, which is all that managing needs."""

_servers = Prober("ready")

PARTS: dict[str, Callable[[], list[Trouble]]] = {
    "database": _database,
    "redis": _redis,
    "cache": _cache,
    STORES: _stores,
}

# Each part has a thread, so that a part that hangs delays neither the others nor the answer.
_PROBES = {name: ThreadPoolExecutor(1, thread_name_prefix=f"ready-{name}") for name in PARTS}

_asked: dict[str, Future[list[Trouble]]] = {}
_one_asks = Lock()
