"""A project has room for so many series. Further facts are counted under `other`, and totals stay their sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tsdb.tools import NOW, TINY, sums
from tsdb.arrivals import Arrival, Quota, new_submission
from tsdb.intake import Intake
from tsdb.outcomes import FILTERS, Category, Outcome
from tsdb.room import spare
from tsdb.series import Series, fact, of_event, parse_fact, total
from tsdb.store import Claim, ClaimConflict, Increment, Store

ROOM = 12


@pytest.fixture
def narrow(tiny: Store) -> Store:
    """A store in which a project has room for 12 series."""
    return Store(tiny.clients, TINY, most_series=ROOM)


def rows(number: int, outcome: Outcome = Outcome.ACCEPTED, reason: str = "none", first: int = 1) -> list[Increment]:
    """Return the increments of one event of each of so many keys."""
    return [
        Increment(one, NOW)
        for key in range(first, first + number)
        for one in of_event(7, key, Category.ERROR, outcome, reason=reason)
    ]


def facts(store: Store) -> dict[str, list[int]]:
    return {name: sums(store, Series(7, name)) for name in store.series_of(7) if parse_fact(name)}


def sums_of_facts(store: Store) -> dict[str, list[int]]:
    """Return the sums of the facts, by the name of their total."""
    added: dict[str, list[int]] = {}
    for name, found in facts(store).items():
        parsed = parse_fact(name)
        assert parsed
        into = added.setdefault(f"t:{parsed.category}:{parsed.outcome}", [0] * len(TINY))
        added[f"t:{parsed.category}:{parsed.outcome}"] = [a + b for a, b in zip(into, found, strict=True)]
    return added


def totals(store: Store) -> dict[str, list[int]]:
    return {name: sums(store, Series(7, name)) for name in store.series_of(7) if name.startswith("t:")}


def test_facts_beyond_the_room_are_counted_under_no_key_and_totals_are_whole(narrow: Store) -> None:
    narrow.incr_multi(rows(ROOM - 1), now=NOW)
    assert len(narrow.series_of(7)) == ROOM
    narrow.incr_multi(rows(40, first=30), now=NOW)
    assert len(narrow.series_of(7)) == ROOM + 1
    assert facts(narrow)["f:0:error:accepted:none"] == [40] * 3
    assert totals(narrow) == sums_of_facts(narrow) == {"t:error:accepted": [ROOM - 1 + 40] * 3}


def test_what_has_its_series_goes_on_in_it_and_what_is_beside_it_too(narrow: Store) -> None:
    narrow.incr_multi(rows(ROOM + 5), now=NOW)  # more than there is room for, and all of them new
    assert facts(narrow) == {"f:0:error:accepted:none": [ROOM + 5] * 3}
    narrow.incr_multi(rows(ROOM - 2), now=NOW)
    narrow.incr_multi(rows(ROOM), now=NOW)
    assert facts(narrow)["f:1:error:accepted:none"] == [2] * 3
    assert facts(narrow)["f:0:error:accepted:none"] == [ROOM + 5 + 2] * 3


def test_the_stats_of_a_filter_stay_whole_and_other_reasons_become_other(narrow: Store) -> None:
    narrow.incr_multi(rows(ROOM - 1), now=NOW)
    for place, reason in enumerate((*FILTERS, "key_quota")):
        narrow.incr_multi(rows(2, Outcome.FILTERED, reason, first=100 * place + 50), now=NOW)
    narrow.incr_multi(rows(3, Outcome.INVALID, "too_large"), now=NOW)
    expected = {f"f:0:error:filtered:{reason}": [2] * 3 for reason in FILTERS}
    expected |= {"f:0:error:filtered:other": [2] * 3, "f:0:error:invalid:other": [3] * 3}
    assert {name: found for name, found in facts(narrow).items() if name.startswith("f:0:")} == expected


def test_totals_and_environments_always_have_room(narrow: Store) -> None:
    narrow.incr_multi(rows(ROOM - 1), now=NOW)
    beside = [
        total(7, Category.SPAN, Outcome.ABUSE),
        *of_event(7, 1, Category.ERROR, Outcome.ACCEPTED, environment_id=3),
    ]
    narrow.incr(beside, NOW, now=NOW)
    assert {"t:span:abuse", "e:3:accepted"} <= set(narrow.series_of(7))


def test_a_project_that_has_more_keeps_what_it_has(tiny: Store, narrow: Store) -> None:
    tiny.incr_multi(rows(3 * ROOM), now=NOW)
    narrow.incr_multi(rows(3 * ROOM + 1), now=NOW)
    assert facts(narrow)[f"f:{3 * ROOM}:error:accepted:none"] == [2] * 3
    assert facts(narrow)["f:0:error:accepted:none"] == [1] * 3
    assert totals(narrow) == sums_of_facts(narrow)


def test_another_project_has_room_of_its_own(narrow: Store) -> None:
    other = [Increment(one, NOW) for one in of_event(8, 1, Category.ERROR, Outcome.ACCEPTED)]
    narrow.incr_multi([*rows(2 * ROOM), *other], now=NOW)
    assert narrow.series_of(8) == ["f:1:error:accepted:none", "t:error:accepted"]
    assert facts(narrow) == {"f:0:error:accepted:none": [2 * ROOM] * 3}


def test_a_claim_is_counted_once_whether_there_is_room_or_not(narrow: Store) -> None:
    narrow.incr_multi(rows(ROOM - 1), now=NOW)
    late, claim = rows(5, first=50), Claim("batch", "a", 60)
    assert [narrow.incr_multi(late, now=NOW, claim=claim) for _ in range(3)] == [True, False, False]
    with pytest.raises(ClaimConflict):
        narrow.incr_multi(rows(5, first=90), now=NOW, claim=claim._replace(value="b"))
    assert facts(narrow)["f:0:error:accepted:none"] == [5] * 3


def test_the_bulk_path_has_no_more_room(narrow: Store) -> None:
    narrow.incr_bulk([Increment(one, NOW - second) for second in (0, 7) for one, _, _ in rows(3 * ROOM)], now=NOW)
    assert len(narrow.series_of(7)) <= ROOM
    assert totals(narrow) == sums_of_facts(narrow)


def send(store: Store, key: int, event_id: str, quota: Quota | None = None) -> Outcome:
    """Count an event of that key with the script of intake, and return the outcome."""

    def under(outcome: Outcome, reason: str = "none") -> list[Increment]:
        return [Increment(one, NOW) for one in of_event(7, key, Category.ERROR, outcome, reason=reason)]

    others = [Increment(one, NOW) for one in of_event(7, key, Category.SESSION, Outcome.ACCEPTED)]
    arrival = Arrival(
        event_id, Outcome.ACCEPTED, under(Outcome.ACCEPTED), quota, under(Outcome.RATE_LIMITED, "key_quota"), others
    )
    return Intake(store, 3600).count(7, store.version(7) or "", arrival, new_submission(), now=NOW).outcome


def test_an_event_beyond_the_room_is_counted_once_and_by_its_fate(narrow: Store) -> None:
    narrow.incr_multi(rows(ROOM - 1), now=NOW)
    for event_id in ("a" * 32, "b" * 32, "a" * 32):
        assert send(narrow, 99, event_id) is Outcome.ACCEPTED
    full = Quota(key=99, limit=0, window=60)
    assert send(narrow, 99, "c" * 32, full) is Outcome.RATE_LIMITED
    spared = {name: found for name, found in facts(narrow).items() if name.startswith("f:0:")}
    assert spared == {
        "f:0:error:accepted:none": [2] * 3,
        "f:0:error:rate_limited:other": [1] * 3,
        "f:0:session:accepted:none": [3] * 3,
    }
    assert totals(narrow) == sums_of_facts(narrow)


EVENTS = st.lists(
    st.tuples(
        st.integers(1, 6),
        st.sampled_from([Category.ERROR, Category.SPAN]),
        st.sampled_from([Outcome.ACCEPTED, Outcome.FILTERED, Outcome.INVALID]),
        st.sampled_from(["none", "other", "localhost", "too_large"]),
        st.integers(0, 30),
    ),
    max_size=12,
)


@given(batches=st.lists(EVENTS, max_size=3), room=st.integers(1, 15))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_comes_each_total_is_the_sum_of_its_facts(tiny: Store, batches: list[list[tuple]], room: int) -> None:  # type: ignore[type-arg]
    tiny.clients.write.flushdb()
    store = Store(tiny.clients, TINY, most_series=room)
    store.states._known.clear()
    store.open(7)
    expected: Counter[str] = Counter()
    for batch in batches:
        increments = []
        for key, category, outcome, reason, ago in batch:
            series = of_event(7, key, category, outcome, reason=reason)
            increments += [Increment(one, NOW - ago) for one in series]
            expected[series[0].name] += 1
        store.incr_multi(increments, now=NOW)
        assert totals(store) == sums_of_facts(store)
    assert {name: found[-1] for name, found in totals(store).items()} == dict(expected)
    kept = [name for name in facts(store) if name not in spare_names(facts(store))]
    assert len(kept) <= room


def spare_names(names: Iterable[str]) -> set[str]:
    return {spare(Series(7, name)).name for name in names}


def test_a_spare_series_is_its_own_spare() -> None:
    for category in Category:
        for outcome in Outcome:
            for reason in ("none", "other", "localhost", "key_quota"):
                once = spare(fact(7, 12, category, outcome, reason))
                assert spare(once) == once
