"""A store with tiny rollups counts, reads, merges and deletes as a plain list of all counts does."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.tsdb.tools import NOW, keys_of, merge, retained
from tsdb.rollups import Rollup
from tsdb.series import Series
from tsdb.store import Claim, Increment, ProjectClosed, Store

PROJECTS = (7, 8)
SERIES = tuple(Series(project, name) for project in PROJECTS for name in ("t:error:accepted", "t:error:filtered"))

some_series = st.sampled_from(SERIES)
some_projects = st.sampled_from(PROJECTS)
offsets = st.one_of(st.integers(-150, 60), st.integers(-70, -60), st.integers(-6, 0))
"""Seconds around what each of the tiny rollups retains: 65, 80 and 120."""
amounts = st.integers(1, 10**12)


@dataclass(frozen=True)
class Counted:
    """One count in the model. `now` is the clock when it was counted, which decides which rollups retained it."""

    series: Series
    timestamp: int
    amount: int
    now: int


class Counting(RuleBasedStateMachine):
    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store
        self.now = NOW
        self.counted: list[Counted] = []
        self.claims: set[tuple[int, int]] = set()
        self.running: Counter[tuple[int, str]] = Counter()
        self.open: set[int] = set()

    @initialize()
    def begin(self) -> None:
        self.store.clients.write.flushdb()
        for project in PROJECTS:
            self.store.open(project)
            self.open.add(project)

    # --- the operations ---

    @rule(seconds=st.one_of(st.integers(1, 7), st.integers(1, 200)))
    def the_clock_advances(self, seconds: int) -> None:
        self.now += seconds

    @rule(series=some_series, offset=offsets, amount=amounts)
    def one_is_counted(self, series: Series, offset: int, amount: int) -> None:
        count = partial(self.store.incr, [series], self.now + offset, now=self.now, amount=amount)
        if series.project not in self.open:
            with pytest.raises(ProjectClosed):
                count()
            return
        count()
        self.remember([Increment(series, self.now + offset, amount)])

    @rule(counted=st.lists(st.tuples(some_series, offsets, amounts), max_size=6), bulk=st.booleans())
    def many_are_counted(self, counted: list[tuple[Series, int, int]], bulk: bool) -> None:
        increments = [
            Increment(series, self.now + offset, amount)
            for series, offset, amount in counted
            if series.project in self.open
        ]
        if bulk:
            self.store.incr_bulk(increments, now=self.now)
        else:
            self.store.incr_multi(increments, now=self.now)
        self.remember(increments)

    @rule(series=some_series, offset=offsets, amount=amounts, claim=st.integers(1, 3))
    def one_is_counted_with_an_id(self, series: Series, offset: int, amount: int, claim: int) -> None:
        if series.project not in self.open:
            return
        increments = [Increment(series, self.now + offset, amount)]
        new = self.store.incr_multi(increments, now=self.now, claim=Claim(str(claim), "same", 600))
        assert new == ((series.project, claim) not in self.claims)
        if new:
            self.claims.add((series.project, claim))
            self.remember(increments)

    @rule(destination=some_series, sources=st.lists(some_series, max_size=3))
    def series_are_merged(self, destination: Series, sources: list[Series]) -> None:
        closed = {destination.project, *(source.project for source in sources)} - self.open
        if closed:
            with suppress(ProjectClosed):  # it may fail before it comes to the closed project
                merge(self.store, destination, sources)
            for project in closed:  # counts of an interrupted move arrive then
                self.a_project_is_opened(project)
        merge(self.store, destination, sources)
        self.counted = [replace(one, series=destination) if one.series in sources else one for one in self.counted]

    @rule(project=some_projects)
    def a_project_is_deleted(self, project: int) -> None:
        self.store.delete([project])
        self.open.discard(project)
        self.counted = [one for one in self.counted if one.series.project != project]
        self.claims = {claim for claim in self.claims if claim[0] != project}
        self.running = Counter({one: total for one, total in self.running.items() if one[0] != project})
        assert keys_of(self.store, project) == set()

    @rule(project=some_projects)
    def a_project_is_opened(self, project: int) -> None:
        self.store.open(project)
        self.open.add(project)

    @rule(project=some_projects)
    def a_project_is_closed_for_a_moment(self, project: int) -> None:
        if project in self.open:
            self.store.close(project)
            with pytest.raises(ProjectClosed):
                self.store.incr([Series(project, SERIES[0].name)], self.now, now=self.now)
            self.store.open(project)

    @rule()
    def scripts_are_forgotten(self) -> None:
        self.store.clients.write.script_flush()

    # --- the invariants ---

    @invariant()
    def every_bucket_reads_as_remembered(self) -> None:
        for rollup in self.store.rollups:
            kept = retained(rollup, self.now)
            window = replace(kept, first=kept.first - rollup.slots)  # buckets before it read as 0
            found = self.store.get_range(SERIES, window, now=self.now)
            for series in SERIES:
                starts = zip(window.timestamps(), found[series], strict=True)
                assert {start: count for start, count in starts if count} == self.expected(series, rollup), (
                    f"{series} at {rollup.name}"
                )

    @invariant()
    def a_project_that_is_closed_has_no_key(self) -> None:
        for project in set(PROJECTS) - self.open:
            assert keys_of(self.store, project) == set()

    @invariant()
    def the_running_totals_are_all_that_was_ever_counted(self) -> None:
        found = self.store.running_totals(PROJECTS)
        assert {
            (project, f"t:{category}:{outcome}"): total
            for project, totals in found.items()
            for (category, outcome), total in totals.outcomes.items()
        } == self.running

    # --- the model ---

    def remember(self, increments: list[Increment]) -> None:
        self.counted += [Counted(series, timestamp, amount, self.now) for series, timestamp, amount in increments]
        coarsest = self.store.rollups[-1]
        for series, timestamp, amount in increments:
            if coarsest.bucket(timestamp) >= coarsest.oldest_bucket(self.now):
                self.running[series.project, series.name] += amount

    def expected(self, series: Series, rollup: Rollup) -> dict[int, int]:
        sums: dict[int, int] = {}
        for one in self.counted:
            bucket = rollup.bucket(one.timestamp)
            held = rollup.oldest_bucket(one.now) <= bucket and rollup.oldest_bucket(self.now) <= bucket
            if one.series == series and held:
                start = bucket * rollup.seconds
                sums[start] = sums.get(start, 0) + one.amount
        return sums


def test_the_store_counts_as_a_list_does(tiny: Store) -> None:
    class CountingHere(Counting):
        def __init__(self) -> None:
            super().__init__(tiny)

    run_state_machine_as_test(
        CountingHere,
        settings=settings(max_examples=60, stateful_step_count=30, deadline=None),
    )
