"""A rebuild deletes the rings of an interrupted move that had arrived, and never those of a later move."""

from __future__ import annotations

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.tsdb.breaking import cut, meddling
from tests.tsdb.tools import NOW, SHOP, TINY, WEB, merge, sums
from tsdb.rollups import Rollup, parse_rollups
from tsdb.scripts import Script
from tsdb.settling import settle
from tsdb.store import Store

LONGER = parse_rollups("1s:5,5s:4,40s:3")


def merge_and_die(store: Store, script: str, rollups: tuple[Rollup, ...]) -> None:
    """Begin a merge, and die before that script runs for the first time."""
    dying, client = meddling(store)
    client.meddle_before(Script(script, rollups), cut)
    with pytest.raises(RedisConnectionError):
        merge(dying, SHOP, [WEB])


def test_a_ring_that_a_later_merge_has_taken_is_not_forgotten(tiny: Store) -> None:
    for command in range(1, 40):
        tiny.clients.write.flushdb()
        tiny.open(7)
        tiny.open(8)
        tiny.incr([WEB], NOW, now=NOW)
        merge_and_die(tiny, "drop", TINY)
        longer = Store(tiny.clients, LONGER)
        slow, client = meddling(longer)

        def another_merge_begins(longer: Store = longer) -> None:
            for project in (7, 8):
                settle(longer, project, now=NOW)
                longer.open(project)
            longer.incr([WEB], NOW, now=NOW, amount=100)
            merge_and_die(longer, "put", LONGER)

        client.meddle_at(command, another_merge_begins)
        settle(slow, 7, now=NOW)
        if client.left > 0:
            break
        merge(longer, SHOP, [WEB])
        assert min(sums(longer, SHOP)) >= 100, command
    assert 5 < command < 39
