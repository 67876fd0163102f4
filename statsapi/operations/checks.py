"""System checks, so that a wrong configuration is named at the start, and not found at night."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError
from redis.exceptions import NoPermissionError, RedisError

from projects import installation
from projects.connections import get_store
from projects.unfit_windows import unfit_budgets
from tsdb.failover import failover_dangers
from tsdb.rollups import DEFAULT_ROLLUPS, RollupError, check_rollups


@register
def rollups_follow_the_rules(**kwargs: Any) -> list[CheckMessage]:
    """Check that TSDB_ROLLUPS follows the rules."""
    try:
        check_rollups(settings.TSDB_ROLLUPS)
    except RollupError as error:
        hint = f"Give TSDB_ROLLUPS as {DEFAULT_ROLLUPS}: finest first, each dividing the next."
        return [Error(str(error), hint=hint, id="statsapi.E001")]
    return []


def _rollups_break_a_rule() -> bool:
    """Return whether there can be no store. E001 says so, and the checks that ask the store say nothing then."""
    return bool(rollups_follow_the_rules())


@register
def days_are_utc_days(**kwargs: Any) -> list[CheckMessage]:
    """Check that the time zone is UTC, because buckets of a day are days of UTC."""
    if settings.TIME_ZONE != "UTC" or not settings.USE_TZ:
        return [
            Error(
                f"TIME_ZONE is {settings.TIME_ZONE!r}; buckets of a day are days of UTC.",
                hint='Leave TIME_ZONE = "UTC" and USE_TZ = True.',
                id="statsapi.E002",
            )
        ]
    return []


@register(Tags.security, deploy=True)
def the_public_url_is_https(**kwargs: Any) -> list[CheckMessage]:
    """Check PUBLIC_URL. Django's W004, W008, W012 and W016 only name settings that follow from it."""
    if not settings.PUBLIC_URL.startswith("https://"):
        return [
            Warning(
                f"PUBLIC_URL is {settings.PUBLIC_URL}: passwords, cookies and tokens would travel in the clear.",
                hint="Give PUBLIC_URL as https://…, let a proxy end HTTPS before this service, and set TRUST_PROXY=1.",
                id="statsapi.W003",
            )
        ]
    return []


@register(Tags.database)
def redis_keeps_what_it_counts(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Check that Redis does not evict keys.

    Redis is asked only if the database is: by `check --database default` and `migrate`.
    """
    if not databases or _rollups_break_a_rule():
        return []
    try:
        policy = get_store().eviction_policy()
    except RedisError as error:
        return [
            Warning(
                f"Redis at TSDB_URL cannot be asked: {type(error).__name__}.",
                hint="Allow its user the command INFO."
                if isinstance(error, NoPermissionError)
                else "Start it, or correct TSDB_URL.",
                id="statsapi.W002",
            )
        ]
    if policy != "noeviction":
        return [
            Warning(
                f"Redis evicts keys when memory is short (maxmemory-policy {policy}): counts could vanish.",
                hint="Set maxmemory-policy noeviction.",
                id="statsapi.W001",
            )
        ]
    return []


STORES = {
    installation.Kind.FOREIGN: (Error, "statsapi.E003"),
    installation.Kind.EMPTIED: (Warning, "statsapi.W004"),
    installation.Kind.OLDER: (Warning, "statsapi.W005"),
}
PRINTED_ONLY = ("statsapi.W004", "statsapi.W005", "statsapi.W006", "statsapi.W007")
"""Warnings that a start prints and that do not end it. Missing counts are missing already, and counting goes on. A
start that ended because a failover may lose counts one day would lose those of today. A budget can be changed only
while the service runs."""


@register(Tags.database)
def the_stores_belong_together(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Check that the database and Redis belong together. Before the first migrate there is nothing to compare."""
    if not databases or _rollups_break_a_rule():
        return []
    try:
        findings = installation.look()
    except (DatabaseError, RedisError):  # W002 names Redis, and the next step that asks the database names it
        return []
    return [
        kind(finding.text, hint=finding.hint, id=number)
        for finding in findings
        for kind, number in [STORES[finding.kind]]
    ]


@register(Tags.database)
def a_failover_loses_little(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Check that a failover of Redis loses few counts."""
    if not databases or _rollups_break_a_rule():
        return []
    try:
        dangers = failover_dangers(get_store().clients.read)
    except RedisError:  # W002 names it
        return []
    return [
        Warning(
            f"Redis has replicas, and {danger}.",
            hint="Set min-replicas-to-write 1, min-replicas-max-lag 1 and, of a cluster, cluster-node-timeout 5000 and "
            "cluster-require-full-coverage no. docs/reliability.md says what each costs.",
            id="statsapi.W006",
        )
        for danger in dangers
    ]


@register(Tags.database)
def every_budget_is_enforced(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Check that a rollup makes up the window of every budget. Before the first migrate there are none."""
    if not databases or _rollups_break_a_rule():
        return []
    try:
        found = unfit_budgets(settings.TSDB_ROLLUPS)
    except DatabaseError:  # the next step that asks the database names it
        return []
    hint = "Give these budgets other windows, on their project's page or by the API, or add a rollup to TSDB_ROLLUPS."
    return [Warning(f"{found}.", hint=hint, id="statsapi.W007")] if found else []
