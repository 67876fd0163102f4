"""All statistics are sums of the same outcomes. Over random data they agree with each other."""

from __future__ import annotations

import random
from typing import Any

import pytest
from django.test import Client

from projects.models import Project
from tests.api.counting import HOUR, post, row
from tsdb.outcomes import FILTERS, STATS, Category, Outcome

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock_of_statistics")]

ORGANIZATION = "/api/0/organizations/acme"
Q = "sum(quantity)"
SLUGS = ("web", "shop")


@pytest.fixture
def counted(api: Client, project: Project, shop: Project) -> dict[str, str]:
    """Count random outcomes into both projects, each with its one key. Return the public keys by slug."""
    chance = random.Random(4)
    keys = {one.slug: one.keys.get().public for one in (project, shop)}
    for slug, public in keys.items():
        rows = [
            row(
                chance.choice([outcome.value for outcome in Outcome]),
                chance.randint(1, 50),
                chance.randint(0, 20 * HOUR),
                key=public,
                reason=chance.choice([None, "localhost", "key_quota", "of my own"]),
                category=chance.choice([Category.ERROR.value, Category.TRANSACTION.value]),
            )
            for _ in range(400)
        ]
        post(api, slug, *rows)
    return keys


def of_project(api: Client, slug: str, **query: str) -> list[list[float]]:
    found: list[list[float]] = api.get(f"/api/0/projects/acme/{slug}/stats/", query).json()
    return found


def whole(counts: list[list[float]]) -> dict[str, Any]:
    """Return the parameters of stats_v2 for the same window and for errors."""
    return {"field": Q, "category": "error", "start": int(counts[0][0]), "end": int(counts[-1][0]) + HOUR}


@pytest.mark.parametrize("stat", [*STATS, "localhost"])
def test_projects_organization_stats_v2_and_summary_agree(api: Client, counted: dict[str, str], stat: str) -> None:
    each = {slug: of_project(api, slug, stat=stat) for slug in SLUGS}
    together = [[pairs[0][0], sum(count for _, count in pairs)] for pairs in zip(*each.values(), strict=True)]
    assert sum(count for _, count in together) > 0

    assert api.get(f"{ORGANIZATION}/stats/", {"stat": stat}).json() == together
    grouped = api.get(f"{ORGANIZATION}/stats/", {"stat": stat, "group": "project"}).json()
    assert sorted(grouped.values()) == sorted(each.values())
    wanted = {"outcome": [outcome.value for outcome in STATS.get(stat, (Outcome.FILTERED,))]}
    query = {**whole(together), **wanted, **({"reason": stat} if stat in FILTERS else {})}
    (group,) = api.get(f"{ORGANIZATION}/stats_v2/", query).json()["groups"]
    assert group["series"][Q] == [count for _, count in together]
    summary = api.get(f"{ORGANIZATION}/stats-summary/", query).json()["projects"]
    assert {one["slug"]: sum(stats["totals"][Q] for stats in one["stats"]) for one in summary} == {
        slug: sum(count for _, count in pairs) for slug, pairs in each.items()
    }


def test_a_projects_only_key_agrees_with_the_project(api: Client, counted: dict[str, str]) -> None:
    for slug, public in counted.items():
        rows = api.get(f"/api/0/projects/acme/{slug}/keys/{public}/stats/").json()
        for column, stat in {
            "total": "received",
            "dropped": "rejected",
            "filtered": "blacklisted",
            "accepted": "generated",
        }.items():
            assert [[float(one["ts"]), one[column]] for one in rows] == of_project(api, slug, stat=stat)


@pytest.mark.parametrize("groups", [["outcome"], ["reason", "outcome"], ["project"], ["key_id", "category"]])
def test_every_grouping_adds_up_to_the_same(api: Client, counted: dict[str, str], groups: list[str]) -> None:
    query = {"field": Q, "category": ["error", "transaction"], "statsPeriod": "1d"}
    (alone,) = api.get(f"{ORGANIZATION}/stats_v2/", query).json()["groups"]
    grouped = api.get(f"{ORGANIZATION}/stats_v2/", {**query, "groupBy": groups}).json()["groups"]
    assert sum(one["totals"][Q] for one in grouped) == alone["totals"][Q] > 0
