"""Moving counts from one series to another, ring by ring, so that an interrupted move can be finished."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence

from tsdb import ring
from tsdb.rollups import Rollup
from tsdb.scripts import Call, Script
from tsdb.series import Series, categories_key, claim_key, index_key, reasons_key, state_key, unknown_words
from tsdb.store import ProjectClosed, Store
from tsdb.units import DAY

MOVE_SECONDS = 30 * DAY
"""How long an interrupted move may wait until it is finished. After that a ring could be added twice."""


class Mover:
    """Moves the counts of series of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._take, self._put, self._drop = (Script(name, store.rollups) for name in ("take", "put", "drop"))

    def merge(
        self,
        destination: Series,
        sources: Sequence[Series],
        *,
        gone: Collection[int] = (),
        while_state: str = "",
        while_merging: str = "",
    ) -> None:
        """Move the counts of the sources into the destination, bucket by bucket. The sources are gone afterwards.

        If it is interrupted, running it again finishes the move: nothing is lost and nothing is added twice. Counts
        that an interrupted move was taking to another destination arrive there, unless the project of that destination
        is in `gone`. Raises ProjectClosed if rings of a series' project may not be moved, if a source's project is no
        longer in the state `while_state`, or if the destination's project is not in the middle of the merge
        `while_merging` (the detail of its state).
        """
        for source in sources:
            if source != destination:
                # The first run finishes an interrupted move. The second moves what was counted into the source since.
                self._move(destination, source, gone, while_state, while_merging)
                self._move(destination, source, gone, while_state, while_merging)

    def _move(
        self, destination: Series, source: Series, gone: Collection[int], while_state: str, while_merging: str
    ) -> None:
        store = self._store
        places = [key for rollup in store.rollups for key in (source.key(rollup), source.moving_key(rollup))]
        state, index = state_key(source.project), index_key(source.project)
        target = f"{destination.project}:{destination.name}"
        taken = self._take.run(
            store.clients.write,
            Call([state, index, *places], [secrets.token_hex(16), source.name, target, while_state]),
        )
        if taken == b"closed":
            raise ProjectClosed([source.project])
        for place, (rollup, found) in enumerate(zip(store.rollups, taken, strict=True), start=1):
            if found:
                token, raw, into = found
                project, _, name = into.decode().partition(":")
                goal = destination if int(project) in gone else Series(int(project), name)
                merge = while_merging if goal.project == destination.project else ""
                self._put_ring(goal, place, rollup, token.decode(), raw, merge)
                arrived = Call([index, source.moving_key(rollup), *places], [token, source.name])
                self._drop.run(store.clients.write, arrived)

    def _put_ring(self, destination: Series, place: int, rollup: Rollup, token: str, raw: bytes, merge: str) -> None:
        project = destination.project
        keys = [
            state_key(project),
            index_key(project),
            claim_key(project, f"{token}:{rollup.name}"),
            destination.key(rollup),
            categories_key(project),
            reasons_key(project),
        ]
        words = unknown_words(destination) or ("", "")
        args: list[str | bytes | int] = [place, "moved", MOVE_SECONDS, destination.name, merge, *words]
        for pair in ring.buckets(raw, rollup):
            args += pair
        if self._put.run(self._store.clients.write, Call(keys, args)) == b"closed":
            raise ProjectClosed([project])
