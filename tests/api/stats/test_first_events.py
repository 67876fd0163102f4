"""`firstEvent` of a project: as exact as the finest rollup that still holds it, wherever projects are shown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client
from redis.exceptions import ConnectionError as RedisConnectionError

from projects.connections import get_store
from projects.models import Organization, Project
from statsapi.api import first_events as module
from tests.api.counting import DAY, HOUR, NOW, post, row

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock_of_statistics")]

WEB = "/api/0/projects/acme/web/"


def iso(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%S}.000Z"


def first(api: Client, url: str = WEB) -> Any:
    return api.get(url).json()["firstEvent"]


def test_it_is_null_until_an_event_is_accepted(api: Client, project: Project) -> None:
    assert first(api) is None
    post(api, "web", row("filtered", 3), row("invalid"), row("accepted", category="transaction"))
    assert first(api) is None
    post(api, "web", row())
    assert first(api) == iso(NOW)


@pytest.mark.parametrize(
    ("age", "start"),
    [
        (0, NOW),
        (17, NOW - 20),
        (3000, NOW - 3000),
        (2 * HOUR + 130, NOW - 2 * HOUR - 300),
        (2 * DAY + 130, NOW - 2 * DAY - HOUR),
        (100 * DAY, NOW - 22 * HOUR - 100 * DAY),
    ],
)
def test_it_is_as_exact_as_the_finest_rollup_that_holds_it(api: Client, project: Project, age: int, start: int) -> None:
    post(api, "web", row(age=age))
    if age:
        post(api, "web", row(quantity=5))
    assert first(api) == iso(start)


def test_it_stays_the_first_one(api: Client, project: Project) -> None:
    post(api, "web", row())
    assert first(api) == iso(NOW)
    with time_machine.travel(NOW + 2 * DAY, tick=False):
        post(api, "web", row())
        assert first(api) == iso(NOW)  # an hour begins there


def test_a_rollup_that_is_younger_than_the_event_does_not_hide_it(api: Client, project: Project) -> None:
    post(api, "web", row(age=5 * HOUR))
    store = get_store()
    for rollup in store.rollups[:-1]:
        for key in store.clients.write.scan_iter(f"*{rollup.name}*"):
            store.clients.write.delete(key)
    post(api, "web", row())
    assert first(api) == iso(NOW - 22 * HOUR)  # the day


def test_every_list_and_every_answer_has_it(api: Client, project: Project, shop: Project) -> None:
    post(api, "web", row(age=HOUR * 3))
    wanted = {"web": iso(NOW - 3 * HOUR), "shop": None}

    def of(projects: Any) -> dict[str, Any]:
        return {one["slug"]: one["firstEvent"] for one in projects}

    for url in ("projects/", "organizations/acme/projects/", "teams/acme/acme/projects/"):
        assert of(api.get(f"/api/0/{url}").json()) == wanted
    assert of(api.get("/api/0/organizations/acme/").json()["projects"]) == wanted
    assert of([api.put(WEB, {"name": "Site"}, "application/json").json()]) == {"web": wanted["web"]}


def test_projects_are_listed_without_it_while_counts_cannot_be_read(
    api: Client, organization: Organization, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(api, "web", row())

    def fail(*_: Any, **__: Any) -> None:
        raise RedisConnectionError("no answer")

    monkeypatch.setattr(module, "_search", fail)
    assert first(api) is None
    assert [one["slug"] for one in api.get("/api/0/projects/").json()] == ["web"]
