"""A read that needs two round trips, with a whole merge between them."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from projects import services
from projects.models import Organization, Project
from tsdb.reading import Reader

pytestmark = pytest.mark.django_db(transaction=True)

BASE = "/api/0/organizations/acme/"
QUESTIONS = {
    "stats_v2": f"{BASE}stats_v2/?field=sum(quantity)&category=error&groupBy=outcome&statsPeriod=1d",
    "stats-summary": f"{BASE}stats-summary/?field=sum(quantity)&statsPeriod=1d",
    "stats of a filter": f"{BASE}stats/?stat=localhost",
    "stats": f"{BASE}stats/",
}


@pytest.fixture
def merging(project: Project, organization: Organization, api: Client, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Move the counts to the other project before each request's first read of rings. Return the number of merges."""
    other = services.create_project(organization=organization, slug="other", name="Other")
    rows = [{"outcome": "accepted", "quantity": 10}, {"outcome": "filtered", "reason": "localhost", "quantity": 5}]
    url = "/api/0/projects/acme/web/outcomes/"
    assert api.post(url, {"outcomes": rows}, content_type="application/json").status_code == 201
    pair, merges, original = [project.pk, other.pk], [0], Reader.added

    def merge_first(reader: Reader, *arguments: Any, **options: Any) -> dict[Any, list[int]]:
        if merges[0] % 2 == 0:
            services.merge_projects(source=pair[0], destination=pair[1])
            pair.reverse()
        merges[0] += 1
        return original(reader, *arguments, **options)

    monkeypatch.setattr(Reader, "added", merge_first)
    return merges


def total(answer: Any) -> int:
    if isinstance(answer, list):
        return sum(count for _, count in answer)
    if "groups" in answer:
        return sum(group["totals"]["sum(quantity)"] for group in answer["groups"])
    return sum(stat["totals"]["sum(quantity)"] for project in answer["projects"] for stat in project["stats"])


@pytest.mark.parametrize("question", list(QUESTIONS))
def test_it_is_answered_whole(api: Client, merging: list[int], question: str) -> None:
    for turn in range(1, 5):
        answer = api.get(QUESTIONS[question])
        assert answer.status_code == 200
        assert total(answer.json()) == (5 if question == "stats of a filter" else 15)
        assert merging[0] >= turn
