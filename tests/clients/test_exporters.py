"""Requests of exporters from Sentry to Prometheus, read as each exporter reads the answers.

The requests and decoders follow the sources of itkq/sentry-exporter (collector.go, sentry/events.go,
sentry/projects.go), snakecharmer/sentry_exporter (http.go) and Whyeasy/sentry-exporter (lib/sentry/projects.go).
"""

from __future__ import annotations

import re
import time
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.clients import go
from tests.clients.live import IntakeService, Sender

pytestmark = pytest.mark.once

EVENT_COUNTS = go.struct(
    start=go.text,
    end=go.text,
    intervals=go.list_of(go.text),
    groups=go.list_of(
        go.struct(
            by=go.struct(outcome=go.int64, project=go.int64),
            totals=go.map_of(go.int64),
            series=go.map_of(go.list_of(go.int64)),
        )
    ),
)
NESTED_PROJECTS = go.list_of(
    go.struct(
        id=go.text,
        slug=go.text,
        name=go.text,
        status=go.text,
        organization=go.struct(id=go.text, slug=go.text, name=go.text, status=go.struct(id=go.text, name=go.text)),
    )
)


def count(service: IntakeService, sender: Sender, *rows: dict[str, Any]) -> None:
    body = {"outcomes": [{"outcome": "accepted", **row} for row in rows]}
    assert service.ask("POST", f"/api/0/projects/acme/{sender.slug}/outcomes/", body).status == 201


def test_errors_and_transactions_of_the_last_hour_by_project(service: IntakeService, sender: Sender) -> None:
    """itkq/sentry-exporter reads the slugs by id, and then sends one request for each category."""
    count(service, sender, {"quantity": 5}, {"quantity": 3, "category": "transaction"})
    listed = service.ask("GET", "/api/0/organizations/acme/projects/").json()
    slugs = {int(go.text(one["id"])): go.text(one["slug"]) for one in listed}

    exported = {}
    for category in ("error", "transaction"):
        query = {
            "field": "sum(quantity)",
            "groupBy": "project",
            "project": "-1",
            "statsPeriod": "1h",
            "interval": "1h",
            "category": category,
        }
        answer = service.ask("GET", f"/api/0/organizations/acme/stats_v2/?{urlencode(sorted(query.items()))}")
        assert answer.status == 200
        for group in EVENT_COUNTS(answer.json())["groups"]:
            exported[category, slugs[group["by"]["project"]]] = group["totals"]["sum(quantity)"]
    assert exported["error", sender.slug] == 5
    assert exported["transaction", sender.slug] == 3


def test_the_count_of_the_latest_bucket(service: IntakeService, sender: Sender) -> None:
    """snakecharmer/sentry_exporter reads the digits at the very end of the stats."""
    before = int(time.time()) // 3600
    count(service, sender, {"quantity": 41}, {"quantity": 1})
    answer = service.ask("GET", f"/api/0/projects/acme/{sender.slug}/stats/")
    found = re.search(r"(\d+)]]$", answer.body.decode())
    assert found
    assert found[1] == "42" or int(time.time()) // 3600 > before  # or a new hour began meanwhile
    assert int(answer.headers["content-length"]) == len(answer.body)


def test_all_projects_with_their_organization(service: IntakeService, sender: Sender) -> None:
    """Whyeasy/sentry-exporter lists all projects with their organizations first."""
    answer = service.ask("GET", "/api/0/projects/", accept="application/json")
    projects = {one["slug"]: one for one in NESTED_PROJECTS(answer.json())}
    assert projects[sender.slug]["organization"]["slug"] == "acme"
    assert projects[sender.slug]["status"] == "active"
