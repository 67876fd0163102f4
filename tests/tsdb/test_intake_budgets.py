"""Budgets in the script of intake: exact at any cut of calls, part by part, in the window into which a count goes."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tsdb.breaking import breaking
from tests.tsdb.tools import together
from tsdb.arrivals import Arrival, Decision, Limited, Part, Quota, Sent, What, new_submission
from tsdb.batch import MOST_ARRIVALS
from tsdb.budgets import MONTH, Budget, open_window, read_uses
from tsdb.intake import Intake
from tsdb.outcomes import Category, Outcome
from tsdb.rollups import DEFAULT_ROLLUPS, parse_rollups
from tsdb.series import Series, of_event, over_budget, total
from tsdb.store import Increment, Store
from tsdb.units import DAY

PROJECT = 7
ERROR, SESSION, ATTACHED, PIECES = Category.ERROR, Category.SESSION, Category.ATTACHMENT, Category.ATTACHMENT_ITEM
MINUTES = Budget(1, ERROR, 3, 300)
A_MONTH = Budget(2, ERROR, 5, MONTH)
SESSIONS = Budget(3, SESSION, 10, 60)
BYTES = Budget(4, ATTACHED, 100, 3600)
NOTHING = Budget(5, PIECES, 0, 60)
NOW = int(datetime(2024, 2, 29, 23, 59, 30, tzinfo=UTC).timestamp())
NEXT = NOW + 30
"""The end of the month, the day, the hour and the minute."""


def at(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp())  # type: ignore[arg-type, misc]


@pytest.fixture
def wide(store: Store) -> Store:
    """A store with the default rings, in which the project is open."""
    store = Store(store.clients, parse_rollups(DEFAULT_ROLLUPS))
    store.open(PROJECT)
    return store


@pytest.fixture
def intake(wide: Store) -> Intake:
    return Intake(wide, 3600)


def accepted(category: Category, amount: int, now: int) -> tuple[Increment, ...]:
    return tuple(Increment(one, now, amount) for one in of_event(PROJECT, 1, category, Outcome.ACCEPTED))


def part(what: What, amounts: dict[Category, int], budgets: tuple[Budget, ...], now: int) -> Part:
    asks = [(one, amounts[Category(one.category)]) for one in budgets if one.category in amounts]
    counted = [one for category, amount in amounts.items() for one in accepted(category, amount, now)]
    return Part(what, tuple(asks), tuple(counted))


def arrival(
    *budgets: Budget,
    now: int = NOW,
    event_id: str | None = None,
    quota: Quota | None = None,
    errors: int = 1,
    attached: int = 0,
    sessions: int = 0,
    others: int = 0,
) -> Arrival:
    """Return an event if there are `errors`, with attachments of as many bytes, sessions and spans beside it.

    Without an event no quota is asked, and attachments are items as all others are.
    """
    quota = quota if errors else None
    event = part(What.EVENT, {ERROR: errors}, budgets, now)
    beside = part(What.BESIDE if errors else What.ITEM, {ATTACHED: attached, PIECES: 1}, budgets, now)
    item = part(What.ITEM, {SESSION: sessions}, budgets, now)
    if not attached:
        beside = beside._replace(asks=(), counted=())
    if event.asks and not beside.asks:
        event, beside = event._replace(counted=event.counted + beside.counted), beside._replace(counted=())
    asked = [one for one, amount in ((event, errors), (beside, attached), (item, sessions)) if amount and one.asks]
    free = [one for each in (event, beside) if errors and each not in asked for one in each.counted]
    spans = accepted(Category.SPAN, others, now) if others else ()
    spans += () if item in asked or not sessions else item.counted
    spans += () if errors or beside in asked else beside.counted
    dropped: list[Increment] = []
    for category, amount in ((ERROR, errors), (ATTACHED, attached), (PIECES, min(attached, 1))):
        if amount and quota:
            series = of_event(PROJECT, 1, category, Outcome.RATE_LIMITED, reason="key_quota")
            dropped += [Increment(one, now, amount) for one in series]
    is_all_parts = bool(asked) and not errors and not spans
    return Arrival(event_id, Outcome.ACCEPTED, free, quota, dropped, spans, asked, is_all_parts)


def sent(store: Store, one: Arrival, *, now: int = NOW, submission: str | None = None) -> Sent:
    return Sent(PROJECT, store.version(PROJECT) or "", one, submission or new_submission(), now)


def count(intake: Intake, store: Store, one: Arrival, *, now: int = NOW, submission: str | None = None) -> Decision:
    [answer] = intake.count_together([sent(store, one, now=now, submission=submission)])
    assert isinstance(answer, Decision)
    return answer


def counted(store: Store, category: Category, outcome: Outcome = Outcome.ACCEPTED) -> int:
    """Return the running total, after checking that every resolution agrees with it and the facts do."""
    found = store.running_totals([PROJECT])[PROJECT].outcomes.get((category, outcome), 0)
    series = total(PROJECT, category, outcome)
    for rollup in store.rollups:
        [raw] = store.clients.read.get_many([series.key(rollup)])
        raw = raw or b""
        assert found == sum(int.from_bytes(raw[start : start + 8], "big") for start in range(8, len(raw), 8))
    return found


ACCEPTED = Decision(Outcome.ACCEPTED)


def refused(*limits: tuple[str, int]) -> Decision:
    return Decision(Outcome.RATE_LIMITED, True, tuple(Limited(*one) for one in limits))


def test_a_budget_accepts_its_limit_and_refuses_the_rest_of_its_window(intake: Intake, wide: Store) -> None:
    answers = [count(intake, wide, arrival(MINUTES)) for _ in range(5)]
    assert answers == [ACCEPTED] * 3 + [refused(("error", NEXT))] * 2
    assert (counted(wide, ERROR), counted(wide, ERROR, Outcome.RATE_LIMITED)) == (3, 2)
    assert wide.running_totals([PROJECT])[PROJECT].drops == {("error", "rate_limited", "project_quota"): 2}
    assert count(intake, wide, arrival(MINUTES, now=NEXT), now=NEXT) == ACCEPTED


def test_the_use_is_the_count_so_what_others_counted_is_in_it(intake: Intake, wide: Store) -> None:
    wide.incr([total(PROJECT, ERROR, Outcome.ACCEPTED)], NOW, now=NOW, amount=2)
    assert [count(intake, wide, arrival(MINUTES)).outcome for _ in range(2)] == ["accepted", "rate_limited"]
    assert read_uses(wide, {PROJECT: [MINUTES]}, now=NOW)[MINUTES.id].used == 3
    # A budget that is raised goes on from what was used, and one that is lowered below it refuses.
    assert count(intake, wide, arrival(MINUTES._replace(limit=4))) == ACCEPTED
    assert count(intake, wide, arrival(MINUTES._replace(limit=2))) == refused(("error", NEXT))


def test_of_several_budgets_each_that_is_used_up_is_named(intake: Intake, wide: Store) -> None:
    wide.incr([total(PROJECT, ERROR, Outcome.ACCEPTED)], at(2024, 2, 1), now=NOW, amount=3)
    answers = [count(intake, wide, arrival(MINUTES, A_MONTH._replace(limit=5))) for _ in range(3)]
    assert answers == [ACCEPTED, ACCEPTED, refused(("error", NEXT))]
    assert count(intake, wide, arrival(MINUTES._replace(limit=2), A_MONTH)) == refused(("error", NEXT), ("error", NEXT))


@pytest.mark.parametrize(
    ("now", "end"),
    [
        (at(2023, 2, 28, 23, 59, 59), at(2023, 3, 1)),
        (at(2024, 2, 28, 23, 59, 59), at(2024, 3, 1)),
        (at(2024, 2, 29, 23, 59, 59), at(2024, 3, 1)),
        (at(2024, 12, 31, 23, 59, 59), at(2025, 1, 1)),
        (at(2000, 2, 29, 12), at(2000, 3, 1)),
    ],
)
def test_a_month_ends_as_in_the_calendar(intake: Intake, wide: Store, now: int, end: int) -> None:
    once = Budget(9, ERROR, 1, MONTH)
    assert count(intake, wide, arrival(once, now=now), now=now) == ACCEPTED
    assert count(intake, wide, arrival(once, now=end - 1), now=end - 1) == refused(("error", end))
    assert count(intake, wide, arrival(once, now=end), now=end) == ACCEPTED


@given(now=st.integers(0, int(time.time())))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_script_finds_the_months_that_python_finds(intake: Intake, wide: Store, now: int) -> None:
    # A part that asks for more than there can be is always refused, and the answer says until when.
    wanted = Budget(9, ERROR, 1, MONTH)
    one = Arrival(None, Outcome.ACCEPTED, parts=[Part(What.ITEM, ((wanted, 2),), accepted(ERROR, 2, now))])
    assert count(intake, wide, one, now=now).limits == (Limited("error", open_window(MONTH, now)[1]),)


def test_a_part_is_taken_whole_or_refused_whole(intake: Intake, wide: Store) -> None:
    assert count(intake, wide, arrival(SESSIONS, sessions=8)) == ACCEPTED
    answer = count(intake, wide, arrival(SESSIONS, sessions=3))
    assert answer == Decision(Outcome.ACCEPTED, False, (Limited("session", NEXT),))
    assert count(intake, wide, arrival(SESSIONS, sessions=2)) == ACCEPTED
    assert (counted(wide, SESSION), counted(wide, SESSION, Outcome.RATE_LIMITED)) == (10, 3)
    assert counted(wide, ERROR) == 3


def test_attachments_are_refused_with_their_event_and_alone_leave_it(intake: Intake, wide: Store) -> None:
    assert count(intake, wide, arrival(MINUTES, BYTES, attached=60)) == ACCEPTED
    alone = count(intake, wide, arrival(MINUTES, BYTES, attached=60))
    assert alone == Decision(Outcome.ACCEPTED, False, (Limited("attachment", NEXT),))
    assert count(intake, wide, arrival(MINUTES, BYTES, attached=40)) == ACCEPTED
    assert count(intake, wide, arrival(MINUTES, BYTES, attached=30)) == refused(("error", NEXT))
    assert count(intake, wide, arrival(MINUTES, attached=30)) == refused(("error", NEXT))
    assert [counted(wide, one) for one in (ERROR, ATTACHED, PIECES)] == [3, 100, 2]
    assert [counted(wide, one, Outcome.RATE_LIMITED) for one in (ERROR, ATTACHED, PIECES)] == [2, 120, 3]
    nothing = count(intake, wide, arrival(BYTES, NOTHING, attached=1))
    assert nothing.limits == (Limited("attachment", NEXT), Limited("attachment_item", 0))


def test_what_has_no_event_is_refused_if_all_of_it_is(intake: Intake, wide: Store) -> None:
    full = SESSIONS._replace(limit=1)
    assert count(intake, wide, arrival(full, errors=0, sessions=2)) == refused(("session", NEXT))
    beside = count(intake, wide, arrival(full, errors=0, sessions=2, others=1))
    assert beside == Decision(Outcome.ACCEPTED, False, (Limited("session", NEXT),))
    assert (counted(wide, SESSION, Outcome.RATE_LIMITED), counted(wide, Category.SPAN)) == (4, 1)


def test_the_quota_of_the_key_comes_first_and_a_refusal_takes_nothing_from_anything(
    intake: Intake, wide: Store
) -> None:
    quota = Quota(1, 2, 300)
    one = arrival(MINUTES, SESSIONS, quota=quota, sessions=4, attached=5)
    assert count(intake, wide, one) == ACCEPTED
    assert count(intake, wide, arrival(MINUTES._replace(limit=1), quota=quota)) == refused(("error", NEXT))
    assert count(intake, wide, one) == ACCEPTED
    over_both = count(intake, wide, one)
    assert over_both == Decision(Outcome.RATE_LIMITED, False, (Limited("session", NEXT),))
    assert wide.running_totals([PROJECT])[PROJECT].drops == {
        ("error", "rate_limited", "project_quota"): 1,
        ("error", "rate_limited", "key_quota"): 1,
        ("attachment", "rate_limited", "key_quota"): 5,
        ("attachment_item", "rate_limited", "key_quota"): 1,
        ("session", "rate_limited", "project_quota"): 4,
    }


def test_a_repeat_says_the_same_and_a_refused_event_can_be_sent_again(intake: Intake, wide: Store) -> None:
    event_id, budgets = "a" * 32, (MINUTES._replace(limit=1), SESSIONS)
    one = arrival(*budgets, event_id=event_id, sessions=11)
    told = Decision(Outcome.ACCEPTED, False, (Limited("session", NEXT),))
    assert [count(intake, wide, one) for _ in range(3)] == [told] * 3
    assert (counted(wide, ERROR), counted(wide, SESSION, Outcome.RATE_LIMITED)) == (1, 11)

    other = arrival(*budgets, event_id="b" * 32, sessions=11)
    over = refused(("error", NEXT), ("session", NEXT))
    assert [count(intake, wide, other, submission="first") for _ in range(3)] == [over] * 3
    raised = arrival(event_id="b" * 32)
    assert count(intake, wide, raised, submission="first") == over
    assert count(intake, wide, raised, submission="second") == ACCEPTED
    assert (counted(wide, ERROR), counted(wide, ERROR, Outcome.RATE_LIMITED)) == (2, 1)


def test_what_is_counted_if_a_budget_refuses_is_sent_only_once_it_did(intake: Intake, wide: Store) -> None:
    client: Any = wide.clients.write
    count(intake, wide, arrival(MINUTES))  # Redis knows the script from now on

    def calls(*arrivals: Arrival) -> int:
        client.config_resetstat()
        intake.count_together([sent(wide, one) for one in arrivals])
        return int(client.info("commandstats")["cmdstat_evalsha"]["calls"])

    assert calls(arrival(MINUTES)) == 1
    assert calls(arrival(MINUTES), arrival(MINUTES)) == 2, "the script asks for what it lacks"
    assert calls(arrival(MINUTES), arrival(MINUTES)) == 1
    assert calls(arrival(NOTHING, attached=1)) == 1, "a budget of nothing always refuses"
    assert (counted(wide, ERROR), counted(wide, ERROR, Outcome.RATE_LIMITED)) == (4, 3)
    assert calls(arrival(MINUTES, BYTES, attached=1)) == 1, "what is beside a refused event is refused with it"


def test_with_a_clock_that_runs_ahead_the_window_is_the_one_into_which_the_count_goes(
    intake: Intake, wide: Store
) -> None:
    once, now = Budget(9, ERROR, 1, MONTH), int(time.time())
    assert count(intake, wide, arrival(once, now=now), now=now) == ACCEPTED
    ahead = now + 40 * DAY
    [limit] = count(intake, wide, arrival(once, now=ahead), now=ahead).limits
    # By the caller's clock, so that what it tells the sender is how long the window really lasts.
    assert abs(limit.until - 40 * DAY - open_window(MONTH, now)[1]) <= 60
    assert (counted(wide, ERROR), counted(wide, ERROR, Outcome.RATE_LIMITED)) == (1, 1)


def test_others_events_are_nothing_to_a_budget_that_is_used_up(intake: Intake, wide: Store) -> None:
    filtered = [Increment(one, NOW) for one in of_event(PROJECT, 1, ERROR, Outcome.FILTERED, reason="localhost")]
    arrivals = [arrival(MINUTES) for _ in range(MOST_ARRIVALS)] + [arrival(MINUTES, errors=0, sessions=1)] * 2
    arrivals.append(Arrival(None, Outcome.FILTERED, filtered))
    answers = together(intake, [sent(wide, one) for one in arrivals])
    assert answers == ["accepted"] * 3 + ["rate_limited"] * (MOST_ARRIVALS - 3) + ["accepted"] * 2 + ["filtered"]


def test_a_call_whose_answer_was_lost_takes_from_a_budget_once(wide: Store) -> None:
    store, client = breaking(wide)
    lossy, full = Intake(store, 3600), (MINUTES, SESSIONS._replace(limit=1))
    one = [sent(wide, arrival(*full, sessions=2)) for _ in range(4)]
    client.break_at(1, carried_out=True)  # a part is refused, so the script asks for what it lacks, and writes nothing
    assert not [answer for answer in lossy.count_together(one) if isinstance(answer, Decision)]
    assert counted(wide, ERROR) == 0
    client.break_at(2, carried_out=True)
    assert not [answer for answer in lossy.count_together(one) if isinstance(answer, Decision)]
    told = Limited("session", NEXT)
    expected = [Decision(Outcome.ACCEPTED, False, (told,))] * 3 + [refused(("error", NEXT), told)]
    assert Intake(wide, 3600).count_together(one) == expected
    assert (counted(wide, ERROR), counted(wide, SESSION, Outcome.RATE_LIMITED)) == (3, 8)


# --- whatever comes, however it is cut ---


@dataclass
class Model:
    """What one by one would count: claims, quotas and counts in plain dicts."""

    claims: dict[str, Decision] = field(default_factory=dict)
    keys: Counter[int] = field(default_factory=Counter)
    counts: Counter[tuple[Series, int]] = field(default_factory=Counter)

    def count(self, one: Sent) -> Decision:
        event = one.arrival.id or one.submission
        known = self.claims.get(one.submission) or self.claims.get(event)
        if known:
            return known
        decision = self._decide(one.arrival, one.now)
        self.claims[event if decision.outcome is Outcome.ACCEPTED else one.submission] = decision
        return decision

    def _decide(self, arrival: Arrival, now: int) -> Decision:
        quota, limits, is_refused, kept = arrival.quota, [], False, 0
        window = now // quota.window if quota else 0
        is_over_quota = quota is not None and self.keys[window] >= quota.limit
        self._add(arrival.refused if is_over_quota else arrival.counted)
        self._add(arrival.others)
        for each in arrival.parts:
            if is_over_quota and each.what is not What.ITEM:
                continue
            full = [] if each.what is What.BESIDE and is_refused else self._full(each, now)
            limits += full
            if full or (each.what is What.BESIDE and is_refused):
                self._add([one._replace(series=over_budget(one.series)) for one in each.counted])
                is_refused = is_refused or each.what is What.EVENT
            else:
                self._add(each.counted)
                kept += 1
        is_refused = is_refused or (arrival.is_all_parts and not kept)
        if quota and not is_over_quota and not is_refused:
            self.keys[window] += 1
        outcome = Outcome.RATE_LIMITED if is_over_quota or is_refused else Outcome.ACCEPTED
        return Decision(outcome, is_refused and not is_over_quota, tuple(limits))

    def _full(self, each: Part, now: int) -> list[Limited]:
        found = []
        for budget, amount in each.asks:
            start, until = open_window(budget.window, now)
            series = total(PROJECT, budget.category, Outcome.ACCEPTED)
            used = sum(n for (one, when), n in self.counts.items() if one == series and start <= when < until)
            if used + amount > budget.limit:
                found.append(Limited(budget.category, until if budget.limit else 0))
        return found

    def _add(self, increments: Any) -> None:
        for series, timestamp, amount in increments:
            self.counts[series, timestamp] += amount


BUDGETS = [(), (MINUTES,), (A_MONTH,), (MINUTES, A_MONTH, SESSIONS), (MINUTES, BYTES), (BYTES, NOTHING, SESSIONS)]
ARRIVALS = st.fixed_dictionaries(
    {
        "now": st.sampled_from([NOW - 40, NOW, NOW + 1, NEXT - 1, NEXT, NEXT + 61]),
        "event_id": st.sampled_from([None, "a" * 32, "b" * 32]),
        "quota": st.sampled_from([None, None, Quota(1, 2, 60)]),
        "errors": st.sampled_from([1, 1, 0]),
        "attached": st.sampled_from([0, 0, 40, 101]),
        "sessions": st.sampled_from([0, 0, 1, 4, 11]),
        "others": st.integers(0, 1),
    }
)
# The arrivals of a call ask the same budgets, because those of a project belong to a version of it.
CALLS = st.lists(st.tuples(st.sampled_from(BUDGETS), st.lists(ARRIVALS, max_size=8), st.booleans()), max_size=6)


@given(calls=CALLS)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_comes_and_however_it_is_cut_budgets_decide_as_one_by_one(
    wide: Store, calls: list[tuple[tuple[Budget, ...], list[dict[str, Any]], bool]]
) -> None:
    wide.clients.write.flushdb()
    wide.states._known.clear()
    wide.open(PROJECT)
    intake, model = Intake(wide, 3600), Model()
    for budgets, arrivals, twice in calls:
        call = [sent(wide, arrival(*budgets, **one), now=one["now"]) for one in arrivals]
        for _ in range(2 if twice else 1):
            assert intake.count_together(call) == [model.count(one) for one in call]
    names = {series.name for series, _ in model.counts}
    assert set(wide.series_of(PROJECT)) == names
    for category in (ERROR, SESSION, ATTACHED, PIECES, Category.SPAN):
        for outcome in (Outcome.ACCEPTED, Outcome.RATE_LIMITED):
            expected = sum(n for (one, _), n in model.counts.items() if one == total(PROJECT, category, outcome))
            assert counted(wide, category, outcome) == expected
