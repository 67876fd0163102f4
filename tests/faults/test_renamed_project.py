"""Writes to an earlier slug of a project, by clients that follow redirects by themselves.

See docs/reliability.md#renamed-project.
"""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
import requests

from tests.faults.stage import Stage

MAKE = """
acme = Organization.objects.get(slug="acme")
Project.objects.filter(organization=acme, slug__in=["before", "after"]).delete()
project = services.create_project(organization=acme, slug="before", name="Before")
project.slug = "after"
services.update_project(project=project)
answer = project.keys.get().public
"""


class Renamed(NamedTuple):
    """The project `after`, which was called `before`, with its addresses under both names, and a key."""

    stage: Stage
    key: str

    @property
    def token(self) -> str:
        return f"Bearer {self.stage.service.token}"

    def url(self, rest: str = "", slug: str = "before") -> str:
        return f"http://127.0.0.1:{self.stage.service.port}/api/0/projects/acme/{slug}/{rest}"


@pytest.fixture
def renamed(stage: Stage) -> Iterator[Renamed]:
    made = Renamed(stage, str(stage.service.run(MAKE)))
    yield made
    stage.service.run('services.delete_projects(Project.objects.filter(slug__in=["after", "new-name"]))')


def by_requests(renamed: Renamed, method: str, rest: str, body: Any) -> int:
    headers = {"Authorization": renamed.token}
    return requests.request(method, renamed.url(rest), json=body, headers=headers, timeout=20).status_code


def by_curl(renamed: Renamed, method: str, rest: str, body: Any) -> int:
    command = ["curl", "--silent", "--location", "--request", method, "--output", "/dev/null"]
    command += ["--header", f"Authorization: {renamed.token}", "--header", "Content-Type: application/json"]
    command += ["--write-out", "%{http_code}", "--data", json.dumps(body), renamed.url(rest)]
    return int(subprocess.run(command, check=True, capture_output=True, timeout=20).stdout)


Send = Callable[[Renamed, str, str, Any], int]
CLIENTS = pytest.mark.parametrize("send", [by_requests, by_curl])


@CLIENTS
def test_a_deletion_deletes(renamed: Renamed, send: Send) -> None:
    assert send(renamed, "DELETE", "", None) == 204
    assert renamed.stage.service.ask("GET", "/api/0/projects/acme/after/").status == 404


@CLIENTS
def test_a_change_changes(renamed: Renamed, send: Send) -> None:
    assert send(renamed, "PUT", "", {"name": "Changed"}) == 200
    assert renamed.stage.service.ask("GET", "/api/0/projects/acme/after/").json()["name"] == "Changed"


@CLIENTS
def test_counts_and_keys_arrive_with_their_bodies(renamed: Renamed, send: Send) -> None:
    assert send(renamed, "POST", "outcomes/", {"outcomes": [{"outcome": "accepted", "quantity": 3}]}) == 201
    stats = renamed.stage.service.ask("GET", "/api/0/projects/acme/after/stats/").json()
    assert sum(count for _, count in stats) == 3
    assert send(renamed, "POST", "keys/", {"name": "Another"}) == 201
    assert send(renamed, "PUT", f"keys/{renamed.key}/", {"isActive": False}) == 200
    keys = renamed.stage.service.ask("GET", "/api/0/projects/acme/after/keys/").json()
    assert [(key["name"], key["isActive"]) for key in keys] == [("Default", False), ("Another", True)]


def test_a_client_that_does_not_follow_says_so_and_never_success(renamed: Renamed) -> None:
    request = urllib.request.Request(renamed.url(), method="DELETE", headers={"Authorization": renamed.token})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=20)
    assert refused.value.code == 308
    assert refused.value.headers["Location"] == "/api/0/projects/acme/after/"
    assert json.load(refused.value)["detail"]["extra"]["url"] == "/api/0/projects/acme/after/"
    refused.value.close()


def test_readers_are_sent_on_as_before(renamed: Renamed) -> None:
    for method in ("GET", "HEAD"):
        answer = renamed.stage.service.ask(method, "/api/0/projects/acme/before/stats/?stat=received")
        assert (answer.status, answer.headers["location"]) == (302, "/api/0/projects/acme/after/stats/?stat=received")
