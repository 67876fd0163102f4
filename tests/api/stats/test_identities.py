"""Identities: the stats agree with each other in every bucket and at every resolution."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client

from projects import services
from projects.models import Project
from tests.api import live
from tsdb.outcomes import FILTERS, STATS, Category, Outcome

pytestmark = pytest.mark.django_db

DAY = 86400
NOW = 1541538000 + 1234
SPANS = {10: 3600, 300: 25 * 3600, 3600: 32 * DAY, DAY: 400 * DAY}
ENVIRONMENTS = ("production", "staging")
STATS_OF = {
    Outcome.ACCEPTED: ("received", "generated"),
    Outcome.FILTERED: ("received", "blacklisted"),
    Outcome.RATE_LIMITED: ("received", "rejected"),
}


def test_every_stat_is_compared_here() -> None:
    assert set(STATS) == {stat for stats in STATS_OF.values() for stat in stats}


@pytest.fixture(autouse=True)
def _held_clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def random_row(source: random.Random, keys: list[str]) -> dict[str, Any]:
    age = source.choice(
        [0, source.randrange(60), source.randrange(3600), *(source.randrange(span) for span in SPANS.values())]
    )
    return {
        "outcome": source.choice([*Outcome, Outcome.ACCEPTED, Outcome.ACCEPTED]),
        "category": source.choice([*[Category.ERROR] * 40, *Category]),
        "reason": source.choice([None, "key_quota", "unheard of", *FILTERS]),
        "quantity": source.choice([1, 2, source.randrange(1, 10**9)]),
        "timestamp": NOW - age,
        "key": source.choice([None, *keys]),
        "environment": source.choice([None, *ENVIRONMENTS]),
    }


@pytest.fixture
def rows(api: Client, project: Project) -> list[dict[str, Any]]:
    """Count random rows, and return them."""
    source = random.Random(20181106)
    keys = [project.keys.get().public, services.create_key(project=project).public]
    rows = [random_row(source, keys) for _ in range(1500)]
    for start in range(0, len(rows), 500):
        response = api.post(live.OUTCOMES, {"outcomes": rows[start : start + 500]}, "application/json")
        assert response.status_code == 201
    return rows


def expected(rows: list[dict[str, Any]], resolution: int) -> dict[str, Counter[int]]:
    """Return stat -> start of bucket -> count, by plain addition."""
    counts: dict[str, Counter[int]] = {}
    for row in rows:
        bucket = row["timestamp"] // resolution * resolution
        if row["category"] != "error" or bucket < (NOW - SPANS[resolution]) // resolution * resolution:
            continue
        stats = list(STATS_OF.get(row["outcome"], ()))
        if row["outcome"] == "filtered" and row["reason"] in FILTERS:
            stats.append(row["reason"])
        if row["environment"]:
            stats += [f"{stat} in {row['environment']}" for stat in stats]
        for stat in stats:
            counts.setdefault(stat, Counter())[bucket] += row["quantity"]
    return counts


@pytest.fixture
def ask(api: Client, project: Project) -> Any:
    def series(stat: str, resolution: int, **parameters: str) -> dict[int, int]:
        window = {"since": str(NOW - SPANS[resolution]), "until": str(NOW), "resolution": f"{resolution}s"}
        response = api.get(live.STATS, {"stat": stat, **window, **parameters})
        assert response.status_code == 200, response.content
        return {int(start): count for start, count in response.json()}

    return series


@pytest.mark.parametrize("resolution", SPANS)
def test_every_stat_is_the_plain_sum_of_its_outcomes(ask: Any, rows: list[dict[str, Any]], resolution: int) -> None:
    wanted = expected(rows, resolution)
    stats = ["received", "rejected", "blacklisted", "generated", *FILTERS]
    found = {stat: ask(stat, resolution) for stat in stats}
    for name in ENVIRONMENTS:
        found |= {f"{stat} in {name}": ask(stat, resolution, environment=name) for stat in stats}
    for stat, series in found.items():
        assert {start: count for start, count in series.items() if count} == wanted.get(stat, {}), stat


@pytest.mark.parametrize("resolution", SPANS)
@pytest.mark.parametrize("where", [{}, *({"environment": name} for name in ENVIRONMENTS)])
def test_what_was_received_is_what_became_of_it(
    ask: Any, rows: list[dict[str, Any]], resolution: int, where: dict[str, str]
) -> None:
    received = ask("received", resolution, **where)
    parts = [ask(stat, resolution, **where) for stat in ("generated", "blacklisted", "rejected")]
    assert received == {start: sum(part[start] for part in parts) for start in received}
    assert sum(received.values()) > 0


@pytest.mark.parametrize(("fine", "coarse"), [(10, 300), (10, 3600), (300, 3600), (3600, DAY)])
@pytest.mark.parametrize("stat", ["received", "rejected", "blacklisted", "generated", "localhost"])
def test_a_coarse_bucket_is_the_sum_of_the_fine_ones_that_are_retained(
    ask: Any, rows: list[dict[str, Any]], stat: str, fine: int, coarse: int
) -> None:
    finer, coarser = ask(stat, fine), ask(stat, coarse)
    sums: Counter[int] = Counter()
    for start, count in finer.items():
        sums[start // coarse * coarse] += count
    whole = [start for start in sums if start >= min(finer)]
    assert whole
    assert {start: coarser[start] for start in whole} == {start: sums[start] for start in whole}


def test_a_late_count_stands_only_where_it_is_still_retained(api: Client, project: Project, ask: Any) -> None:
    for age in (0, 3671, 25 * 3600 + 361, 32 * DAY + 3661, 400 * DAY):
        body = {"outcomes": [{"outcome": "accepted", "timestamp": NOW - age}]}
        assert api.post(live.OUTCOMES, body, "application/json").status_code == 201
    assert {resolution: sum(ask("received", resolution).values()) for resolution in SPANS} == {
        10: 1,
        300: 2,
        3600: 3,
        DAY: 5,
    }


@pytest.mark.parametrize("resolution", SPANS)
def test_what_is_older_than_it_says_reads_as_zero_and_what_is_not_is_there(
    api: Client, project: Project, resolution: int
) -> None:
    body = {"outcomes": [{"outcome": "accepted", "timestamp": NOW - SPANS[resolution] + 60}]}
    assert api.post(live.OUTCOMES, body, "application/json").status_code == 201
    bucket = (NOW - SPANS[resolution] + 60) // resolution * resolution
    window = {"since": str(bucket), "until": str(bucket), "resolution": f"{resolution}s"}
    seen = {}
    for later in range(0, 3 * resolution + 120, max(resolution // 3, 5)):
        with time_machine.travel(NOW + later, tick=False):
            response = api.get(live.STATS, window)
        retained = int(response["X-Stats-Retained-Since"]) <= bucket
        assert response.json() == [[float(bucket), int(retained)]]
        seen[retained] = True
    assert seen == {True: True, False: True}
