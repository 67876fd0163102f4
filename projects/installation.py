"""Whether the database and Redis belong together.

Both hold the name of the installation: the database in the only row of Installation, and Redis in its mark
(tsdb/pairing.py). They are compared at each start (statsapi/start/pairing.py), by a system check, and by /readyz. If
the row is missing, the two were not paired yet, and there is nothing to compare.

| what is found                    | what happened                                                              |
|---|---|
| Redis has another name           | FOREIGN: the database was lost, or TSDB_URL names another Redis            |
| Redis has no name, or had none   | EMPTIED: its keys were lost. It gets the name again, and the time of that  |
| Redis knows of a newer project   | OLDER: the database was restored from a backup                             |
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from enum import Enum
from functools import partial
from typing import Any, NamedTuple

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Max
from redis import Redis
from redis.exceptions import RedisError, ResponseError

from projects.connections import get_store
from projects.models import Installation, Project
from tsdb import pairing
from tsdb.pairing import Mark
from tsdb.refusals import refusal
from tsdb.units import DAY

log = logging.getLogger(__name__)

SCAN = 1000
"""Keys looked at in one step of SCAN. A step takes Redis some milliseconds, and so does deleting its keys."""

_NUMBER = re.compile(rb"ts:\{([0-9]{1,18})\}:")


class Kind(Enum):
    """A way in which the database and Redis may not belong together. The docstring of this module explains each."""

    FOREIGN = "foreign"
    EMPTIED = "emptied"
    OLDER = "older"


class ForeignRedis(RedisError):
    """Raised if Redis holds the counts of another installation, which must not be changed."""


class Finding(NamedTuple):
    """Something that is wrong between the two stores. `text` says what it is, and `hint` how to correct it."""

    kind: Kind
    text: str
    hint: str


def pair() -> list[Finding]:
    """Give both stores the installation's name if they have none, compare them, and return what is wrong.

    Call this after `migrate` and before serving. Raises DatabaseError, RedisError.
    """
    Installation.objects.get_or_create(pk=Installation.THE_ONE, defaults={"newest_project": _newest_project()})
    return look()


def look() -> list[Finding]:
    """Compare the stores and return what is wrong: an empty list if nothing is, or if they were not paired yet.

    Writes the mark again into a Redis that has lost it. Raises DatabaseError, RedisError.
    """
    row = Installation.objects.first()
    if row is None:
        return []
    mark = _mark_of(row)
    if mark.name == row.name and row.since is None:
        Installation.objects.filter(pk=row.pk, since=None).update(since=mark.since)
        row.refresh_from_db()
    return _compared(row, mark)


def refuse_foreign() -> None:
    """Raise ForeignRedis if Redis holds the counts of another installation. Raises DatabaseError, RedisError."""
    for finding in look():
        if finding.kind is Kind.FOREIGN:
            raise ForeignRedis(finding.text)


def emptied_at() -> int:
    """Return when Redis was found to be emptied, in seconds since the epoch and rounded up, or 0 if it never was.

    If nobody has noticed the loss yet, this call does, and writes the mark again. Raises DatabaseError, RedisError.
    """
    row = Installation.objects.first()
    if row is None or row.since is None:
        return 0
    mark = _mark_of(row)
    return -(-mark.since // 1000) if mark.name == row.name and mark.since != row.since else 0


def _mark_of(row: Installation) -> Mark:
    """Return the mark of Redis, which is written first if it is missing.

    A Redis that refuses writes stays without it, and the mark that it should have is returned.
    """
    clients = get_store().clients
    found = pairing.read(clients.read)
    if found is not None:
        return found
    fresh = Mark(row.name, 0 if row.since is None else _now(), row.newest_project)
    try:
        pairing.make(clients.write, fresh)
    except ResponseError as error:
        if refusal(error) is None:
            raise
        return fresh
    return pairing.read(clients.write) or fresh  # another process may have been first


def _compared(row: Installation, mark: Mark) -> list[Finding]:
    if mark.name != row.name:
        return [
            Finding(
                Kind.FOREIGN,
                "The database and Redis do not belong together: Redis holds the counts of another installation.",
                "Correct TSDB_URL or DATABASE_URL. Where both are right, the database was lost: "
                "`manage.py pair_stores` shows what there is and makes this Redis the database's own.",
            )
        ]
    found = []
    longest = max(rollup.span for rollup in settings.TSDB_ROLLUPS)
    if row.since not in (None, mark.since) and time.time() < mark.since / 1000 + longest:
        since = datetime.fromtimestamp(mark.since / 1000, UTC)
        found.append(
            Finding(
                Kind.EMPTIED,
                f"Redis was emptied: what was counted before {since:%Y-%m-%d %H:%M:%S} UTC is missing.",
                "`manage.py pair_stores --adopt` ends this warning, and so does time: "
                f"{longest // DAY} days later all of it would have expired.",
            )
        )
    if mark.newest > row.newest_project:
        found.append(
            Finding(
                Kind.OLDER,
                f"The database is older than the counts: it knows no project after number {row.newest_project}, "
                f"and Redis has counted for projects up to {mark.newest}.",
                "Restore a newer backup of the database. Where there is none, "
                "`manage.py pair_stores --adopt` deletes the counts of projects that the database does not know.",
            )
        )
    return found


def note_project(number: int) -> None:
    """Remember, on commit, that a project with this id exists. Call this inside the transaction that creates it."""
    # Not in the transaction itself: two transactions that create several projects would wait for each other.
    transaction.on_commit(partial(_note, number))


def _note(number: int) -> None:
    try:
        # The database first. Only a database that was restored may know fewer projects than Redis.
        Installation.objects.filter(newest_project__lt=number).update(newest_project=number)
        name = Installation.objects.values_list("name", flat=True).first()
        if name is not None:
            pairing.note(get_store().clients.write, name, number)
    except (DatabaseError, RedisError) as error:  # the project exists, and the next note covers it
        log.warning("that project %d was made is not noted: %s: %s", number, type(error).__name__, error)


class Counted(NamedTuple):
    """Ids of projects that have keys in Redis: those that the database knows, and those that it does not."""

    known: set[int]
    unknown: set[int]


def counted(on_keys: Callable[[int], object] = lambda number: None) -> Counted:
    """Scan every key of Redis and return the projects that have some.

    `on_keys` is called after each step with the number of keys that were scanned in it. Raises DatabaseError,
    RedisError.
    """
    numbers: set[int] = set()
    _each_slice(lambda server, keys: numbers.update(keys), on_keys)
    known = _known(numbers)
    return Counted(known, numbers - known)


def take_over(*, keep_known: bool, on_keys: Callable[[int], object] = lambda number: None) -> int:
    """Make Redis this database's own, and return how many keys were deleted.

    Deletes the counts of all projects that the database does not know, or all counts if `keep_known` is false. Makes
    all processes load anew what they know. `on_keys` is called as in `counted`. If it is interrupted, no name has
    changed yet, and it can be run again. Raises DatabaseError, RedisError.
    """
    deleted = 0

    def delete(server: Redis, keys: dict[int, list[bytes]]) -> None:
        nonlocal deleted
        # The database is asked after the keys were found. A project that is created meanwhile has its row before it
        # has a key, so it is known.
        doomed = keys.keys() - (_known(keys) if keep_known else set())
        if doomed:
            pipeline = server.pipeline(transaction=False)
            for number in doomed:
                pipeline.unlink(*keys[number])  # keys of one project lie in one slot
            deleted += sum(pipeline.execute())

    row, _ = Installation.objects.get_or_create(pk=Installation.THE_ONE)
    since = _mark_of(row).since if keep_known else _now()
    _each_slice(delete, on_keys)
    get_store().stamps.forget_all()  # what processes know is of the other database
    newest = max(row.newest_project, _newest_project())
    pairing.replace(get_store().clients.write, Mark(row.name, since, newest))
    Installation.objects.filter(pk=row.pk).update(since=since, newest_project=newest)
    return deleted


def _each_slice(use: Callable[[Redis, dict[int, list[bytes]]], object], on_keys: Callable[[int], object]) -> None:
    """Call `use` with each server and the keys that a step of SCAN found there, grouped by the project's id."""
    for server in get_store().clients.write.servers():
        cursor = -1
        while cursor != 0:
            found: Any = server.scan(max(cursor, 0), match="ts:{*", count=SCAN)
            cursor, keys = found
            numbered: dict[int, list[bytes]] = {}
            for key in keys:
                match = _NUMBER.match(key)
                if match:
                    numbered.setdefault(int(match[1]), []).append(key)
            use(server, numbered)
            on_keys(len(keys))


def _known(numbers: Iterable[int]) -> set[int]:
    return set(Project.objects.filter(pk__in=list(numbers)).values_list("pk", flat=True))


def _now() -> int:
    """Return the time in milliseconds since the epoch."""
    return time.time_ns() // 10**6


def _newest_project() -> int:
    return int(Project.objects.aggregate(newest=Max("pk"))["newest"] or 0)
