"""Series without end: Redis stays bounded, sums stay exact, and a question that is too large is refused unread.

See docs/reliability.md#work-before-limits.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from django.test import Client

from projects import services
from projects.connections import get_store
from projects.models import Organization, Project
from tests.faults.asking import OUTCOMES, STATS
from tsdb import facts, reading
from tsdb.outcomes import REASONS, Category, Outcome
from tsdb.reading import Reader
from tsdb.series import parse_fact
from tsdb.store import Store

pytestmark = pytest.mark.django_db

ORGANIZATION = "/api/0/organizations/acme/"
ROOM = 40
ROWS = [
    {"outcome": outcome, "category": category, "reason": reason}
    for outcome in (Outcome.FILTERED, Outcome.CLIENT_DISCARD)
    for category in (Category.ERROR, Category.SPAN)
    for reason in sorted(REASONS)
]


@pytest.fixture
def keys(project: Project) -> list[str]:
    return [services.create_key(project=project).public for _ in range(5)]


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> Store:
    store = get_store()
    monkeypatch.setattr(store, "most_series", ROOM)
    return store


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list to which the number of rings of each round trip is added."""
    found: list[int] = []
    original = Reader._rings

    def noted(reader: Reader, series: Any, *arguments: Any, **options: Any) -> Any:
        found.append(len(series))
        return original(reader, series, *arguments, **options)

    monkeypatch.setattr(Reader, "_rings", noted)
    return found


def post(api: Client, key: str) -> None:
    rows = [{**row, "key": key} for row in ROWS]
    answer = api.post(OUTCOMES, json.dumps({"outcomes": rows}), "application/json")
    assert (answer.status_code, answer.json()) == (201, {"accepted": len(ROWS)})


def groups(api: Client, **parameters: Any) -> dict[tuple[Any, ...], int]:
    query = {"field": "sum(quantity)", "statsPeriod": "1d", **parameters}
    answer = api.get(f"{ORGANIZATION}stats_v2/", query)
    assert answer.status_code == 200, answer.content
    return {tuple(group["by"].values()): group["totals"]["sum(quantity)"] for group in answer.json()["groups"]}


def test_facts_that_are_made_up_are_counted_under_other(
    api: Client, keys: list[str], narrow: Store, project: Project
) -> None:
    for key in keys:
        post(api, key)
    names = narrow.series_of(project.pk)
    found = [fact for name in names if (fact := parse_fact(name))]
    assert {fact.key for fact in found} == {0}
    assert len(found) < ROOM
    assert groups(api, groupBy=["category", "outcome"]) == {
        (row["category"], row["outcome"]): len(keys) * len(REASONS) for row in ROWS
    }
    by_reason = groups(api, groupBy="reason", category="span", outcome="filtered")
    assert by_reason == {("other",): len(keys) * len(REASONS)}
    for stat, number in {"blacklisted": len(REASONS), "localhost": 1, "cors": 1}.items():
        counts = api.get(STATS, {"stat": stat}).json()
        assert sum(count for _, count in counts) == len(keys) * number


def test_redis_does_not_grow_with_what_is_made_up(api: Client, keys: list[str], narrow: Store) -> None:
    post(api, keys[0])
    client = narrow.clients.write
    before = client.dbsize()
    for key in keys[1:]:
        post(api, key)
    assert client.dbsize() == before


def test_a_merge_loses_nothing_where_there_is_no_room(
    api: Client, keys: list[str], monkeypatch: pytest.MonkeyPatch, organization: Organization, project: Project
) -> None:
    for key in keys[:2]:
        post(api, key)
    before = groups(api, groupBy=["category", "outcome"])
    shop = services.create_project(organization=organization, slug="shop", name="Shop")
    store = get_store()
    monkeypatch.setattr(store, "most_series", ROOM)
    services.merge_projects(source=project.pk, destination=shop.pk)
    assert store.series_of(project.pk) == []
    found = [fact for name in store.series_of(shop.pk) if (fact := parse_fact(name))]
    assert sum(fact.key != 0 for fact in found) <= ROOM
    assert groups(api, groupBy=["category", "outcome"], project=shop.pk) == before


# --- reading -------------------------------------------------------------------------------------------------


def test_more_series_than_are_looked_at_are_refused_before_their_names_are_read(
    api: Client, keys: list[str], project: Project, monkeypatch: pytest.MonkeyPatch, reads: list[int]
) -> None:
    post(api, keys[0])
    number = len(get_store().series_of(project.pk))
    monkeypatch.setattr(facts, "MOST_SERIES_READ", number - 1)
    client: Any = get_store().clients.write
    client.config_resetstat()
    for path in ("stats_v2/?category=error&groupBy=outcome&", "stats-summary/?", "stats-summary/?download=1&"):
        answer = api.get(f"{ORGANIZATION}{path}field=sum(quantity)&statsPeriod=1d")
        assert answer.status_code == 400
        assert answer.json()["detail"].startswith(
            f"The question is too large: there are {number:,} series to look at, and the most is {number - 1:,}. "
            "Ask for less: with project= first"
        )
    for path in (f"{ORGANIZATION}stats/?stat=localhost", f"{STATS}?stat=localhost"):
        assert api.get(path).status_code == 400
    assert "cmdstat_smembers" not in client.info("commandstats")
    assert reads == []
    # Totals need no search for names.
    assert api.get(STATS).status_code == api.get(f"{ORGANIZATION}stats/").status_code == 200
    monkeypatch.setattr(facts, "MOST_SERIES_READ", number)
    assert sum(groups(api, groupBy="outcome", category="error").values()) == len(ROWS) // 2


def test_more_counts_than_are_read_and_more_groups_than_are_answered_are_refused_before_a_ring_is_read(
    api: Client, keys: list[str], monkeypatch: pytest.MonkeyPatch, reads: list[int]
) -> None:
    post(api, keys[0])
    monkeypatch.setattr(facts, "MOST_COUNTS_READ", 25 * len(REASONS))
    query = {"field": "sum(quantity)", "statsPeriod": "1d", "category": "error", "groupBy": "outcome"}
    answer = api.get(f"{ORGANIZATION}stats_v2/", query)
    assert answer.status_code == 400
    assert "there are more than" in answer.json()["detail"]
    assert reads == []
    # A smaller question, as the message advises.
    assert api.get(f"{ORGANIZATION}stats_v2/", {**query, "outcome": "filtered"}).status_code == 200
    assert api.get(f"{ORGANIZATION}stats_v2/", {**query, "statsPeriod": "1h"}).status_code == 200


def test_many_series_are_read_in_pieces_and_added_up_to_one_truth(
    api: Client, keys: list[str], monkeypatch: pytest.MonkeyPatch, reads: list[int]
) -> None:
    for key in keys[:2]:
        post(api, key)
    questions: list[dict[str, Any]] = [
        {"groupBy": ["outcome", "category"]},
        {"groupBy": ["reason", "category"]},
        {"groupBy": ["project", "key_id", "category"]},
    ]
    whole = [groups(api, **question) for question in questions]
    assert max(reads) == 2 * len(ROWS)
    reads.clear()
    monkeypatch.setattr(reading, "CHUNK", 7)
    assert [groups(api, **question) for question in questions] == whole
    assert max(reads) == 7


def test_what_changes_between_two_pieces_is_asked_again(
    api: Client,
    keys: list[str],
    monkeypatch: pytest.MonkeyPatch,
    organization: Organization,
    project: Project,
) -> None:
    post(api, keys[0])
    shop = services.create_project(organization=organization, slug="shop", name="Shop")
    pair, original, pieces = [project.pk, shop.pk], Reader._rings, Counter[str]()

    def merge_after_the_first(reader: Reader, *arguments: Any, **options: Any) -> Any:
        found = original(reader, *arguments, **options)
        pieces["read"] += 1
        if pieces["read"] == 2:
            services.merge_projects(source=pair[0], destination=pair[1])
        return found

    monkeypatch.setattr(reading, "CHUNK", 50)
    monkeypatch.setattr(Reader, "_rings", merge_after_the_first)
    assert sum(groups(api, groupBy=["category", "outcome"]).values()) == len(ROWS)
    assert pieces["read"] > 2 + len(ROWS) // 50  # one attempt in vain, and another one


@pytest.mark.parametrize("parameter", ["project", "reason", "key_id", "category"])
def test_a_parameter_a_thousand_times_is_refused_or_answered_at_once(
    api: Client, project: Project, parameter: str
) -> None:
    value = {"project": project.pk, "reason": "localhost", "key_id": 1, "category": "error"}[parameter]
    query: dict[str, Any] = {"field": "sum(quantity)", "statsPeriod": "1d", "groupBy": "category"}
    query[parameter] = [value] * 900
    assert api.get(f"{ORGANIZATION}stats_v2/", query).status_code == 200
    query[parameter] = [value] * 20_001
    assert api.get(f"{ORGANIZATION}stats_v2/", query).status_code == 400
