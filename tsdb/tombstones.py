"""Deleting all keys of a project: first a tombstone is put into its state, then the keys go, and last the tombstone.

While the tombstone stands, nobody counts into the project or reads it. A process that meets it finishes the deletion,
so it does not matter if the first one died.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from tsdb.client import Clients
from tsdb.outcomes import Category, Outcome
from tsdb.protocol import none_failed
from tsdb.rollups import Rollup
from tsdb.scripts import Call, Script
from tsdb.series import categories_key, index_key, reasons_key, running_key, state_key, total
from tsdb.state import Phase, State, parse_state, tombstone_text
from tsdb.states import States, Unsettled

EARLIER_SHAPES = ("10x360", "3600x168", "86400x90")
"""The shapes of the rings that an earlier version kept by default."""

SCAN_COUNT = 1000
"""How many key names Redis looks at in one step of a scan, which takes some 0.3 ms of its time."""


class Tombstones:
    """Puts tombstones for projects, deletes their keys, and takes the tombstones away."""

    def __init__(self, clients: Clients, states: States, rollups: Sequence[Rollup]) -> None:
        self._clients = clients
        self._states = states
        self._rollups = rollups
        self._sweep = Script("sweep", rollups, flags="allow-oom")

    def has_keys(self, project: int) -> bool:
        """Return whether the project may have keys: a state, an index, running totals, or rings of totals.

        Only an earlier version left rings without an index, and it knew these categories alone.
        """
        keys = [state_key(project), index_key(project), running_key(project)]
        shapes = [*(rollup.name for rollup in self._rollups), *EARLIER_SHAPES]
        for category in Category:
            for outcome in Outcome:
                keys += [f"ts:{{{project}}}:{total(project, category, outcome).name}:{shape}" for shape in shapes]
        return bool(self._clients.write.exists(*keys))

    def doom(self, project: int, phase: Phase, *, foreign: bool = False) -> State:
        """Put a tombstone and return it, or return the one that is there already.

        From then on the project is neither counted into nor read until its keys are deleted. `phase` is EMPTYING or
        DELETING. Raises Unsettled if another change must be finished first, unless `foreign` says that the keys are
        those of an unknown project with the same number.
        """
        states = self._states
        while (state := states.get(project)).phase is not phase:
            begun = state.phase is Phase.MERGING or (state.phase is Phase.DELETING and phase is Phase.EMPTYING)
            if begun and not foreign:
                raise Unsettled([project])
            tombstone = parse_state(tombstone_text(phase))
            if states.swap(project, state, tombstone.text) == "done":
                return tombstone
        return state

    def sweep(self, projects: Collection[int]) -> int:
        """Delete all keys of projects with a tombstone, except the tombstone, and return how many.

        Reads all key names once. If another process was faster and the tombstone is gone, the project's new keys stay.
        """
        doomed = {str(project).encode() for project in projects}
        if not doomed:
            return 0
        gone = 0
        pattern = f"ts:{{{next(iter(doomed)).decode()}}}:*" if len(doomed) == 1 else "ts:{*"
        for server in self._clients.write.servers():
            cursor = -1
            while cursor != 0:
                cursor, keys = server.scan(max(cursor, 0), match=pattern, count=SCAN_COUNT)
                found: dict[int, list[str | bytes]] = {}
                for key in map(_raw, keys):
                    project = key[4:].partition(b"}")[0]
                    if project in doomed and not key.endswith(b"}:state"):
                        found.setdefault(int(project), []).append(key)
                gone += self._unlink(found)
        # In a cluster a slot may move during the scan. All keys that this could miss expire, except these.
        lasting = (index_key, running_key, categories_key, reasons_key)
        return gone + self._unlink({one: [key(one) for key in lasting] for one in map(int, doomed)})

    def _unlink(self, keys: Mapping[int, Sequence[str | bytes]]) -> int:
        calls = [Call([state_key(project), *of_project], []) for project, of_project in keys.items()]
        return sum(none_failed(self._sweep.run_many(self._clients.write, calls))) if calls else 0

    def bury(self, project: int, tombstone: State) -> None:
        """Take this tombstone away, unless another process has. To be called when all other keys are gone."""
        self._states.swap(project, tombstone, "")

    def delete(self, projects: Iterable[int]) -> int:
        """Delete all keys of the projects, including their states, and return how many. Raises Unsettled."""
        numbers = list(projects)
        there = [state.phase is not Phase.ABSENT for state in self._states.get_many(numbers)] if numbers else []
        doomed = {number: self.doom(number, Phase.DELETING) for number in numbers}
        gone = self.sweep(numbers) + sum(there)
        for number, tombstone in doomed.items():
            self.bury(number, tombstone)
        return gone


def _raw(answer: object) -> bytes:
    """Return the answer as bytes. Clients made by tsdb/client.py answer bytes only; redis-py's types allow more."""
    assert isinstance(answer, bytes)  # noqa: S101
    return answer
