"""Categories and reasons that anybody with a DSN makes up: from a client report to everything that shows them.

See docs/reliability.md#made-up-words.
"""

from __future__ import annotations

import csv
import html
import io
import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from projects import services
from projects.connections import get_store
from projects.models import Organization, Project
from statsapi.operations import metrics
from tests.ingest.conftest import Sdk
from tests.tsdb.tools import keys_of
from tsdb.outcomes import CATEGORY_NAMES, MOST_CATEGORIES, MOST_REASONS, Outcome

pytestmark = pytest.mark.django_db

ORGANIZATION = "/api/0/organizations/acme/"
ASKED = {"field": "sum(quantity)", "statsPeriod": "1d"}
HOSTILE = [
    "<script>alert(1)</script>", "</script><!--", "=HYPERLINK(1)", "@SUM(1)", "+1", "-1", 'a"b\\c\'d', "a,b;c", "a:b:c",
    "{8}", "ts:{8}:state", "%3A", "%", "%s{0}$1", "*", "ü☃", "\u202egnp", "a\u2028b", "none", "accepted", "null", "..",
    "3600s770", "f:0", "x" * 64,
]  # fmt: skip


@pytest.fixture
def sdk(project: Project) -> Sdk:
    return Sdk(project.keys.get())


def report(sdk: Sdk, *rows: tuple[str, str, int], kind: str = "discarded_events") -> None:
    """Report rows of category, reason and quantity."""
    content = {
        kind: [{"category": category, "reason": reason, "quantity": quantity} for category, reason, quantity in rows]
    }
    answer = sdk.envelope(({"type": "client_report"}, json.dumps(content).encode()))
    assert answer.status_code == 200, answer.content


def groups(api: Client, **parameters: Any) -> dict[Any, int]:
    answer = api.get(f"{ORGANIZATION}stats_v2/", {**ASKED, **parameters})
    assert answer.status_code == 200, answer.content
    return {tuple(group["by"].values()): group["totals"]["sum(quantity)"] for group in answer.json()["groups"]}


def drops() -> dict[tuple[str, str, str], float]:
    """Return what Prometheus reads of the drops, by category, outcome and reason; without zeros."""
    return {
        (sample.labels["category"], sample.labels["outcome"], sample.labels["reason"]): sample.value
        for family in text_string_to_metric_families(metrics._events())
        for sample in family.samples
        if sample.name == "statsapi_dropped_events_total" and sample.value
    }


def lasting_keys(project: Project) -> set[str]:
    return {key for key in keys_of(get_store(), project.pk) if ":claim:" not in key}


@pytest.mark.parametrize("word", HOSTILE)
def test_a_hostile_word_is_told_as_it_came(api: Client, sdk: Sdk, project: Project, owner: User, word: str) -> None:
    report(sdk, (word, word, 3), ("error", word, 4), (word, "sample_rate", 5))
    assert groups(api, groupBy=["category", "reason"]) == {
        (word, word): 3,
        ("error", word): 4,
        (word, "sample_rate"): 5,
    }
    assert groups(api, groupBy="outcome", category=word) == {("client_discard",): 8}
    assert groups(api, groupBy="category", reason=word) == {(word,): 3, ("error",): 4}

    stats = api.get(f"{ORGANIZATION}stats-summary/", ASKED).json()["projects"][0]["stats"]
    assert {one["category"]: one["totals"]["sum(quantity)"] for one in stats} == {word: 8, "error": 4}
    file = api.get(f"{ORGANIZATION}stats-summary/", {**ASKED, "download": "true"}).content.decode()
    [_, *table] = csv.reader(io.StringIO(file, newline=""))
    safe = f"'{word}" if word[0] in "=+-@" else word
    assert {row[2] for row in table} == {safe, "error"}

    assert drops() == {
        (word, "client_discard", word): 3,
        ("error", "client_discard", word): 4,
        (word, "client_discard", "sample_rate"): 5,
    }

    browser = Client()
    browser.force_login(owner)
    for path in ("/o/acme/", "/o/acme/web/"):
        response = browser.get(path, {"category": word, "range": "24h"})
        assert response.status_code == 200
        page = response.content.decode()
        assert html.escape(word) in page
        assert "<script>alert" not in page
        assert "no category" not in page
        counted = json.loads(page.partition('type="application/json">')[2].partition("</script>")[0] or "{}")
        assert sum(filter(None, counted.get("series", {}).get("client_discard", [8]))) == 8
    plain = browser.get("/o/acme/web/", {"category": word, "format": "csv"})
    assert plain.status_code == 200
    assert plain["Content-Disposition"].count('"') == 2
    assert plain["Content-Disposition"].isascii()
    keys = {key.decode() for key in get_store().clients.read.scan_iter("ts:{*}:*")}
    assert keys == keys_of(get_store(), project.pk), "none is of the project that a word names"


def test_a_name_that_nobody_counted_is_400_until_it_is(
    api: Client, sdk: Sdk, outsider_api: Client, owner: User
) -> None:
    query = {**ASKED, "category": "soon"}
    paths = (f"{ORGANIZATION}stats_v2/", f"{ORGANIZATION}stats-summary/")
    for path in paths:
        answer = api.get(path, query)
        assert (answer.status_code, answer.json()) == (400, {"detail": 'Invalid category: "soon"'})
    report(sdk, ("soon", "sample_rate", 2))
    for path in paths:
        assert api.get(path, query).status_code == 200
        assert api.get(path, {**query, "category": ["soon", "error"]}).status_code == 200
        assert api.get(path, {**query, "category": ["soon", "later"]}).status_code == 400
    # It is a word of this organization alone.
    assert outsider_api.get("/api/0/organizations/globex/stats_v2/", query).status_code in (400, 404)


def test_every_known_name_can_be_asked_for(api: Client, project: Project) -> None:
    for name in CATEGORY_NAMES:
        for interval in ("auto", "1h"):
            assert groups(api, groupBy="outcome", category=name, interval=interval) == {}
            asked = {**ASKED, "category": name, "interval": interval}
            assert api.get(f"{ORGANIZATION}stats-summary/", asked).json()["projects"] == []


@pytest.mark.parametrize("kind", ["discarded_events", "rate_limited_events", "filtered_events"])
def test_words_without_end_become_other_and_nothing_is_lost(api: Client, sdk: Sdk, project: Project, kind: str) -> None:
    for start in range(0, 300, 100):
        report(sdk, *((f"category {n}", f"reason {n}", 1) for n in range(start, start + 100)), kind=kind)
    by_category, by_both = groups(api, groupBy="category"), groups(api, groupBy=["reason", "category"])
    assert sum(by_category.values()) == sum(by_both.values()) == 300
    assert by_category["other",] == 300 - MOST_CATEGORIES
    assert by_both["other", "other"] == 300 - MOST_REASONS
    assert groups(api, groupBy="reason", category="other", reason="reason 99") == {("reason 99",): 1}
    before = lasting_keys(project)
    report(sdk, *((f"more {n}", f"more {n}", 1) for n in range(100)), kind=kind)
    assert lasting_keys(project) == before
    assert sum(drops().values()) == 400


def test_a_merge_takes_the_words_along_as_far_as_there_is_room(
    api: Client, sdk: Sdk, organization: Organization, project: Project
) -> None:
    shop = services.create_project(organization=organization, slug="shop", name="Shop")
    report(Sdk(shop.keys.get()), *(("error", f"shop {n}", 1) for n in range(MOST_REASONS - 10)))
    report(sdk, *(("a:b", f"web {n}", 1) for n in range(30)))
    services.merge_projects(source=project.pk, destination=shop.pk)
    by_reason = groups(api, groupBy=["category", "reason"], project=shop.pk)
    assert sum(by_reason.values()) == MOST_REASONS - 10 + 30
    assert by_reason["a:b", "other"] == 20
    assert groups(api, groupBy="outcome", category="a:b") == {("client_discard",): 30}
    totals = api.get(f"{ORGANIZATION}stats-summary/", ASKED).json()["projects"]
    assert [(one["slug"], [stat["category"] for stat in one["stats"]]) for one in totals] == [
        ("shop", ["a:b", "error"])
    ]
    report(Sdk(shop.keys.get()), ("error", "one more", 1))
    assert groups(api, groupBy="reason", category="error", reason="other") == {("other",): 1}


def test_outcomes_from_elsewhere_take_any_reason_and_known_categories_alone(api: Client, project: Project) -> None:
    url = "/api/0/projects/acme/web/outcomes/"

    def post(**row: Any) -> Any:
        body = json.dumps({"outcomes": [{"outcome": Outcome.INVALID, **row}]})
        return api.post(url, body, content_type="application/json")

    for word in HOSTILE:
        assert post(reason=word).status_code == 201
    assert groups(api, groupBy="reason", category="error") == {(word,): 1 for word in HOSTILE}
    assert post(category="uptime").status_code == post(category="seer_user").status_code == 201
    refused = post(category="nobody knows").json()["outcomes"]
    assert len(refused) == 1
    assert "must be one of error, transaction, " in refused[0]


def test_a_deleted_projects_words_are_gone(api: Client, sdk: Sdk, project: Project) -> None:
    report(sdk, ("gone", "gone", 1))
    assert api.delete("/api/0/projects/acme/web/").status_code == 204
    assert keys_of(get_store(), project.pk) == set()
    assert api.get(f"{ORGANIZATION}stats_v2/", {**ASKED, "category": "gone"}).status_code == 400
