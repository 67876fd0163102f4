"""API_RATE_LIMIT: how often a token may ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client

from projects.connections import get_store
from projects.models import Project

URL = "/api/0/projects/acme/web/"


@pytest.fixture
def _limited(settings: Any) -> None:
    settings.API_RATE_LIMIT = (2, 10)


def test_without_a_limit_nothing_is_said_of_it(api: Client, project: Project) -> None:
    assert not [name for name in api.get(URL).headers if "rate-limit" in name.lower()]


@pytest.mark.usefixtures("_limited")
def test_a_token_may_ask_so_often_and_then_waits_for_the_window(api: Client, project: Project) -> None:
    with time_machine.travel(1_541_455_203, tick=False) as clock:
        answers = [api.get(URL) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert [answer["X-Sentry-Rate-Limit-Remaining"] for answer in answers] == ["1", "0", "0"]
        assert {answer["X-Sentry-Rate-Limit-Limit"] for answer in answers} == {"2"}
        assert {answer["X-Sentry-Rate-Limit-Reset"] for answer in answers} == {"1541455210"}
        assert answers[2]["Retry-After"] == "7"
        assert answers[2].json() == {
            "detail": "You are attempting to use this endpoint too frequently. Limit is 2 requests in 10 seconds"
        }
        clock.shift(7)
        assert api.get(URL).status_code == 200


@pytest.mark.usefixtures("_limited")
def test_each_token_has_its_own_window(make_api: Callable[..., Client], project: Project) -> None:
    first, second = make_api("project:read"), make_api("project:read")
    with time_machine.travel(1_541_455_203, tick=False):  # otherwise a window could end between the requests
        for _ in range(3):
            last = first.get(URL)
        assert last.status_code == 429
        assert second.get(URL).status_code == 200


@pytest.mark.usefixtures("_limited")
def test_errors_say_what_is_left_too(api: Client, project: Project) -> None:
    assert api.get("/api/0/projects/acme/nowhere/")["X-Sentry-Rate-Limit-Remaining"] == "1"


@pytest.mark.parametrize("setting", ["maxmemory", "min-replicas-to-write"])
@pytest.mark.usefixtures("_limited")
def test_a_redis_that_takes_no_writes_limits_nobody(api: Client, project: Project, setting: str) -> None:
    redis = get_store().clients.write
    redis.config_set(setting, 1)
    try:
        answers = [api.get(URL) for _ in range(4)]
    finally:
        redis.config_set(setting, 0)
    assert [answer.status_code for answer in answers] == [200] * 4
    assert "X-Sentry-Rate-Limit-Limit" not in answers[0]
    assert api.get(URL)["X-Sentry-Rate-Limit-Remaining"] == "1"


@pytest.mark.usefixtures("_limited")
def test_every_route_takes_of_the_same_window_and_a_refused_request_takes_nothing(
    api: Client, make_api: Callable[..., Client], project: Project
) -> None:
    with time_machine.travel(1_541_455_203, tick=False):
        reader = make_api("project:read")
        assert reader.delete(URL).status_code == 403
        assert reader.get(f"{URL}keys/")["X-Sentry-Rate-Limit-Remaining"] == "1"
        assert reader.post(f"{URL}stats/").status_code == 403
        assert reader.options(URL).status_code == 200
        assert reader.get("/api/0/projects/")["X-Sentry-Rate-Limit-Remaining"] == "0"
        assert reader.get(f"{URL}stats/").status_code == 429


@pytest.mark.usefixtures("_limited")
def test_nobody_without_a_token_is_limited(
    client: Client, log_in: Callable[..., Client], owner: User, project: Project
) -> None:
    browser = log_in(owner)
    assert {browser.get(URL).status_code for _ in range(4)} == {200}
    assert {client.get(URL).status_code for _ in range(4)} == {401}
    assert {client.get("/api/0/").status_code for _ in range(4)} == {200}


@pytest.mark.usefixtures("_limited")
def test_what_a_refused_write_would_have_changed_stays(api: Client, project: Project) -> None:
    with time_machine.travel(1_541_455_203, tick=False):
        for _ in range(2):
            api.get(URL)
        assert api.delete(URL).status_code == 429
        assert api.put(URL, {"name": "X"}, "application/json").status_code == 429
    project.refresh_from_db()
    assert project.name == "Web"
