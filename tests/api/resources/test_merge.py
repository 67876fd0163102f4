"""POST …/merge/: all counts of a project move into another. tests/projects/test_merge.py interrupts it at each step."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from projects import services
from projects.models import Organization, Project

pytestmark = pytest.mark.django_db

JSON = "application/json"
MERGE = "/api/0/projects/acme/web/merge/"
V2 = "/api/0/organizations/acme/stats_v2/"


def count_some(api: Client, project: Project) -> None:
    rows = [
        {"outcome": "accepted", "quantity": 5, "environment": "production", "key": project.keys.get().public},
        {"outcome": "filtered", "quantity": 2, "reason": "localhost"},
        {"outcome": "accepted", "category": "transaction", "quantity": 3},
    ]
    response = api.post(f"/api/0/projects/acme/{project.slug}/outcomes/", {"outcomes": rows}, JSON)
    assert response.status_code == 201


def read(api: Client, slug: str, **query: str) -> int:
    return sum(count for _, count in api.get(f"/api/0/projects/acme/{slug}/stats/", query).json())


def outcomes_of(api: Client, *groups: str, **query: Any) -> dict[tuple[Any, ...], int]:
    asked = {"field": "sum(quantity)", "statsPeriod": "1d", "groupBy": ["category", *groups], **query}
    answer = api.get(V2, asked).json()
    return {tuple(one["by"].values()): one["totals"]["sum(quantity)"] for one in answer["groups"]}


def merge(api: Client, into: Any = "shop") -> Any:
    return api.post(MERGE, {"into": into}, JSON)


def test_it_moves_every_count_and_loses_none(api: Client, project: Project, shop: Project) -> None:
    count_some(api, project)
    count_some(api, shop)
    before = [outcomes_of(api, *groups) for groups in ((), ("outcome", "reason"), ("key_id",))]
    for series in (7, 0):  # the second finds nothing left
        response = merge(api)
        assert (response.status_code, response.json()) == (200, {"into": "shop", "series": series})

    assert read(api, "web") == 0
    for resolution in ("10s", "1h", "1d"):
        assert read(api, "shop", resolution=resolution) == 14
    assert read(api, "shop", stat="localhost") == 4
    assert read(api, "shop", stat="generated", environment="production") == 10
    assert [outcomes_of(api, *groups) for groups in ((), ("outcome", "reason"), ("key_id",))] == before
    assert set(outcomes_of(api, "project")) == {("error", shop.pk), ("transaction", shop.pk)}


def test_the_source_and_its_keys_stay_and_count_from_zero(api: Client, project: Project, shop: Project) -> None:
    count_some(api, project)
    merge(api)
    assert (project.keys.count(), shop.keys.count()) == (1, 1)
    public = project.keys.get().public
    assert sum(row["total"] for row in api.get(f"/api/0/projects/acme/web/keys/{public}/stats/").json()) == 0
    count_some(api, project)
    assert (read(api, "web"), read(api, "shop")) == (7, 7)
    assert sum(row["total"] for row in api.get(f"/api/0/projects/acme/web/keys/{public}/stats/").json()) == 5


def test_what_became_of_an_environments_events_moves_with_it(api: Client, project: Project, shop: Project) -> None:
    rows = [
        {"outcome": "accepted", "quantity": 1},
        {"outcome": "rate_limited", "quantity": 20},
        {"outcome": "filtered", "quantity": 300, "reason": "localhost"},
        {"outcome": "filtered", "quantity": 4000, "reason": "web-crawlers"},
    ]
    for slug, environments in (("shop", ("staging", "production")), ("web", ("production",))):
        for environment in environments:  # so that the ids of equal names differ
            named = [{**row, "environment": environment} for row in rows]
            assert api.post(f"/api/0/projects/acme/{slug}/outcomes/", {"outcomes": named}, JSON).status_code == 201
    assert merge(api).status_code == 200

    stats = {"received": 4321, "generated": 1, "rejected": 20, "blacklisted": 4300, "localhost": 300}
    for stat, count in stats.items():
        assert read(api, "shop", stat=stat, environment="production") == 2 * count
        assert read(api, "shop", stat=stat, environment="staging") == count
        assert read(api, "web", stat=stat, environment="production") == 0


def test_counts_that_moved_outlive_their_source(api: Client, project: Project, shop: Project) -> None:
    count_some(api, project)
    merge(api)
    api.delete("/api/0/projects/acme/web/")
    assert read(api, "shop") == 7
    assert sum(outcomes_of(api, "key_id").values()) == 10


def test_an_idempotency_key_of_the_source_still_holds(api: Client, project: Project, shop: Project) -> None:
    for _ in range(2):
        body = {"outcomes": [{"outcome": "accepted"}]}
        url = "/api/0/projects/acme/web/outcomes/"
        assert api.post(url, body, JSON, headers={"idempotency-key": "k"}).json() == {"accepted": 1}
        merge(api)
    assert (read(api, "web"), read(api, "shop")) == (0, 1)


def test_the_destination_goes_by_slug_or_id(api: Client, project: Project, shop: Project) -> None:
    count_some(api, project)
    assert merge(api, str(shop.pk)).json()["into"] == "shop"
    assert read(api, "shop") == 7


NEEDED = {"into": ["This field is required: a slug of the same organization."]}
NOWHERE = {"into": ["There is no such project in this organization."]}
ITSELF = {"detail": "A project cannot be merged into itself."}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, NEEDED),
        ({"into": None}, NEEDED),
        ({"into": 5}, NEEDED),
        ({"into": ["shop"]}, NEEDED),
        ({"into": ""}, NOWHERE),
        ({"into": "nowhere"}, NOWHERE),
        ({"into": "SHOP"}, NOWHERE),
        ({"into": "shop\0"}, NOWHERE),
        ({"into": "foreign"}, NOWHERE),
        ({"into": "once-shop"}, NOWHERE),
        ({"into": "web"}, ITSELF),
    ],
)
def test_a_destination_that_cannot_be_is_refused_and_nothing_moves(
    api: Client, project: Project, shop: Project, other_organization: Organization, body: Any, error: Any
) -> None:
    services.create_project(organization=other_organization, slug="foreign", name="Foreign")
    for slug in ("once-shop", "shop"):
        shop.slug = slug
        services.update_project(project=shop)
    count_some(api, project)
    response = api.post(MERGE, body, JSON)
    assert (response.status_code, response.json()) == (400, error)
    assert read(api, "web") == 7


def test_its_own_id_is_itself_too(api: Client, project: Project) -> None:
    assert merge(api, str(project.pk)).json() == ITSELF


def test_a_project_that_is_deleted_meanwhile_is_missing(
    api: Client, project: Project, shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = services.merge_projects

    def meddle(*, source: int, destination: int) -> int:
        services.delete_project(project=shop)
        return original(source=source, destination=destination)

    monkeypatch.setattr(services, "merge_projects", meddle)
    count_some(api, project)
    assert merge(api).status_code == 404
    assert read(api, "web") == 7
