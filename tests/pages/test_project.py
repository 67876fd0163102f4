"""The counts on a project's page: the same numbers as the API's."""

from __future__ import annotations

from datetime import datetime

import pytest
import time_machine
from django.test import Client

from projects.models import Project
from tests.api.counting import HOUR, MINUTE, NOW, post, row
from tests.pages.showing import QUANTITY, V2, chart, show

pytestmark = pytest.mark.django_db

RANGES = {"1h": "10s", "24h": "5m", "7d": "1h", "30d": "1h", "90d": "1d", "400d": "1d"}


@pytest.fixture(autouse=True)
def _now() -> object:
    with time_machine.travel(NOW + 33, tick=False):
        yield


@pytest.mark.parametrize("name", RANGES)
def test_every_range_has_the_numbers_of_the_api(viewer: Client, api: Client, project: Project, name: str) -> None:
    post(
        api,
        "web",
        row(quantity=6),
        row("filtered", 2, age=30 * MINUTE, reason="localhost"),
        row("rate_limited", 3, age=20 * HOUR, reason="key_quota"),
        row("client_discard", 4, age=50 * HOUR, reason="sample_rate"),
        row("invalid", 5, age=60 * 24 * HOUR, reason="too_large"),
    )
    drawn = chart(viewer, range=name)
    asked = {"field": QUANTITY, "category": "error", "groupBy": "outcome"}
    answer = api.get(V2, {**asked, "statsPeriod": name, "interval": RANGES[name]}).json()

    assert drawn["starts"] == [int(datetime.fromisoformat(one).timestamp()) for one in answer["intervals"]]
    assert {outcome: counts for outcome, counts in drawn["series"].items() if any(counts)} == {
        one["by"]["outcome"]: one["series"][QUANTITY] for one in answer["groups"]
    }
    assert drawn["starts"][drawn["open"]] <= drawn["now"] < drawn["starts"][drawn["open"]] + drawn["interval"]
    assert drawn["live"] is (name == "1h")


def test_the_page_has_a_table_and_totals_without_a_script(viewer: Client, api: Client, project: Project) -> None:
    post(api, "web", row(quantity=1234))
    page = show(viewer)
    assert "<dd>1,234</dd>" in page
    assert '<td class="number">1,234</td>' in page
    assert '<span class="badge">open</span>' in page
