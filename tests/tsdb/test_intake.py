"""The script of intake: claims, quotas, versions, and all of it or nothing."""

from __future__ import annotations

import pytest

from tests.tsdb.tools import NOW, SHOP, WEB, keys_of, sums
from tsdb.intake import REPEAT_SECONDS, Arrival, Intake, Quota
from tsdb.outcomes import Outcome
from tsdb.series import Series, claim_key, quota_key
from tsdb.store import Increment, ProjectClosed, Store

REFUSED = Series(7, "t:error:rate_limited")
SESSION = Series(7, "t:session:accepted")
ID = "fc6d8c0c43fc4630ad850ee518f1b9d0"


@pytest.fixture
def intake(tiny: Store) -> Intake:
    return Intake(tiny, 3600)


def send(intake: Intake, store: Store, event_id: str | None = ID, *, now: int = NOW, quota: Quota | None = None) -> str:
    arrival = Arrival(event_id, Outcome.ACCEPTED, [WEB], quota, [REFUSED], [Increment(SESSION, now)])
    return intake.count(7, store.version(7) or "", arrival, now=now)


def test_an_id_is_counted_once_for_as_long_as_it_is_remembered(intake: Intake, tiny: Store) -> None:
    assert [send(intake, tiny) for _ in range(3)] == ["accepted"] * 3
    assert (sums(tiny, WEB), sums(tiny, SESSION)) == ([1, 1, 1], [1, 1, 1])

    assert 3590 < int(tiny.clients.read.ttl(claim_key(7, ID))) <= 3600
    tiny.clients.write.delete(claim_key(7, ID))  # as when that time is over
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
    claims = [key for key in keys_of(tiny, 7) if ":claim:" in key]
    assert len(claims) == 3
    assert all(0 < int(tiny.clients.read.ttl(key)) <= REPEAT_SECONDS for key in claims)


def test_a_refused_event_takes_nothing_from_the_quota_and_stays_refused(intake: Intake, tiny: Store) -> None:
    quota = Quota(key=1, limit=2, window=60)
    outcomes = [send(intake, tiny, letter * 32, quota=quota) for letter in "abcdc"]
    assert outcomes == ["accepted", "accepted", "rate_limited", "rate_limited", "rate_limited"]
    assert (sums(tiny, WEB), sums(tiny, REFUSED), sums(tiny, SESSION)) == ([2] * 3, [2] * 3, [4] * 3)
    assert tiny.clients.read.get(quota_key(7, 1, 60, NOW)) == b"2"


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
    arrival = Arrival(ID, Outcome.ACCEPTED, [WEB], Quota(1, 5, 60), [REFUSED], [Increment(SESSION, NOW)])
    with pytest.raises(ProjectClosed):
        intake.count(7, old, arrival, now=NOW)
    assert keys_of(tiny, 7) == before
    tiny.open(7)
    with pytest.raises(ProjectClosed):
        intake.count(7, old, arrival, now=NOW)
    assert sums(tiny, WEB) == [0, 0, 0]
    assert send(intake, tiny) == "accepted"


def test_equal_increments_are_added_up(intake: Intake, tiny: Store) -> None:
    others = [Increment(SESSION, NOW, 2), Increment(SESSION, NOW, 3), Increment(SESSION, NOW - 1)]
    intake.count(7, tiny.version(7) or "", Arrival(None, Outcome.ACCEPTED, others=others), now=NOW)
    assert sums(tiny, SESSION) == [6, 6, 6]
    assert sums(tiny, SHOP) == [0, 0, 0]
