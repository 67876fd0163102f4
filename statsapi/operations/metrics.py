"""Metrics for Prometheus: the health of the service, and the counts as true counters.

Each worker measures health in files under VAR_DIR, so that any worker can answer for all. The counts are the running
totals that the counting script keeps in Redis. Without METRICS_TOKEN nothing is measured, and the answer is 403.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from functools import cache
from hmac import compare_digest

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.decorators import sync_only_middleware
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, Metric, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from redis.exceptions import (
    BusyLoadingError,
    ConnectionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError,
)

from projects.connections import get_store
from projects.durations import window_word
from projects.models import Budget as BudgetRow
from projects.models import Project
from statsapi.operations import metrics_files
from tsdb.budgets import Budget, read_uses
from tsdb.outcomes import FILTERS, RECEIVED, Category, Outcome
from tsdb.states import Unsettled

log = logging.getLogger(__name__)

_own = CollectorRegistry()
REQUESTS = Counter("statsapi_requests", "Requests answered.", ["view", "method", "status"], registry=_own)
LATENCY = Histogram(
    "statsapi_request_seconds",
    "Time to answer a request.",
    ["view"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0),
    registry=_own,
)
REDIS_ERRORS = Counter("statsapi_redis_errors", "Requests that failed because of Redis.", ["error"], registry=_own)
USUAL_ERRORS = (ConnectionError, TimeoutError, BusyLoadingError, OutOfMemoryError, ReadOnlyError, ResponseError)
"""Shown from the start, at 0. A counter that appears with its first value has no increase(), so the first failures of a
kind would not be seen. The same holds for all counters here."""
INTAKE = Counter("statsapi_intake_outcomes", "What became of the events of intake.", ["outcome"], registry=_own)


def redis_failed(error: Exception) -> None:
    """Count a request that failed because of Redis."""
    if settings.METRICS_TOKEN:
        REDIS_ERRORS.labels(type(error).__name__).inc()


def intake_counted(outcome: str) -> None:
    """Count an event of intake by its outcome."""
    if settings.METRICS_TOKEN:
        INTAKE.labels(outcome).inc()


@sync_only_middleware
def measure(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Measure each request. This is in MIDDLEWARE only if METRICS_TOKEN is set."""
    for error in USUAL_ERRORS:
        REDIS_ERRORS.labels(error.__name__)
    for outcome in (*RECEIVED, Outcome.INVALID):
        INTAKE.labels(outcome)

    def middleware(request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        response = get_response(request)
        match = request.resolver_match
        # A path without a view could be any text. As a label it would make series without end.
        view = (match and match.view_name) or "none"
        answered(view, request.method or "", response.status_code, time.perf_counter() - started)
        return response

    return middleware


def answered(view: str, method: str, status: int, seconds: float) -> None:
    """Measure a request to a view that was answered with that status after so many seconds."""
    if settings.METRICS_TOKEN:
        method = method if method in _METHODS else "other"
        _show_failures(view, method)
        REQUESTS.labels(view, method, str(status)).inc()
        LATENCY.labels(view).observe(seconds)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})


@cache
def _show_failures(view: str, method: str) -> None:
    """Show the failures of a view as 0 from its first request on."""
    for status in ("429", "500", "503"):
        REQUESTS.labels(view, method, status)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer the metrics to `Authorization: Bearer <METRICS_TOKEN>`, and 403 to all others."""
    said = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not settings.METRICS_TOKEN:
        return JsonResponse({"detail": "Metrics are off: METRICS_TOKEN is not set."}, status=403)
    if not compare_digest(said.encode(), settings.METRICS_TOKEN.encode()):
        return JsonResponse({"detail": "Send Authorization: Bearer with the METRICS_TOKEN."}, status=403)
    figures = generate_latest(_Workers()) + (_events() + _budgets()).encode()
    return HttpResponse(figures, content_type=CONTENT_TYPE_LATEST)


class _Workers:
    """What all workers have measured, added up."""

    def collect(self) -> Iterable[Metric]:
        added: Iterable[Metric] = MultiProcessCollector.merge(metrics_files.written(settings.METRICS_DIR))  # type: ignore[no-untyped-call]
        return added


_ZEROS = {(str(Category.ERROR), str(outcome)): 0 for outcome in Outcome}
_ZERO_DROPS = {
    (str(Category.ERROR), str(outcome), reason): 0
    for outcome, reasons in ((Outcome.FILTERED, FILTERS), (Outcome.RATE_LIMITED, ("key_quota", "project_quota")))
    for reason in reasons
}
"""The counters that each project has from its creation on."""


def _events() -> str:
    """Return the running totals of all projects, in the format of Prometheus.

    They are some twenty lines a project, and prometheus_client would take ten times as long to write them.
    """
    try:
        rows = Project.objects.order_by("id").values_list("id", "organization__slug", "slug")
        labels = {number: f'organization="{owner}",project="{slug}"' for number, owner, slug in rows}
        counted = get_store().running_totals(list(labels))
    except (RedisError, DatabaseError) as error:
        # Prometheus takes a gap for no error, and the health of the service is needed most now.
        log.error("the events cannot be told: %s: %s", type(error).__name__, error)
        if isinstance(error, RedisError):
            redis_failed(error)
        return ""
    events = _head("statsapi_events_total", "Events counted since the beginning.")
    dropped = _head("statsapi_dropped_events_total", "Those of them that were not accepted, by reason.")
    for number, totals in counted.items():
        whose = labels[number]
        for (category, outcome), total in (_ZEROS | totals.outcomes).items():
            what = f'category="{category.translate(_ESCAPED)}",outcome="{outcome}"'
            events.append(f"statsapi_events_total{{{whose},{what}}} {total}\n")
        for (category, outcome, reason), total in (_ZERO_DROPS | totals.drops).items():
            what = f'category="{category.translate(_ESCAPED)}",outcome="{outcome}"'
            why = f'reason="{reason.translate(_ESCAPED)}"'
            dropped.append(f"statsapi_dropped_events_total{{{whose},{what},{why}}} {total}\n")
    return "".join(events + dropped)


def _budgets() -> str:
    """Return how much is used of every budget that is enforced, in the format of Prometheus."""
    labels: dict[int, str] = {}
    budgets: dict[int, list[Budget]] = {}
    now = int(time.time())
    try:
        rows = BudgetRow.objects.order_by("project_id", "id").values_list(
            "project_id", "project__organization__slug", "project__slug", "id", "category", "limit", "window"
        )
        for project, owner, slug, number, category, limit, window in rows:
            budget = Budget(number, category, limit, window)
            what = f'category="{budget.category.translate(_ESCAPED)}",window="{window_word(budget.window)}"'
            labels[budget.id] = f'organization="{owner}",project="{slug}",{what}'
            budgets.setdefault(project, []).append(budget)
        try:
            uses = read_uses(get_store(), budgets, now=now)
        except Unsettled as unfinished:  # a gap for those alone, because finishing a change may take long
            rest = {project: own for project, own in budgets.items() if project not in unfinished.projects}
            uses = read_uses(get_store(), rest, now=now)
    except (RedisError, DatabaseError) as error:
        log.error("the budgets cannot be told: %s: %s", type(error).__name__, error)  # a gap, as for the events
        if isinstance(error, RedisError):
            redis_failed(error)
        return ""
    lines = _head("statsapi_budget_used_ratio", "What is used of a budget in its open window, 1 is all.", "gauge")
    lines += [f"statsapi_budget_used_ratio{{{labels[number]}}} {use.ratio}\n" for number, use in uses.items()]
    return "".join(lines)


_ESCAPED = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def _head(name: str, meaning: str, kind: str = "counter") -> list[str]:
    return [f"# HELP {name} {meaning}\n# TYPE {name} {kind}\n"]
