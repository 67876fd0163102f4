"""Finishing unfinished changes of a project with Redis alone: rings of other shapes, and half-deleted keys.

A merge and a deletion need the database as well. projects/services/settling.py finishes those.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from tsdb.protocol import none_failed
from tsdb.rollups import Rollup
from tsdb.scripts import Call, Script
from tsdb.series import Series, claim_key, index_key, running_key, state_key
from tsdb.state import (
    Phase,
    Shape,
    State,
    carry_over,
    closed_text,
    filled_after,
    parse_shapes,
    state_text,
    tombstone_text,
)
from tsdb.store import Store
from tsdb.timeline import ENVIRONMENTS
from tsdb.tombstones import SCAN_COUNT

SERIES_A_CALL = 10
"""How many series one run of the script carries over, which takes some milliseconds of Redis' time."""

PROJECTS_A_TRIP = 1000
"""How many projects' states are read in one round trip."""

CARRIED_OVER = "ts:shapes"
"""The key that holds the shapes once no ring of another shape is left, so that nobody looks for such rings again."""

_RING = re.compile(rb"ts:\{[0-9]+\}:(?:moving:)?[tfe]:[^{}]*:([0-9]+[sx][0-9]+)")


def settle(store: Store, project: int, *, now: int, dropped: Counter[str] | None = None) -> Phase:
    """Finish what can be finished with Redis alone, and return the phase that the project is in then.

    This is absent, open or closed; or merging or deleting, which others must finish. `now` is seconds since the epoch.
    The rings that are deleted because their resolution is no longer kept are added to `dropped`, by shape. Any number
    of processes may call this at once, and it may be killed at any step.
    """
    states = store.states
    while True:
        state = states.get(project)
        if state.phase in (Phase.MERGING, Phase.DELETING) or state.is_settled(states.shapes):
            return state.phase
        if state.phase is Phase.EMPTYING:
            store.tombstones.sweep([project])
            store.tombstones.bury(project, state)
        elif state.phase is Phase.REBUILDING:
            _rebuild(store, project, state, now, Counter() if dropped is None else dropped)
        elif state.phase is Phase.ABSENT:
            if not store.clients.write.exists(index_key(project), running_key(project)):
                return state.phase
            states.swap(project, state, _adopted(store, project), with_keys=True)
        elif state.phase is Phase.UNKNOWN:
            states.swap(project, state, closed_text(states.shapes))
        elif state.phase is Phase.EARLIER:
            states.swap(project, state, _from_earlier(store))
        else:
            states.swap(project, state, state_text(Phase.REBUILDING, state.shapes, states.shapes, state.filled))


def needs_settling(store: Store, projects: Sequence[int]) -> Iterator[int]:
    """Yield those of the projects that have an unfinished change or rings of other shapes."""
    for start in range(0, len(projects), PROJECTS_A_TRIP):
        batch = projects[start : start + PROJECTS_A_TRIP]
        states = dict(zip(batch, store.states.get_many(batch), strict=True))
        absent = [project for project, state in states.items() if state.phase is Phase.ABSENT]
        found = none_failed(store.clients.read.together([("EXISTS", index_key(project)) for project in absent]))
        full = {project for project, exists in zip(absent, found, strict=True) if exists}
        for project, state in states.items():
            if project in full or not (state.phase is Phase.ABSENT or state.is_settled(store.states.shapes)):
                yield project


def delete_unnamed_rings(store: Store, *, on_step: Callable[[int], object] = lambda looked: None) -> dict[str, int]:
    """Delete all rings of shapes that no rollup has, of any project, and return how many, by shape.

    Reads all key names, once after each change of the rollups. `on_step` is called with the number of each step.
    """
    client = store.clients.write
    if client.execute_command("GET", CARRIED_OVER) == store.states.shapes.encode():
        return {}
    named = {rollup.name for rollup in store.rollups}
    gone: dict[str, int] = {}
    for keys in _scan(store):
        on_step(len(keys))
        unnamed = [(key, match[1].decode()) for key in keys if (match := _RING.fullmatch(key))]
        unnamed = [(key, name) for key, name in unnamed if name not in named]
        if unnamed:
            client.unlink(*(key for key, _ in unnamed))
            for _, name in unnamed:
                gone[name] = gone.get(name, 0) + 1
    client.execute_command("SET", CARRIED_OVER, store.states.shapes)
    return gone


def rollups_of(shapes: str) -> tuple[Rollup, ...]:
    """Return rollups whose rings have these shapes."""
    return tuple(Rollup(shape.seconds, shape.samples) for shape in parse_shapes(shapes))


def _rebuild(store: Store, project: int, state: State, now: int, dropped: Counter[str]) -> None:
    """Carry the rings of each series over, then close the project. The next count reads its row and opens it."""
    client = store.clients.write
    if store.states.shapes == state.detail:
        client.execute_command("DEL", CARRIED_OVER)
    before, rollups = parse_shapes(state.shapes), rollups_of(state.detail)
    carried = carry_over(before, state.filled, rollups, now)
    filled = filled_after(carried, state.filled, now)
    args: list[str | bytes | int] = [state.text, now, len(rollups), len(before)]
    for rollup, since, source in carried:
        args += [rollup.seconds, rollup.slots, source, since]
    args += [shape.seconds for shape in before]
    names, shapes = store.names_of(project), [*state.detail.split(","), *state.shapes.split(",")]
    _drop_what_arrived(store, project, names, before)
    script = Script("rebuild", store.rollups)
    for start in range(0, len(names), SERIES_A_CALL):
        keys = [state_key(project), index_key(project)]
        for name in names[start : start + SERIES_A_CALL]:
            keys += [f"ts:{{{project}}}:{name}:{shape}" for shape in shapes]
            keys += [_moving_key(project, name, shape) for shape in before]
        answer = script.run(client, Call(keys, args))
        if answer == b"over":
            return
        for shape, number in zip(before, answer, strict=True):
            if number:
                dropped[shape.name] += number
    if any(shape.is_earlier for shape in before) and any(name.startswith("e:") for name in names):
        filled[ENVIRONMENTS] = now
    complete = not names and not state.filled  # nothing was ever counted
    store.states.swap(project, state, closed_text(state.detail, {} if complete else filled))


def _drop_what_arrived(store: Store, project: int, names: Sequence[str], before: Sequence[Shape]) -> None:
    """Delete the rings of interrupted moves that arrived at their destination. All others go back into their series."""
    client, forget = store.clients.write, Script("forget", store.rollups)
    for name in names:
        for shape in before:
            key = _moving_key(project, name, shape)
            token, destination = client.execute_command("HMGET", key, "token", "destination")
            if token and destination:
                claim = claim_key(int(destination.partition(b":")[0]), f"{token.decode()}:{shape.name}")
                if client.exists(claim):
                    forget.run(client, Call([key], [token]))


def _moving_key(project: int, name: str, shape: Shape) -> str:
    return f"ts:{{{project}}}:moving:{name}:{shape.name}"


def _from_earlier(store: Store) -> str:
    """Return the state that follows one that an earlier version wrote."""
    shapes = ",".join(shape.name for shape in _earlier_shapes(store))
    return state_text(Phase.REBUILDING, shapes or store.states.shapes, store.states.shapes)


def _adopted(store: Store, project: int) -> str:
    """Return the state of a project that has an index and no state.

    An earlier version wrote no state for a closed project. If the rings are of this version, they belong to another
    project that had the same number, and are deleted: a project begins empty.
    """
    names = store.names_of(project)
    keys = [Series(project, name).key(rollup) for name in names for rollup in store.rollups]
    foreign = keys and store.clients.write.exists(*keys)
    return tombstone_text(Phase.EMPTYING) if foreign else _from_earlier(store)


def _earlier_shapes(store: Store) -> list[Shape]:
    """Return the shapes of all rings that an earlier version left, finest first. Reads all key names once a store."""
    if store.earlier_shapes is None:
        found = {match[1].decode() for keys in _scan(store) for key in keys if (match := _RING.fullmatch(key))}
        store.earlier_shapes = sorted(parse_shapes(",".join(name for name in found if "x" in name)))
    return store.earlier_shapes


def _scan(store: Store) -> Iterator[list[bytes]]:
    """Yield the names of the keys of all projects, some at a time."""
    for server in store.clients.write.servers():
        cursor = -1
        while cursor != 0:
            cursor, keys = server.scan(max(cursor, 0), match="ts:{*", count=SCAN_COUNT)
            yield [key for key in keys if isinstance(key, bytes)]
