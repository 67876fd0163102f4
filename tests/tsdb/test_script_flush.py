"""Redis forgets its scripts after a restart, a failover or SCRIPT FLUSH, and counting goes on as before."""

from __future__ import annotations

import pytest

from tests.tsdb.tools import NOW, SHOP, WEB, merge, sums
from tsdb.series import Series
from tsdb.store import Claim, Increment, Store


@pytest.fixture
def flushed(tiny: Store) -> Store:
    tiny.incr([WEB], NOW, now=NOW)
    tiny.clients.write.script_flush()
    return tiny


def test_one_call_goes_unnoticed(flushed: Store) -> None:
    flushed.incr([WEB], NOW, now=NOW)
    assert sums(flushed, WEB) == [2, 2, 2]


def test_many_calls_in_a_pipeline_go_unnoticed(flushed: Store) -> None:
    projects = range(10, 30)
    for project in projects:
        flushed.open(project)
    flushed.incr_multi([Increment(Series(project, "t:error:accepted"), NOW) for project in projects], now=NOW)
    assert [sums(flushed, Series(project, "t:error:accepted")) for project in projects] == [[1, 1, 1]] * 20


def test_a_claim_is_not_taken_by_the_call_that_found_no_script(flushed: Store) -> None:
    claim = Claim("a", "x", 60)
    assert flushed.incr_multi([Increment(WEB, NOW)], now=NOW, claim=claim) is True
    flushed.clients.write.script_flush()
    assert flushed.incr_multi([Increment(WEB, NOW)], now=NOW, claim=claim) is False
    assert sums(flushed, WEB) == [2, 2, 2]


def test_bulk_and_merge_go_unnoticed(flushed: Store) -> None:
    flushed.incr_bulk([Increment(WEB, NOW)], now=NOW)
    flushed.clients.write.script_flush()
    merge(flushed, SHOP, [WEB])
    assert sums(flushed, SHOP) == [2, 2, 2]
    assert sums(flushed, WEB) == [0, 0, 0]
