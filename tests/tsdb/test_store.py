"""Counting and reading: what is kept under which key, and what each method returns."""

from __future__ import annotations

from struct import unpack

import pytest

from tests.tsdb.tools import NOW, SHOP, WEB, counts, keys_of, retained, sums
from tsdb.outcomes import Category, Outcome
from tsdb.reading import MANY, SHORT
from tsdb.rollups import LARGEST, Rollup, RollupError
from tsdb.series import Series, environment, fact, of_event, parse_environment, parse_fact, total
from tsdb.settling import settle
from tsdb.states import Unsettled
from tsdb.store import Claim, ClaimConflict, Increment, ProjectClosed, Store
from tsdb.timeline import Window


def test_the_keys_of_an_event_are_exactly_these(store: Store) -> None:
    store.open(7)
    event = of_event(7, 12, Category.ERROR, Outcome.ACCEPTED, environment_id=3)
    store.incr_multi([Increment(series, NOW) for series in event], now=NOW, claim=Claim("abc", "x", 60))
    assert keys_of(store, 7) == {
        "ts:{7}:state",
        "ts:{7}:running",
        "ts:{7}:index",
        "ts:{7}:claim:abc",
        "ts:{7}:t:error:accepted:10s373",
        "ts:{7}:t:error:accepted:300s302",
        "ts:{7}:t:error:accepted:3600s770",
        "ts:{7}:t:error:accepted:86400s402",
        "ts:{7}:f:12:error:accepted:none:10s373",
        "ts:{7}:f:12:error:accepted:none:300s302",
        "ts:{7}:f:12:error:accepted:none:3600s770",
        "ts:{7}:f:12:error:accepted:none:86400s402",
        "ts:{7}:e:3:accepted:10s373",
        "ts:{7}:e:3:accepted:300s302",
        "ts:{7}:e:3:accepted:3600s770",
        "ts:{7}:e:3:accepted:86400s402",
    }
    assert store.series_of(7) == ["e:3:accepted", "f:12:error:accepted:none", "t:error:accepted"]


def test_a_filtered_event_is_counted_by_its_reason_in_its_environment_too() -> None:
    event = of_event(7, 0, Category.ERROR, Outcome.FILTERED, reason="localhost", environment_id=3)
    assert event == [
        total(7, Category.ERROR, Outcome.FILTERED),
        fact(7, 0, Category.ERROR, Outcome.FILTERED, "localhost"),
        environment(7, 3, Outcome.FILTERED),
        environment(7, 3, Outcome.FILTERED, "localhost"),
    ]
    assert [one.name for one in event[1:]] == ["f:0:error:filtered:localhost", "e:3:filtered", "e:3:filtered:localhost"]
    assert [parse_fact(one.name) for one in event] == [None, (0, "error", "filtered", "localhost"), None, None]
    assert [parse_environment(one.name) for one in event[1:]] == [
        None, (3, "filtered", None), (3, "filtered", "localhost")
    ]  # fmt: skip


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("category", [Category.ERROR, Category.TRANSACTION])
def test_an_environment_counts_the_errors_that_were_received(category: Category, outcome: Outcome) -> None:
    found = of_event(7, 1, category, outcome, reason="other", environment_id=3)[2:]
    received = outcome in (Outcome.ACCEPTED, Outcome.FILTERED, Outcome.RATE_LIMITED)
    expected = received and category is Category.ERROR
    assert [one.name for one in found] == ([f"e:3:{outcome}"] if expected else [])


def test_a_ring_is_laid_out_as_drawn_and_expires_with_its_retention(store: Store) -> None:
    store.open(7)
    store.incr([WEB], NOW, now=NOW, amount=5)
    store.incr([WEB], NOW - 3600, now=NOW, amount=6)
    key = "ts:{7}:t:error:accepted:3600s770"
    raw = store.clients.read.get(key)
    assert isinstance(raw, bytes)
    newest, *slots = unpack(f">q{len(raw) // 8 - 1}q", raw)
    assert newest == NOW // 3600
    assert len(slots) == 768 + 1 + 1
    assert slots[newest % 770] == 5
    assert slots[(newest - 1) % 770] == 6
    assert sum(slots) == 11
    ttl = store.clients.read.ttl(key)
    assert 769 * 3600 <= ttl <= 770 * 3600


def test_incr_counts_one_thing_into_several_series(tiny: Store) -> None:
    other = Series(7, "e:3:accepted")
    tiny.incr([WEB, other], NOW, now=NOW, amount=3)
    tiny.incr([WEB], NOW, now=NOW)
    assert counts(tiny, WEB, tiny.rollups[0]) == {NOW: 4}
    assert counts(tiny, other, tiny.rollups[0]) == {NOW: 3}


def test_incr_multi_counts_into_many_projects_and_adds_equal_increments_up(tiny: Store) -> None:
    counted = tiny.incr_multi(
        [Increment(WEB, NOW, 2), Increment(SHOP, NOW - 1, 3), Increment(WEB, NOW, 2), Increment(WEB, NOW - 4)], now=NOW
    )
    assert counted is True
    assert counts(tiny, WEB, tiny.rollups[0]) == {NOW: 4, NOW - 4: 1}
    assert counts(tiny, WEB, tiny.rollups[1]) == {NOW: 4, NOW - 5: 1}
    assert counts(tiny, SHOP, tiny.rollups[1]) == {NOW - 5: 3}


def test_series_of_one_call_are_counted_at_times_of_their_own(tiny: Store) -> None:
    other = Series(7, "t:session:accepted")
    tiny.incr_multi([Increment(WEB, NOW), Increment(other, NOW - 30)], now=NOW)
    for series, at in ((WEB, NOW), (other, NOW - 30)):
        assert [counts(tiny, series, rollup) for rollup in tiny.rollups] == [
            {at - at % rollup.seconds: 1} for rollup in tiny.rollups
        ]


def test_nothing_to_count_is_counted(tiny: Store) -> None:
    assert tiny.incr_multi([], now=NOW) is True
    tiny.incr_bulk([], now=NOW)
    assert tiny.series_of(7) == []


def test_incr_bulk_counts_any_number_in_batches(store: Store) -> None:
    store.open(7)
    store.open(8)
    first = NOW - 399 * 86400
    increments = [Increment(WEB, first + 2400 * step, 3) for step in range(12_000)]
    increments += [Increment(SHOP, NOW, 1)] * 5000
    store.incr_bulk(increments, now=NOW)
    assert sums(store, WEB)[-1] == 3 * 12_000
    assert sums(store, SHOP) == [5000] * 4


@pytest.mark.parametrize("amount", [0, -1, 2**63])
def test_an_amount_out_of_range_is_refused_before_anything_is_counted(tiny: Store, amount: int) -> None:
    with pytest.raises(ValueError, match="cannot count"):
        tiny.incr_multi([Increment(SHOP, NOW), Increment(WEB, NOW, amount)], now=NOW)
    with pytest.raises(ValueError, match="cannot count"):
        tiny.incr_bulk([Increment(SHOP, NOW), Increment(WEB, NOW, amount)], now=NOW)
    assert sums(tiny, SHOP) == [0, 0, 0]


def test_a_timestamp_before_the_epoch_is_refused(tiny: Store) -> None:
    with pytest.raises(ValueError, match="cannot count"):
        tiny.incr([WEB], -1, now=NOW)


def test_a_claim_is_counted_once_and_a_conflict_not_at_all(tiny: Store) -> None:
    assert tiny.incr_multi([Increment(WEB, NOW, 5)], now=NOW, claim=Claim("a", "x", 60)) is True
    assert tiny.incr_multi([Increment(WEB, NOW, 5)], now=NOW, claim=Claim("a", "x", 60)) is False
    with pytest.raises(ClaimConflict):
        tiny.incr_multi([Increment(WEB, NOW, 6)], now=NOW, claim=Claim("a", "y", 60))
    assert sums(tiny, WEB) == [5, 5, 5]
    assert 0 < tiny.clients.read.ttl("ts:{7}:claim:a") <= 60


def test_the_same_claim_in_two_projects_is_two_claims(tiny: Store) -> None:
    for series in (WEB, SHOP):
        assert tiny.incr_multi([Increment(series, NOW)], now=NOW, claim=Claim("a", "x", 60)) is True
    assert sums(tiny, WEB) == sums(tiny, SHOP) == [1, 1, 1]


def test_a_claim_over_two_projects_is_refused(tiny: Store) -> None:
    with pytest.raises(ValueError, match="one project"):
        tiny.incr_multi([Increment(WEB, NOW), Increment(SHOP, NOW)], now=NOW, claim=Claim("a", "x", 60))
    assert sums(tiny, WEB) == [0, 0, 0]


def test_a_project_that_was_never_opened_is_refused_and_leaves_no_key(store: Store) -> None:
    with pytest.raises(ProjectClosed) as refused:
        store.incr([WEB], NOW, now=NOW)
    assert refused.value.projects == [7]
    assert keys_of(store, 7) == set()


def test_of_several_projects_the_open_ones_are_counted_and_the_closed_ones_named(tiny: Store) -> None:
    with pytest.raises(ProjectClosed) as refused:
        tiny.incr_multi(
            [Increment(Series(9, WEB.name), NOW), Increment(WEB, NOW), Increment(Series(6, WEB.name), NOW)], now=NOW
        )
    assert refused.value.projects == [6, 9]
    assert sums(tiny, WEB) == [1, 1, 1]


def test_opening_twice_changes_nothing(tiny: Store) -> None:
    tiny.incr([WEB], NOW, now=NOW)
    tiny.open(7)
    assert sums(tiny, WEB) == [1, 1, 1]


def test_get_range_answers_each_series_and_0_for_one_that_never_was(tiny: Store) -> None:
    tiny.incr([WEB], NOW, now=NOW, amount=2)
    never = Series(7, "t:error:filtered")
    window = Window(tiny.rollups[0], NOW - 2, NOW + 1)
    assert tiny.get_range([WEB, never], window, now=NOW) == {WEB: (0, 0, 2, 0), never: (0, 0, 0, 0)}
    assert tiny.get_range([], window, now=NOW) == {}


def test_get_added_and_get_sums_add_what_get_range_reads(tiny: Store) -> None:
    tiny.incr([WEB], NOW, now=NOW, amount=2)
    tiny.incr([WEB, SHOP], NOW - 1, now=NOW, amount=5)
    window = Window(tiny.rollups[0], NOW - 2, NOW)
    assert tiny.get_added([WEB, SHOP], window, now=NOW) == [0, 10, 2]
    assert tiny.get_added([], window, now=NOW) == [0, 0, 0]
    assert tiny.get_sums([WEB, SHOP], window, now=NOW) == {WEB: 7, SHOP: 5}


def test_rollup_adds_pairs_up_into_coarser_buckets(tiny: Store) -> None:
    fine = {WEB: [(NOW, 1), (NOW + 10, 2), (NOW + 3600, 4)]}
    assert tiny.rollup(fine, 3600) == {WEB: [(NOW, 3), (NOW + 3600, 4)]}


def test_a_bucket_is_read_until_it_is_no_longer_retained(tiny: Store) -> None:
    tiny.incr([WEB], NOW, now=NOW)
    finest = tiny.rollups[0]
    assert counts(tiny, WEB, finest, now=NOW + 65) == {NOW: 1}
    assert counts(tiny, WEB, finest, now=NOW + 66) == {}


def test_a_changed_setting_never_misreads_an_old_ring(tiny: Store) -> None:
    tiny.incr([WEB], NOW, now=NOW)
    changed = Store(tiny.clients, (Rollup(1, 6), *tiny.rollups[1:]))
    with pytest.raises(Unsettled) as refused:
        sums(changed, WEB)
    assert refused.value.projects == [7]
    with pytest.raises(ProjectClosed):
        changed.incr([WEB], NOW, now=NOW)
    settle(changed, 7, now=NOW)
    assert sums(changed, WEB) == [1, 1, 1]


def test_rollups_that_break_a_rule_make_no_store(tiny: Store) -> None:
    with pytest.raises(RollupError):
        Store(tiny.clients, tuple(reversed(tiny.rollups)))


def test_a_whole_window_of_every_rollup_is_read_back(store: Store) -> None:
    store.open(7)
    for rollup in store.rollups:
        window = Window(rollup, rollup.oldest_bucket(NOW), rollup.bucket(NOW))
        starts = window.timestamps()
        store.incr_bulk([Increment(WEB, start, 1 + place) for place, start in enumerate(starts)], now=NOW)
        found = store.get_range([WEB], retained(rollup, NOW), now=NOW)[WEB]
        assert [count for count in found if count] == list(range(1, window.points + 1))
        assert window.points >= rollup.samples + 1
        store.delete([7])
        store.open(7)


def test_running_totals_hold_what_was_ever_counted_and_stand_still_at_the_top(store: Store) -> None:
    store.open(7)
    other = Series(7, "t:error:filtered")
    store.incr_multi([Increment(WEB, NOW - 3600, 3), Increment(WEB, NOW, 4), Increment(other, NOW, LARGEST)], now=NOW)
    store.incr([other], NOW, now=NOW, amount=5)
    store.incr([WEB], NOW - 500 * 86400, now=NOW)  # no rollup retains it, so it was not counted

    totals = store.running_totals([7, 8])
    assert totals[7].outcomes == {("error", "accepted"): 7, ("error", "filtered"): LARGEST}
    assert totals[8] == ({}, {})


def test_what_was_dropped_has_a_running_total_by_reason_over_all_keys(store: Store) -> None:
    store.open(7)
    why = ("localhost", "web-crawlers", "localhost")
    drops = [fact(7, key, Category.ERROR, Outcome.FILTERED, reason) for key, reason in enumerate(why)]
    accepted = fact(7, 1, Category.ERROR, Outcome.ACCEPTED)
    store.incr_multi([Increment(one, NOW, 3) for one in (*drops, accepted)], now=NOW)
    store.incr([drops[1]], NOW, now=NOW, amount=LARGEST)  # it stops at the largest count
    store.incr([drops[0]], NOW - 500 * 86400, now=NOW)  # no rollup retains it, so it was not counted

    assert store.running_totals([7])[7] == (
        {},
        {("error", "filtered", "localhost"): 6, ("error", "filtered", "web-crawlers"): LARGEST},
    )


def test_a_short_window_of_many_rings_is_read_as_of_few(store: Store) -> None:
    series = [Series(project, "t:error:accepted") for project in range(1, MANY + 10)]
    for one in series[::7]:
        store.open(one.project)
        store.incr_multi([Increment(one, NOW - age, 1 + age + one.project) for age in range(0, 7200, 70)], now=NOW)
    for rollup in store.rollups:
        for last in (rollup.bucket(NOW), rollup.bucket(NOW) + 5, rollup.bucket(NOW) // rollup.slots * rollup.slots + 3):
            window = Window(rollup, last - rollup.slots // SHORT + 1, last)
            together = store.get_range(series, window, now=NOW)
            assert together == {one: store.get_range([one], window, now=NOW)[one] for one in series}
            added = store.get_added(series, window, now=NOW)
            assert added == [sum(column) for column in zip(*together.values(), strict=True)]
