"""When series last counted something."""

from __future__ import annotations

import pytest

from tests.tsdb.tools import NOW, SHOP, WEB, counted_reads
from tsdb.newest import Newest, newest_of_projects
from tsdb.series import Series
from tsdb.state import Phase, shapes_text, state_text
from tsdb.states import Unsettled
from tsdb.store import Store

WEB_FILTERED = Series(7, "t:error:filtered")


def test_it_is_the_newest_bucket_of_the_finest_ring(tiny: Store) -> None:
    tiny.incr([WEB], NOW - 3, now=NOW)
    tiny.incr([WEB], NOW - 1, now=NOW)
    assert newest_of_projects(tiny, [WEB]) == {7: Newest(NOW - 1, 1)}


def test_an_older_event_is_known_as_exactly_as_a_coarser_ring_says(tiny: Store) -> None:
    tiny.incr([WEB], NOW - 99, now=NOW)
    assert newest_of_projects(tiny, [WEB]) == {7: Newest(NOW - 100, 20)}
    # Of two series of a project the later counts, and a late arrival does not make an event newer.
    tiny.incr([WEB_FILTERED], NOW - 69, now=NOW)
    tiny.incr([WEB_FILTERED], NOW - 90, now=NOW)
    assert newest_of_projects(tiny, [WEB, WEB_FILTERED]) == {7: Newest(NOW - 70, 5)}


def test_each_project_has_its_own_and_one_without_counts_has_none(tiny: Store) -> None:
    tiny.incr([SHOP], NOW, now=NOW)
    assert newest_of_projects(tiny, [WEB, SHOP, WEB_FILTERED]) == {8: Newest(NOW, 1)}
    assert newest_of_projects(tiny, []) == {}


def test_many_projects_need_one_round_trip(tiny: Store) -> None:
    tiny.incr([WEB], NOW, now=NOW)
    newest_of_projects(tiny, [WEB, SHOP])
    with counted_reads(tiny) as reads:
        newest_of_projects(tiny, [WEB, SHOP])
    assert reads == [1]


def test_an_unfinished_change_is_to_be_finished_first(tiny: Store) -> None:
    tiny.incr([WEB], NOW, now=NOW)
    merging = state_text(Phase.MERGING, shapes_text(tiny.rollups), "into:8:x")
    tiny.clients.write.set("ts:{7}:state", merging)
    with pytest.raises(Unsettled):
        newest_of_projects(tiny, [WEB, SHOP])
