"""Arrivals that are counted together count as they would one by one, and what befalls one is nothing to the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from tests.tsdb.breaking import breaking
from tests.tsdb.tools import NOW, TINY, counts, keys_of, sums, together
from tsdb.arrivals import Arrival, Quota, Sent, new_submission
from tsdb.batch import MOST_ARRIVALS, MOST_INCREMENTS
from tsdb.client import Client, Clients
from tsdb.intake import Intake
from tsdb.outcomes import Category, Outcome
from tsdb.rollups import LARGEST
from tsdb.series import Series, claim_key, of_event, quota_key, total
from tsdb.store import Increment, ProjectClosed, Store

PROJECTS = (7, 8)
OTHER = "t:session:accepted"
A, B, C = "a" * 32, "b" * 32, "c" * 32


@pytest.fixture
def intake(tiny: Store) -> Intake:
    return Intake(tiny, 3600)


def of(project: int, outcome: Outcome) -> Series:
    return total(project, Category.ERROR, outcome)


ACCEPTED, REFUSED = of(7, Outcome.ACCEPTED), of(7, Outcome.RATE_LIMITED)


def event(
    event_id: str | None,
    quota: Quota | None = None,
    *,
    project: int = 7,
    outcome: Outcome = Outcome.ACCEPTED,
    at: int = NOW,
    amount: int = 1,
    others: int = 0,
) -> Arrival:
    """Return an event that counts `amount` into its outcome, and `others` sessions that are counted in any case."""
    return Arrival(
        event_id,
        outcome,
        [Increment(of(project, outcome), at, amount)],
        quota,
        [Increment(of(project, Outcome.RATE_LIMITED), at, amount)],
        [Increment(Series(project, OTHER), at)] * others,
    )


def sent(store: Store, arrival: Arrival, *, project: int = 7, submission: str | None = None, now: int = NOW) -> Sent:
    return Sent(project, store.version(project) or "", arrival, submission or new_submission(), now)


def test_one_script_counts_the_arrivals_of_a_project(intake: Intake, tiny: Store) -> None:
    arrivals = [sent(tiny, event(f"{number:032x}", Quota(1, 30, 60))) for number in range(40)]
    client: Any = tiny.clients.write
    client.config_resetstat()
    assert together(intake, arrivals) == ["accepted"] * 30 + ["rate_limited"] * 10
    stats = client.info("commandstats")
    assert stats.get("cmdstat_evalsha", {"calls": 0})["calls"] + stats.get("cmdstat_eval", {"calls": 0})["calls"] <= 2
    assert stats["cmdstat_incrby"]["calls"] == 1
    assert stats["cmdstat_bitfield"]["calls"] == 2 * len(TINY)
    assert (sums(tiny, ACCEPTED), sums(tiny, REFUSED)) == ([30] * 3, [10] * 3)
    assert client.get(quota_key(7, 1, 60, NOW)) == b"30"
    assert 0 < client.ttl(quota_key(7, 1, 60, NOW)) <= 60


def test_nothing_sent_is_nothing_answered(intake: Intake) -> None:
    assert together(intake, []) == []


def test_the_second_of_two_equal_ids_is_a_repeat_and_gets_the_first_ones_outcome(intake: Intake, tiny: Store) -> None:
    arrivals = [event(A), event(A, outcome=Outcome.FILTERED), event(B, outcome=Outcome.FILTERED), event(B)]
    assert together(intake, [sent(tiny, one) for one in arrivals]) == [
        "accepted", "accepted", "filtered", "filtered"
    ]  # fmt: skip
    assert (sums(tiny, ACCEPTED), sums(tiny, of(7, Outcome.FILTERED))) == ([1] * 3, [1] * 3)


def test_a_refused_id_is_not_remembered_and_its_submission_is(intake: Intake, tiny: Store) -> None:
    full, free = Quota(1, 0, 60), Quota(2, 5, 60)
    first = sent(tiny, event(A, full), submission="first")
    arrivals = [first, sent(tiny, event(A, free)), first, sent(tiny, event(A, full))]
    assert together(intake, arrivals) == ["rate_limited", "accepted", "rate_limited", "accepted"]
    assert (sums(tiny, ACCEPTED), sums(tiny, REFUSED)) == ([1] * 3, [1] * 3)
    assert together(intake, [first]) == ["rate_limited"]
    assert tiny.clients.read.get(claim_key(7, A)) == b"accepted"


def test_what_has_no_id_is_counted_once_a_submission(intake: Intake, tiny: Store) -> None:
    one, other = (sent(tiny, event(None, others=2), submission=name) for name in ("one", "other"))
    assert together(intake, [one, other, one]) == ["accepted"] * 3
    assert together(intake, [other]) == ["accepted"]
    assert (sums(tiny, ACCEPTED), sums(tiny, Series(7, OTHER))) == ([2] * 3, [4] * 3)


def test_each_arrival_has_the_window_of_its_own_clock(intake: Intake, tiny: Store) -> None:
    quota = Quota(1, 1, 60)
    clocks = (NOW, NOW + 60, NOW + 59, NOW + 61)
    arrivals = [sent(tiny, event(None, quota), now=now) for now in clocks]
    assert together(intake, arrivals) == ["accepted", "accepted", "rate_limited", "rate_limited"]
    assert tiny.clients.read.get(quota_key(7, 1, 60, NOW)) == b"1"
    assert tiny.clients.read.get(quota_key(7, 1, 60, NOW + 60)) == b"1"


@pytest.mark.parametrize("clocks", [(NOW, NOW + 30), (NOW + 30, NOW)])
def test_what_is_retained_is_decided_by_the_latest_clock(intake: Intake, tiny: Store, clocks: tuple[int, int]) -> None:
    old = NOW - 60  # the finest rollup retains 65 seconds
    together(intake, [sent(tiny, event(None, at=old), now=now) for now in clocks])
    assert [counts(tiny, ACCEPTED, rollup) for rollup in TINY] == [{}, {}, {old: 2}]


def test_increments_of_many_arrivals_at_many_times_are_added_up(intake: Intake, tiny: Store) -> None:
    arrivals = [sent(tiny, event(None, at=NOW - ago, amount=ago + 1)) for ago in (0, 1, 0, 2, 1)]
    together(intake, arrivals)
    assert counts(tiny, ACCEPTED, TINY[0]) == {NOW: 2, NOW - 1: 4, NOW - 2: 3}
    assert sums(tiny, ACCEPTED) == [9] * 3


def test_amounts_too_large_for_lua_are_added_exactly_and_stop_at_the_largest(intake: Intake, tiny: Store) -> None:
    amounts = (2**53 + 1, 2**53 + 1, 10**12 - 1, 1)
    together(intake, [sent(tiny, event(None, amount=amount)) for amount in amounts])
    assert sums(tiny, ACCEPTED) == [sum(amounts)] * 3
    together(intake, [sent(tiny, event(None, Quota(1, 0, 60), amount=LARGEST)) for _ in range(3)])
    assert sums(tiny, REFUSED) == [LARGEST] * 3
    together(intake, [sent(tiny, Arrival(None, Outcome.ACCEPTED, others=[Increment(ACCEPTED, NOW, LARGEST)] * 2))])
    assert sums(tiny, ACCEPTED) == [LARGEST] * 3


def test_many_arrivals_and_large_ones_are_counted_in_several_calls(intake: Intake, tiny: Store) -> None:
    large = [
        Increment(Series(7, f"f:{number}:error:accepted:none"), NOW - number % 3)
        for number in range(MOST_INCREMENTS + 1)
    ]
    arrivals = [
        *(event(f"{number:032x}", Quota(1, 2 * MOST_ARRIVALS, 60)) for number in range(2 * MOST_ARRIVALS + 5)),
        Arrival(None, Outcome.ACCEPTED, large),
        event(A),
    ]
    together(intake, [sent(tiny, event(B))])  # Redis knows the script from now on
    client: Any = tiny.clients.write
    client.config_resetstat()
    answers = together(intake, [sent(tiny, one) for one in arrivals])
    assert answers == ["accepted"] * 2 * MOST_ARRIVALS + ["rate_limited"] * 5 + ["accepted"] * 2
    assert client.info("commandstats")["cmdstat_evalsha"]["calls"] == 5
    assert (sums(tiny, ACCEPTED), sums(tiny, REFUSED)) == ([2 * MOST_ARRIVALS + 2] * 3, [5] * 3)
    assert sums(tiny, large[-1].series) == [1] * 3


def test_who_knows_an_old_version_is_told_so_alone(intake: Intake, tiny: Store) -> None:
    old = sent(tiny, event(A))
    tiny.close(7)
    tiny.open(7)
    stale, new, other = together(intake, [old, sent(tiny, event(B)), sent(tiny, event(A, project=8), project=8)])
    assert isinstance(stale, ProjectClosed)
    assert stale.projects == [7]
    assert (new, other) == ("accepted", "accepted")
    assert claim_key(7, A) not in keys_of(tiny, 7)


@pytest.mark.parametrize(
    "bad",
    [
        event("\ud800"),
        event(A, amount=0),
        event(A, amount=LARGEST + 1),
        event(A, at=-1),
        event(A, Quota(1, 5, 0)),
        event(A, Quota(1, 5, 10**18)),
        event(A, project=8),
        Arrival(A, Outcome.ACCEPTED, others=[Increment(ACCEPTED, NOW), Increment(REFUSED, NOW, -1)]),
    ],
)
def test_an_arrival_that_cannot_be_counted_fails_alone(intake: Intake, tiny: Store, bad: Arrival) -> None:
    first, failed, last = together(intake, [sent(tiny, one) for one in (event(B), bad, event(C))])
    assert (first, last) == ("accepted", "accepted")
    assert isinstance(failed, ValueError)
    assert sums(tiny, ACCEPTED) == [2] * 3
    with pytest.raises(ValueError, match=str(failed)[:6]):
        intake.count(7, tiny.version(7) or "", bad, "x", now=NOW)
    assert claim_key(7, A) not in keys_of(tiny, 7)


def test_a_project_whose_script_fails_fails_alone_and_nothing_of_it_is_counted(intake: Intake, tiny: Store) -> None:
    tiny.clients.write.execute_command("LPUSH", quota_key(7, 1, 60, NOW), "no number")
    before = keys_of(tiny, 7)
    arrivals = [sent(tiny, event(A)), sent(tiny, event(B, Quota(1, 5, 60)))]
    failed, too, other = together(intake, [*arrivals, sent(tiny, event(A, project=8), project=8)])
    assert isinstance(failed, ResponseError)
    assert isinstance(too, ResponseError)
    assert other == "accepted"
    assert keys_of(tiny, 7) == before


class Forgetful(Client):
    """A client that carries out all that it is asked, and loses the next answers."""

    lost = 0

    def execute_command(self, *args: Any, **options: Any) -> Any:
        return self._answer(super().execute_command(*args, **options))

    def together(self, commands: Sequence[Any]) -> list[Any]:
        answers: list[Any] = self._answer(super().together(commands))
        return answers

    def _answer(self, answer: Any) -> Any:
        self.lost -= 1
        if self.lost >= 0:
            raise RedisConnectionError("lost")
        return answer


def forgetful(store: Store) -> tuple[Store, Forgetful]:
    [server] = store.clients.write.servers()
    client = Forgetful(connection_pool=server.connection_pool)
    return Store(Clients(store.clients.read, client), store.rollups, most_series=store.most_series), client


@pytest.mark.parametrize("projects", [(7,), (7, 8)])
def test_a_lost_answer_is_asked_for_once_more_and_all_is_counted_once(tiny: Store, projects: tuple[int, ...]) -> None:
    store, client = forgetful(tiny)
    intake, quota = Intake(store, 3600), Quota(1, 2, 60)
    arrivals = [
        sent(tiny, event(event_id, quota, project=project, others=1), project=project)
        for project in projects
        for event_id in (A, None, B, None)
    ]
    expected = ["accepted", "accepted", "rate_limited", "rate_limited"] * len(projects)
    assert together(intake, arrivals[:1]) == ["accepted"]  # Redis knows the script from now on
    client.lost = 1
    assert together(intake, arrivals) == expected
    client.lost = 2
    assert all(isinstance(answer, RedisError) for answer in together(intake, arrivals))
    assert together(intake, arrivals) == expected
    for project in projects:
        assert sums(tiny, of(project, Outcome.ACCEPTED)) == [2] * 3
        assert sums(tiny, of(project, Outcome.RATE_LIMITED)) == [2] * 3
        assert sums(tiny, Series(project, OTHER)) == [4] * 3


def test_without_redis_every_answer_is_its_error(tiny: Store) -> None:
    store, client = breaking(tiny)
    client.break_at(1, carried_out=False)
    arrivals = [sent(tiny, event(None, project=project), project=project) for project in PROJECTS]
    answers = together(Intake(store, 3600), arrivals)
    assert [type(answer) for answer in answers] == [RedisConnectionError] * 2
    assert sums(tiny, ACCEPTED) == [0] * 3


def rows(key: int, outcome: Outcome, reason: str = "none") -> list[Increment]:
    return [Increment(one, NOW) for one in of_event(7, key, Category.ERROR, outcome, reason=reason)]


def of_key(key: int, event_id: str, quota: Quota | None = None) -> Arrival:
    refused = rows(key, Outcome.RATE_LIMITED, "key_quota")
    return Arrival(event_id, Outcome.ACCEPTED, rows(key, Outcome.ACCEPTED), quota, refused)


def test_facts_without_room_are_counted_under_spare_names_beside_those_with_room(tiny: Store) -> None:
    narrow = Store(tiny.clients, TINY, most_series=6)
    for key in range(1, 4):
        narrow.incr_multi(rows(key, Outcome.ACCEPTED), now=NOW)
    arrivals = [sent(tiny, of_key(key, f"{key:032x}", Quota(9, 4, 60))) for key in (1, 2, 50, 51, 52, 1)]
    arrivals.append(sent(tiny, of_key(50, f"{50:032x}")))
    answers = together(Intake(narrow, 3600), arrivals)
    assert answers == ["accepted"] * 4 + ["rate_limited", "accepted", "accepted"]
    found = {name: sums(tiny, Series(7, name))[0] for name in tiny.series_of(7)}
    assert found == {
        "t:error:accepted": 7,
        "f:1:error:accepted:none": 2,
        "f:2:error:accepted:none": 2,
        "f:3:error:accepted:none": 1,
        "f:0:error:accepted:none": 2,
        "t:error:rate_limited": 1,
        "f:0:error:rate_limited:other": 1,
    }


def test_only_facts_that_are_going_to_be_counted_take_room(tiny: Store) -> None:
    narrow = Store(tiny.clients, TINY, most_series=2)
    arrivals = [sent(tiny, of_key(1, event_id, Quota(1, 5, 60))) for event_id in (A, B)]
    together(Intake(narrow, 3600), arrivals)  # their refusals would be two more series
    assert tiny.series_of(7) == ["f:1:error:accepted:none", "t:error:accepted"]
    repeat = sent(tiny, of_key(2, A, Quota(1, 5, 60)))
    assert together(Intake(narrow, 3600), [repeat]) == ["accepted"]
    assert sums(tiny, ACCEPTED) == [2] * 3


# --- whatever comes, however it is cut ---


@dataclass
class Model:
    """What one by one would count: claims, quotas and counts in plain dicts."""

    claims: dict[tuple[int, str], Outcome] = field(default_factory=dict)
    used: Counter[str] = field(default_factory=Counter)
    counts: Counter[tuple[Series, int]] = field(default_factory=Counter)

    def count(self, one: Sent) -> Outcome:
        arrival, submission = one.arrival, (one.project, one.submission)
        event = (one.project, arrival.id) if arrival.id else submission
        for claim in (submission, event):
            if claim in self.claims:
                return self.claims[claim]
        outcome, increments = arrival.outcome, arrival.counted
        quota = arrival.quota
        if quota:
            key = quota_key(one.project, quota.key, quota.window, one.now)
            if self.used[key] >= quota.limit:
                outcome, increments, event = Outcome.RATE_LIMITED, arrival.refused, submission
            else:
                self.used[key] += 1
        self.claims[event] = outcome
        for series, timestamp, amount in (*increments, *arrival.others):
            self.counts[series, timestamp] += amount
        return outcome


ARRIVALS = st.builds(
    lambda project, now, ago, **words: (project, now, event(project=project, at=now - ago, **words)),
    project=st.sampled_from(PROJECTS),
    now=st.integers(NOW, NOW + 2),
    ago=st.integers(0, 2),
    event_id=st.sampled_from([None, A, B, C]),
    outcome=st.sampled_from([Outcome.ACCEPTED, Outcome.FILTERED]),
    quota=st.sampled_from([None, Quota(1, 2, 60), Quota(2, 0, 60), Quota(3, 1, 1)]),
    amount=st.sampled_from([1, 1, 1, 5, 10**12 + 1]),
    others=st.integers(0, 2),
)
CALLS = st.lists(st.tuples(st.lists(ARRIVALS, max_size=8), st.booleans()), max_size=5)


@given(calls=CALLS, again=st.lists(st.integers(0, 4), max_size=3))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_comes_and_however_it_is_cut_and_repeated_it_counts_as_one_by_one(
    tiny: Store, calls: list[tuple[list[tuple[int, int, Arrival]], bool]], again: list[int]
) -> None:
    tiny.clients.write.flushdb()
    tiny.states._known.clear()
    for project in PROJECTS:
        tiny.open(project)
    intake, model = Intake(tiny, 3600), Model()

    def in_turn() -> Iterator[list[Sent]]:
        before = []
        for arrivals, twice in calls:
            call = [sent(tiny, arrival, project=project, now=now) for project, now, arrival in arrivals]
            before.append(call)
            yield call
            if twice:
                yield call
        for place in again:
            yield from before[place : place + 1]

    for call in in_turn():
        assert together(intake, call) == [model.count(one) for one in call]

    now = NOW + 2
    for project in PROJECTS:
        names = {series.name for series, _ in model.counts if series.project == project}
        assert set(tiny.series_of(project)) == names
        for name in names:
            series = Series(project, name)
            expected = {at: amount for (one, at), amount in model.counts.items() if one == series}
            assert counts(tiny, series, TINY[0], now=now) == expected
            assert sums(tiny, series, now=now) == [sum(expected.values())] * 3
    found = tiny.clients.read.get_many(list(model.used))
    assert [int(used or 0) for used in found] == list(model.used.values())
