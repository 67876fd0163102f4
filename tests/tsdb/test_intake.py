"""The script of intake: claims, quotas and versions, and that it counts all or nothing."""

from __future__ import annotations

import pytest

from tests.tsdb.tools import NOW, SHOP, WEB, keys_of, sums
from tsdb.arrivals import Arrival, Quota, new_submission
from tsdb.batch import REPEAT_SECONDS
from tsdb.intake import Intake
from tsdb.outcomes import Outcome
from tsdb.series import Series, claim_key, quota_key
from tsdb.store import Increment, ProjectClosed, Store

REFUSED = Series(7, "t:error:rate_limited")
SESSION = Series(7, "t:session:accepted")
ATTACHED, DROPPED = Series(7, "t:attachment:accepted"), Series(7, "t:attachment:rate_limited")
ID = "fc6d8c0c43fc4630ad850ee518f1b9d0"


@pytest.fixture
def intake(tiny: Store) -> Intake:
    return Intake(tiny, 3600)


def send(
    intake: Intake,
    store: Store,
    event_id: str | None = ID,
    *,
    now: int = NOW,
    quota: Quota | None = None,
    submission: str | None = None,
) -> str:
    """Count an event with two attachments and a session, and return the outcome."""
    arrival = Arrival(
        event_id,
        Outcome.ACCEPTED,
        [Increment(WEB, now), Increment(ATTACHED, now, 2)],
        quota,
        [Increment(REFUSED, now), Increment(DROPPED, now, 2)],
        [Increment(SESSION, now)],
    )
    return intake.count(7, store.version(7) or "", arrival, submission or new_submission(), now=now).outcome


def claims(store: Store) -> set[str]:
    return {key for key in keys_of(store, 7) if ":claim:" in key}


def lives(store: Store) -> list[int]:
    """Return how many more seconds each claim lasts."""
    return [int(store.clients.read.ttl(key)) for key in claims(store)]


def test_an_id_is_counted_once_for_as_long_as_it_is_remembered(intake: Intake, tiny: Store) -> None:
    assert [send(intake, tiny) for _ in range(3)] == ["accepted"] * 3
    assert (sums(tiny, WEB), sums(tiny, SESSION)) == ([1, 1, 1], [1, 1, 1])

    assert 3590 < int(tiny.clients.read.ttl(claim_key(7, ID))) <= 3600
    tiny.clients.write.delete(claim_key(7, ID))  # as if that time were over
    send(intake, tiny)
    assert sums(tiny, WEB) == [2, 2, 2]


def test_with_no_time_to_remember_an_id_is_counted_each_time(tiny: Store) -> None:
    intake = Intake(tiny, 0)
    for _ in range(3):
        send(intake, tiny)
    assert sums(tiny, WEB) == [3, 3, 3]


def test_what_has_no_id_is_counted_each_time_and_leaves_nothing_for_long(intake: Intake, tiny: Store) -> None:
    for _ in range(3):
        send(intake, tiny, None)
    assert sums(tiny, WEB) == [3, 3, 3]
    assert len(claims(tiny)) == 3
    assert all(0 < life <= REPEAT_SECONDS for life in lives(tiny))


def test_a_refused_event_takes_nothing_from_the_quota_and_each_submission_of_it_is_counted(
    intake: Intake, tiny: Store
) -> None:
    quota = Quota(key=1, limit=2, window=60)
    outcomes = [send(intake, tiny, letter * 32, quota=quota) for letter in "abcdc"]
    assert outcomes == ["accepted", "accepted", "rate_limited", "rate_limited", "rate_limited"]
    assert (sums(tiny, WEB), sums(tiny, REFUSED), sums(tiny, SESSION)) == ([2] * 3, [3] * 3, [5] * 3)
    assert tiny.clients.read.get(quota_key(7, 1, 60, NOW)) == b"2"


def test_a_refused_id_is_accepted_once_when_there_is_room_again(intake: Intake, tiny: Store) -> None:
    quota = Quota(key=1, limit=1, window=60)
    assert send(intake, tiny, "a" * 32, quota=quota) == "accepted"
    assert send(intake, tiny, quota=quota) == "rate_limited"
    # A moment later, in the next window.
    assert [send(intake, tiny, now=NOW + 60, quota=quota) for _ in range(3)] == ["accepted"] * 3
    assert (sums(tiny, WEB), sums(tiny, REFUSED)) == ([2] * 3, [1] * 3)


def test_a_refused_id_is_accepted_at_once_under_a_quota_that_was_raised(intake: Intake, tiny: Store) -> None:
    assert send(intake, tiny, quota=Quota(key=1, limit=0, window=60)) == "rate_limited"
    assert send(intake, tiny, quota=Quota(key=1, limit=1, window=60)) == "accepted"
    assert send(intake, tiny, quota=None) == "accepted"
    assert (sums(tiny, WEB), sums(tiny, REFUSED)) == ([1] * 3, [1] * 3)


def test_a_refusal_is_remembered_for_seconds_and_not_by_the_id(intake: Intake, tiny: Store) -> None:
    send(intake, tiny, quota=Quota(key=1, limit=0, window=60))
    assert claim_key(7, ID) not in claims(tiny)
    assert len(claims(tiny)) == 1
    assert all(0 < life <= REPEAT_SECONDS for life in lives(tiny))


@pytest.mark.parametrize("event_id", [ID, None])
def test_a_second_try_of_a_refused_submission_counts_nothing_whatever_happened_since(
    intake: Intake, tiny: Store, event_id: str | None
) -> None:
    full, free = Quota(key=1, limit=0, window=60), Quota(key=1, limit=5, window=60)
    assert send(intake, tiny, event_id, quota=full, submission="first") == "rate_limited"
    assert send(intake, tiny, event_id, quota=full, submission="first") == "rate_limited"
    assert send(intake, tiny, event_id, quota=free, submission="first") == "rate_limited"
    assert send(intake, tiny, event_id, quota=free, submission="second") == "accepted"
    assert send(intake, tiny, event_id, quota=None, submission="first") == "rate_limited"
    assert (sums(tiny, WEB), sums(tiny, REFUSED), sums(tiny, SESSION)) == ([1] * 3, [1] * 3, [2] * 3)
    assert tiny.clients.read.get(quota_key(7, 1, 60, NOW)) == b"1"


@pytest.mark.parametrize("quota", [None, Quota(1, 0, 60), Quota(1, 5, 60)], ids=["no quota", "used up", "room"])
@pytest.mark.parametrize("event_id", [ID, None])
def test_a_try_after_the_project_changed_counts_nothing_again(
    intake: Intake, tiny: Store, quota: Quota | None, event_id: str | None
) -> None:
    first = send(intake, tiny, event_id, quota=quota, submission="one")
    tiny.close(7)
    tiny.open(7)
    assert send(intake, tiny, event_id, quota=quota, submission="one") == first
    assert sums(tiny, SESSION) == [1] * 3


def test_a_repeat_of_an_accepted_id_is_accepted_though_the_quota_is_used_up(intake: Intake, tiny: Store) -> None:
    quota = Quota(key=1, limit=1, window=60)
    assert [send(intake, tiny, quota=quota) for _ in range(3)] == ["accepted"] * 3
    assert (sums(tiny, WEB), sums(tiny, REFUSED)) == ([1] * 3, [0] * 3)
    assert tiny.clients.read.get(quota_key(7, 1, 60, NOW)) == b"1"


def test_what_shares_an_events_fate_is_counted_as_the_event_is(intake: Intake, tiny: Store) -> None:
    quota = Quota(key=1, limit=1, window=60)
    for event_id in ("a" * 32, "b" * 32, "a" * 32):  # accepted, refused, a repeat
        send(intake, tiny, event_id, quota=quota)
    assert (sums(tiny, ATTACHED), sums(tiny, DROPPED), sums(tiny, SESSION)) == ([2] * 3, [2] * 3, [2] * 3)


def test_a_quota_begins_anew_with_each_window_and_a_limit_of_none_refuses_all(intake: Intake, tiny: Store) -> None:
    quota = Quota(key=1, limit=1, window=60)
    assert [send(intake, tiny, None, now=NOW + second, quota=quota) for second in (0, 59, 60, 119, 120)] == [
        "accepted", "rate_limited", "accepted", "rate_limited", "accepted"
    ]  # fmt: skip
    assert send(intake, tiny, None, quota=Quota(key=2, limit=0, window=60)) == "rate_limited"
    assert send(intake, tiny, None, quota=Quota(key=3, limit=1, window=60)) == "accepted"


def test_nothing_is_counted_under_an_old_version_or_in_a_closed_project(intake: Intake, tiny: Store) -> None:
    old = tiny.version(7) or ""
    tiny.close(7)
    before = keys_of(tiny, 7)
    counted, refused = [Increment(WEB, NOW)], [Increment(REFUSED, NOW)]
    arrival = Arrival(ID, Outcome.ACCEPTED, counted, Quota(1, 5, 60), refused, [Increment(SESSION, NOW)])
    with pytest.raises(ProjectClosed):
        intake.count(7, old, arrival, "one", now=NOW)
    assert keys_of(tiny, 7) == before
    tiny.open(7)
    with pytest.raises(ProjectClosed):
        intake.count(7, old, arrival, "one", now=NOW)
    assert sums(tiny, WEB) == [0, 0, 0]
    assert send(intake, tiny) == "accepted"


def test_equal_increments_are_added_up(intake: Intake, tiny: Store) -> None:
    others = [Increment(SESSION, NOW, 2), Increment(SESSION, NOW, 3), Increment(SESSION, NOW - 1)]
    intake.count(7, tiny.version(7) or "", Arrival(None, Outcome.ACCEPTED, others=others), "one", now=NOW)
    assert sums(tiny, SESSION) == [6, 6, 6]
    assert sums(tiny, SHOP) == [0, 0, 0]
