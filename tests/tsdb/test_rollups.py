from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsdb.rollups import FUTURE_SECONDS, PAST_SECONDS, Rollup, RollupError, check_rollups, parse_length, parse_rollups

pytestmark = pytest.mark.once


def test_it_reads_the_default() -> None:
    assert parse_rollups("10s:360,5m:300:0,1h:768:168,1d:400:90") == (
        Rollup(10, 360, 360),
        Rollup(300, 300, 0),
        Rollup(3600, 768, 168),
        Rollup(86400, 400, 90),
    )


def test_without_a_span_of_its_own_a_rollup_is_chosen_for_all_that_it_keeps() -> None:
    (rollup,) = parse_rollups("10s:360")
    assert (rollup.automatic, rollup.automatic_span) == (360, 3600)
    assert Rollup(300, 300, 0).automatic_span == 0


def test_blanks_around_a_part_do_not_count() -> None:
    assert parse_rollups(" 10s:6 , 1m:2 ") == (Rollup(10, 6), Rollup(60, 2))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is not <length><s|m|h|d>:<kept>[:<automatic>], as 10s:360 is."),
        ("10:360", "'10:360' is not <length>"),
        ("10s", "'10s' is not <length>"),
        ("10s:360,", "'' is not <length>"),
        ("10s:-1", "'10s:-1' is not <length>"),
        ("1w:4", "'1w:4' is not <length>"),
        ("١٠s:360", "'١٠s:360' is not <length>"),
        ("10s:3_6", "'10s:3_6' is not <length>"),
        ("0s:5", "0s:5: length and number of buckets must be at least 1."),
        ("5s:0", "5s:0: length and number of buckets must be at least 1."),
        ("10s:360:-1", "'10s:360:-1' is not <length>"),
        ("10s:360:1:1", "'10s:360:1:1' is not <length>"),
        ("10s:360:", "'10s:360:' is not <length>"),
        ("1s:200000", "1s:200000: more than 125000 buckets make rings too large."),
        ("10s:360:361", "10s:360:361: no longer window can be chosen than what is kept."),
        ("1h:168,10s:360", "10 s must be coarser than 3600 s before it (finest first, no two alike)."),
        ("10s:360,10s:720", "10 s must be coarser than 10 s before it (finest first, no two alike)."),
        ("10s:360,25s:360", "10 s must divide 25 s, so that their counts agree."),
        ("10s:360,1h:1", "3600 s must cover more time than 10 s does."),
        ("10s:360,1h:168,1d:7", "86400 s must cover more time than 3600 s does."),
    ],
)
def test_each_rule_has_its_own_message(text: str, message: str) -> None:
    with pytest.raises(RollupError) as refused:
        check_rollups(parse_rollups(text))
    assert message in str(refused.value)


def test_no_rollup_at_all_is_refused() -> None:
    with pytest.raises(RollupError, match="At least one rollup is needed"):
        check_rollups([])


@pytest.mark.parametrize(("text", "seconds"), [("10s", 10), ("60m", 3600), ("1h", 3600), ("2d", 172800), ("0s", 0)])
def test_it_reads_a_length(text: str, seconds: int) -> None:
    assert parse_length(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "10", "s", "-1s", "1.5h", "1 h", "1h ", "1h\n", "1H", "1w", "١h", "1_0s", "9" * 10 + "s"]
)
def test_what_is_no_length_is_none(text: str) -> None:
    assert parse_length(text) is None


def test_the_name_holds_length_and_slots() -> None:
    """A minute before and a minute ahead are 12 more slots of 10 seconds, and 1 more slot of an hour."""
    assert [rollup.name for rollup in parse_rollups("10s:360,1h:168,1d:90")] == ["10s373", "3600s170", "86400s92"]


@given(st.integers(1, 100_000), st.integers(1, 1000), st.integers(0, 10**10), st.integers(0, FUTURE_SECONDS))
def test_a_ring_holds_all_that_is_retained_and_what_may_lie_ahead(
    seconds: int, samples: int, now: int, ahead: int
) -> None:
    rollup = Rollup(seconds, samples)
    oldest, newest = rollup.oldest_bucket(now), rollup.bucket(now + ahead)
    assert newest - oldest < rollup.slots
    # A window of exactly the span touches the oldest bucket. So the ring must still hold it, even for a clock behind
    # ours.
    assert rollup.bucket(now - PAST_SECONDS - rollup.span) >= oldest


@given(st.integers(1, 100_000), st.integers(1, 1000), st.integers(0, 10**10), st.integers(0, FUTURE_SECONDS))
def test_a_ring_expires_no_earlier_than_its_newest_bucket(seconds: int, samples: int, now: int, ahead: int) -> None:
    rollup = Rollup(seconds, samples)
    newest = rollup.bucket(now + ahead)
    assert rollup.oldest_bucket(now + rollup.ttl) >= newest
    assert rollup.ttl > 0
