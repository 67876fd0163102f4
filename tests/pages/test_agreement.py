"""All pages agree: a range has the same sums wherever it is shown, and so has the API by default."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import time_machine
from django.test import Client

from projects import services
from projects.models import Project
from tests.api.counting import DAY, HOUR, NOW, post
from tests.pages.showing import PAGE, show, text_of, totals_of

pytestmark = pytest.mark.django_db

OUTCOMES = ("accepted", "filtered", "rate_limited", "client_discard", "invalid")
LENGTHS = {"24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY, "90d": 90 * DAY}


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW + 1234, tick=False) as clock:
        yield clock


def totals(client: Client, path: str, span: str) -> list[str]:
    """Return the totals that a page shows: received, and the five outcomes that every page has."""
    page = client.get(path, {"range": span}).content.decode()
    part = page[page.index('<dl class="totals"') :].partition("</dl>")[0]
    found = [text_of(one) for one in re.findall(r"<dd[^>]*>(.*?)</dd>", part, re.DOTALL)]
    return [one for one in found if one[0].isdigit()][:6]


@pytest.mark.parametrize("span", LENGTHS)
def test_a_range_has_the_same_sums_on_every_page(
    viewer: Client, client: Client, api: Client, project: Project, span: str
) -> None:
    """Something different is counted around both ends of the range, where a page could begin it too early or late."""
    edges = [LENGTHS[span] + shift for shift in (-DAY, -HOUR - 300, -HOUR, -300, -1, 0, 1, 300, HOUR, DAY)]
    ages = [age for age in (*edges, 0, 60, 4000, 2 * HOUR) if age >= 0]
    rows = [
        {"outcome": outcome, "quantity": 10**place + index, "timestamp": NOW + 1234 - age}
        for index, outcome in enumerate(OUTCOMES)
        for place, age in enumerate(sorted(set(ages)))
        if place < 9
    ]
    post(api, "web", *rows)
    shared = f"/share/{services.create_link(project=project, name='').secret}/"
    first, *others = [totals(viewer, "/o/acme/", span), totals(viewer, PAGE, span), totals(client, shared, span)]
    assert others == [first, first]


def test_24_hours_are_those_of_the_stats_endpoint(viewer: Client, api: Client, project: Project) -> None:
    rows = [
        {"outcome": "accepted", "quantity": 10**place, "timestamp": NOW + 1234 - age}
        for place, age in enumerate((0, 4000, 23 * HOUR - 1, 23 * HOUR + 1300, 24 * HOUR - 1, 24 * HOUR + 1))
    ]
    post(api, "web", *rows)
    answered = sum(count for _, count in api.get("/api/0/projects/acme/web/stats/").json())
    assert totals(viewer, PAGE, "24h")[0] == f"{answered:,}"


@pytest.mark.parametrize("span", ["24h", "7d"])
def test_a_constant_rate_is_no_change_on_any_page(
    viewer: Client, api: Client, project: Project, clock: time_machine.Traveller, span: str
) -> None:
    """The hour that has just begun has not received as much as the whole hours before it, nor as its counterpart."""
    clock.move_to(NOW // HOUR * HOUR + 60)
    hours = 2 * LENGTHS[span] // HOUR
    post(
        api, "web", *({"outcome": "accepted", "quantity": 100, "timestamp": NOW - hour * HOUR} for hour in range(hours))
    )
    organization = viewer.get("/o/acme/", {"range": span}).content.decode()
    (change,) = re.findall(r'class="number change[^>]*title="([\d,]+) in \d+ whole hours, ([\d,]+) in', organization)
    shown = totals_of(show(viewer, range=span, resolution="1h", before="1"))
    now = shown["Received without the hour still open"]
    assert (now, now) == (change[0], change[1]) == (shown["The same in the period before"],) * 2
