"""What a project counted lately, for pages that show a few numbers beside what can be changed.

The questions are those of the API: stats_v2 with the same parameters, and the stats of an environment. The ranges begin
when they do on the project's page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from django.http import QueryDict

from projects import services
from projects.connections import get_store
from statsapi.api.stats.query import parse_time_range
from statsapi.api.stats.stat_series import retention_of, series_of_stat_in
from statsapi.api.stats.v2_query import parse_stats_query
from statsapi.api.stats.v2_range import choose_range
from statsapi.pages.project.query import PRESETS
from tsdb.facts import Group, add_facts
from tsdb.units import NS

WEEK = "7d"
DAY = "24h"


def errors_by(project: int, *names: str, period: str, now: int) -> Counter[Group]:
    """Return how many errors there were by these words of groupBy: `outcome`, `reason`, `key_id`.

    `period` is a range of a project's page, and `now` is in nanoseconds. A group that had none counts 0. Raises
    RedisError.
    """
    asked = QueryDict(mutable=True)
    start, end = PRESETS[period].start(now // NS), -(-now // NS)
    asked.update({"field": "sum(quantity)", "category": "error", "start": str(start), "end": str(end)})
    asked.setlist("groupBy", list(names))
    store = get_store()
    query = parse_stats_query(asked, store.rollups, now)

    def read() -> Counter[Group]:
        answered = choose_range(query, store.rollups, store.retention([project], now=now))
        sums = add_facts(
            store,
            [project],
            query.by(*names),
            answered.window,
            now=answered.now,
            since=answered.retained_since,
        )
        return Counter({group: sum(counts) for group, counts in sums.items()})

    return services.settled(read)


def received_by_environment(project: int, environments: Mapping[str, int], *, now: int) -> Counter[str]:
    """Return how many errors each environment received within 7 days, by its name. The values given are its ids.

    `now` is in nanoseconds. Raises RedisError.
    """
    store = get_store()
    of = [
        (one, name)
        for name, number in environments.items()
        for one in series_of_stat_in({project: number}, "received").series
    ]
    series, names = [one for one, _ in of], [name for _, name in of]

    def read() -> Counter[str]:
        kept = retention_of(store, [project], "received", in_environment=True, now=now)
        since = str(PRESETS[WEEK].start(now // NS))
        asked = parse_time_range({"since": since}, store.rollups, now, lambda: kept)
        sums = store.get_grouped(series, names, asked.window, now=asked.now, since=asked.retained_since)
        return Counter({name: sum(counts) for name, counts in sums.items()})

    return services.settled(read)
