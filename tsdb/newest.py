"""When series last counted something: the newest bucket of the finest ring that each of them has."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from tsdb.protocol import none_failed
from tsdb.rollups import Rollup
from tsdb.scripts import Call, Script
from tsdb.series import Series, state_key
from tsdb.store import Store


class Newest(NamedTuple):
    """The newest bucket of a series: its start in seconds since the epoch, and its length in seconds."""

    start: int
    seconds: int


def newest_of_projects(store: Store, series: Sequence[Series]) -> dict[int, Newest]:
    """Return the newest bucket of each project over these series of it. A project without a ring is left out.

    A ring stays as long as it may hold something that is retained, so the finest ring there is has the latest time.
    One round trip. Raises redis.exceptions.RedisError, and Unsettled if a change of a project is unfinished.
    """
    of_project: dict[int, list[Series]] = {}
    for one in series:
        of_project.setdefault(one.project, []).append(one)
    answers = _ask(store, of_project)
    store.states.verify(list(of_project), [state for state, _ in answers])
    found: dict[int, Newest] = {}
    for project, (_, told) in zip(of_project, answers, strict=True):
        lengths = [
            (bucket, store.rollups[place - 1].seconds)
            for bucket, place in zip(told[::2], told[1::2], strict=True)
            if place
        ]
        if lengths:
            found[project] = max(Newest(bucket * seconds, seconds) for bucket, seconds in lengths)
    return found


def _ask(store: Store, of_project: dict[int, list[Series]]) -> list[tuple[bytes | None, list[int]]]:
    """Return the state of each project, and what the script says of each of its series, in one list."""
    if not of_project:
        return []
    client, script = store.clients.read, _script(store.rollups)
    rings = {
        project: [one.key(rollup) for one in some for rollup in store.rollups] for project, some in of_project.items()
    }
    if not client.READS_AT_ONCE:
        calls = [Call([state_key(project), *keys], [1]) for project, keys in rings.items()]
        return [(answer[0], answer[1:]) for answer in none_failed(script.run_many(client, calls))]
    number = len(rings)
    keys = [*map(state_key, rings), *(key for some in rings.values() for key in some)]
    found = script.run(client, Call(keys, [number]))
    told, answers = number, []
    for state, some in zip(found, of_project.values(), strict=False):
        answers.append((state, found[told : told + 2 * len(some)]))
        told += 2 * len(some)
    return answers


@lru_cache(maxsize=8)
def _script(rollups: tuple[Rollup, ...]) -> Script:
    return Script("newest", rollups, flags="no-writes")
