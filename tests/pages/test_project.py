"""The counts on a project's page: the same numbers as the API's, over every range and in two time zones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client

from projects.models import Project
from tests.api.counting import DAY, HOUR, MINUTE, lines, post
from tests.pages.showing import PAGE, QUANTITY, chart, counts_of, messages_of, show, table_of, totals_of, url_of
from tsdb.store import Store
from tsdb.timeline import Retention

pytestmark = pytest.mark.django_db

AUTUMN = int(datetime.fromisoformat("2018-11-05T22:20:33+00:00").timestamp())
"""The clocks of Berlin were set back 8 days ago: a day of 25 hours."""
SPRING = int(datetime.fromisoformat("2018-03-28T22:20:33+00:00").timestamp())
"""They were set forward 3 days ago: a day of 23 hours. In Berlin it is tomorrow already."""
RANGES = ["1h", "24h", "7d", "30d", "90d", "400d"]
OUTCOMES = ("accepted", "filtered", "rate_limited", "client_discard", "invalid")
VIEWS: list[dict[str, str]] = [
    *({"range": name} for name in RANGES),
    {"range": "7d", "resolution": "1d"},
    {"range": "30d", "resolution": "1d"},
    {"range": "24h", "resolution": "1h"},
]


@pytest.fixture(params=[AUTUMN, SPRING], ids=["autumn", "spring"])
def now(request: pytest.FixtureRequest) -> Iterator[int]:
    with time_machine.travel(request.param, tick=False):
        yield request.param


@pytest.fixture
def autumn() -> Iterator[None]:
    with time_machine.travel(AUTUMN, tick=False):
        yield


def fill(api: Client, now: int) -> None:
    """Count something different into every hour of a month, every tenth of the last hour, and each day of a year."""
    ages = [*range(0, HOUR, 6 * MINUTE), *range(HOUR, 31 * DAY, HOUR), *range(31 * DAY, 399 * DAY, DAY)]
    rows = [
        {"outcome": OUTCOMES[number % 5], "quantity": number, "timestamp": now - age}
        for number, age in enumerate(ages, start=1)
    ]
    post(api, "web", *rows)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_every_range_has_the_numbers_of_the_api(
    viewer: Client, api: Client, project: Project, now: int, zone: str
) -> None:
    fill(api, now)
    for view in VIEWS:
        page = show(viewer, timezone=zone, **view)
        drawn = counts_of(page)
        response = api.get(url_of(page))
        answer = response.json()
        groups = {one["by"]["outcome"]: one for one in answer["groups"]}
        shown_days = "timezone" in url_of(page)

        assert drawn["starts"] == [epoch(one) for one in answer["intervals"]], view
        assert drawn["end"] == epoch(answer["end"])
        assert drawn["interval"] == int(response["X-Stats-Resolution"])
        assert drawn["retained_since"] == int(response["X-Stats-Retained-Since"])
        assert {outcome: counts for outcome, counts in drawn["series"].items() if any(counts)} == {
            outcome: one["series"][QUANTITY] for outcome, one in groups.items()
        }
        numbers = {outcome: one["totals"][QUANTITY] for outcome, one in groups.items()}
        received = sum(numbers.get(outcome, 0) for outcome in OUTCOMES[:3])
        assert list(totals_of(page).values()) == [
            f"{received:,}",
            *(f"{numbers.get(outcome, 0):,}" for outcome in OUTCOMES),
        ]
        table = table_of(page, 'id="table"')[::-1]
        assert [[grouped.replace(",", "") for grouped in row[1:]] for row in table] == [
            [str(sum(counts[:3])), *map(str, counts)]
            for counts in zip(*(drawn["series"][outcome] for outcome in OUTCOMES), strict=True)
        ]
        assert [place for place, row in enumerate(table) if row[0].endswith(" open")] == [drawn["open"]]
        is_local = zone != "UTC" and view.get("resolution") == "1d"
        assert shown_days is is_local
        if is_local:
            edges = [*drawn["starts"], drawn["end"]]
            lengths = {after - before for before, after in zip(edges, edges[1:], strict=False)}
            if view["range"] == "30d" or now == SPRING:
                assert lengths == {24 * HOUR, (25 if now == AUTUMN else 23) * HOUR}


def epoch(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def test_what_the_chart_draws_has_this_form(viewer: Client, api: Client, project: Project, autumn: None) -> None:
    post(api, "web", {"outcome": "accepted", "quantity": 7, "timestamp": AUTUMN - 1})
    drawn = chart(viewer, range="1h", timezone="Europe/Berlin")
    start = AUTUMN - AUTUMN % 10 + 10 - HOUR
    zeros = [0] * 360
    assert drawn == {
        "starts": list(range(start, AUTUMN, 10)),
        "end": start + HOUR,
        "interval": 10,
        "now": AUTUMN,
        "open": 359,
        "retained_since": (AUTUMN - 60) // 10 * 10 - HOUR,
        "zone": "Europe/Berlin",
        "series": {**dict.fromkeys(OUTCOMES, zeros), "accepted": [*zeros[:-1], 7]},
        "labels": {
            "accepted": "Accepted",
            "filtered": "Filtered",
            "rate_limited": "Rate limited",
            "client_discard": "Client discards",
            "invalid": "Invalid",
        },
        "before": None,
        "live": True,
    }
    assert chart(viewer)["live"] is False
    post(api, "web", {"outcome": "abuse", "timestamp": AUTUMN - 1})
    assert chart(viewer, range="1h")["series"]["abuse"][-1] == 1


def test_days_are_of_utc_where_the_zone_has_none(viewer: Client, project: Project, autumn: None) -> None:
    page = show(viewer, range="90d", timezone="Europe/Berlin")
    assert messages_of(page) == [
        "These are days of UTC, because Europe/Berlin has none so far back. "
        "Days of Europe/Berlin can be answered since 2018-10-04T22:00:00Z (1538690400)."
    ]
    assert "Day (UTC)" in page
    assert {start % DAY for start in counts_of(page)["starts"]} == {0}
    assert table_of(page, 'id="table"')[0][0] == "2018-11-05 open"


@pytest.mark.parametrize(
    ("zone", "kept", "days_of", "first"),
    [
        ("Africa/Cairo", 4, "Africa/Cairo", "2026-04-24 01:00"),  # the clocks skip its first hour
        ("Europe/London", 4, "Europe/London", "2026-04-24"),
        ("Europe/London", 90, "UTC", "2026-01-28"),  # in winter its midnight is that of UTC, in summer it is not
        ("Africa/Cairo", 90, "UTC", "2026-01-27"),
    ],
)
def test_the_chart_names_days_as_the_table_does(
    viewer: Client, project: Project, zone: str, kept: int, days_of: str, first: str
) -> None:
    with time_machine.travel(datetime(2026, 4, 28, 12, tzinfo=UTC), tick=False):
        start = f"{date(2026, 4, 28) - timedelta(days=kept)}"
        page = show(viewer, timezone=zone, from_=start, resolution="1d")
    drawn = counts_of(page)
    assert drawn["zone"] == days_of
    moment = datetime.fromtimestamp(drawn["starts"][0], ZoneInfo(drawn["zone"]))
    assert table_of(page, 'id="table"')[-1][0] == first == f"{moment:%Y-%m-%d %H:%M}".removesuffix(" 00:00")


def test_a_time_that_comes_twice_is_told_apart(viewer: Client, project: Project, autumn: None) -> None:
    page = show(viewer, from_="2018-10-28T01:00", to="2018-10-28T05:00", resolution="1h", timezone="Europe/Berlin")
    assert [row[0] for row in table_of(page, 'id="table"')] == [
        "2018-10-28 04:00",
        "2018-10-28 03:00",
        "2018-10-28 02:00 UTC+01:00",
        "2018-10-28 02:00 UTC+02:00",
        "2018-10-28 01:00",
    ]


def test_what_is_not_kept_is_never_zero(viewer: Client, api: Client, project: Project, autumn: None) -> None:
    post(api, "web", {"outcome": "accepted", "quantity": 7, "timestamp": AUTUMN - 399 * DAY})
    first = AUTUMN - 403 * DAY
    page = show(viewer, from_=str(first), to=str(first + 6 * DAY))
    drawn = counts_of(page)
    assert drawn["interval"] == DAY
    for counts in drawn["series"].values():
        assert [count is None for count in counts] == [start < drawn["retained_since"] for start in drawn["starts"]]
    assert drawn["series"]["accepted"] == [None, None, None, 0, 7, 0, 0]
    rows = table_of(page, 'id="table"')
    assert rows[-1][1:] == ["not kept"] * 6
    assert rows[2][1:] == ["7", "7", "0", "0", "0", "0"]
    response = viewer.get(PAGE, {"from": str(first), "to": str(first + 6 * DAY), "format": "csv"})
    assert lines(response)[1] == "2017-09-28T00:00:00Z,,,,,,"


def test_a_resolution_that_is_not_kept_gives_way_and_the_page_says_so(
    viewer: Client, project: Project, autumn: None
) -> None:
    page = show(viewer, range="7d", resolution="10s")
    assert counts_of(page)["interval"] == HOUR
    assert messages_of(page) == ["One bar is 1 hour, because 10 seconds are not kept so far back."]


def test_the_period_before_is_shown_at_a_resolution_that_holds_it(
    viewer: Client, api: Client, project: Project, autumn: None
) -> None:
    fill(api, AUTUMN)
    for name, seconds in [("1h", 300), ("24h", HOUR), ("7d", HOUR), ("30d", DAY), ("90d", DAY)]:
        page = show(viewer, range=name, before="1")
        drawn = counts_of(page)
        assert (drawn["interval"], len(drawn["before"])) == (seconds, len(drawn["starts"]))
        length = drawn["end"] - drawn["starts"][0]
        earlier = chart(
            viewer,
            from_=str(drawn["starts"][0] - length),
            to=str(drawn["starts"][0]),
            resolution={300: "5m", HOUR: "1h", DAY: "1d"}[seconds],
        )
        assert earlier["starts"][0] == drawn["starts"][0] - length
        received = [sum(counts) for counts in zip(*(earlier["series"][one] for one in OUTCOMES[:3]), strict=True)]
        assert drawn["before"] == received
        assert sum(received) > 0
        closed = sum(received) - received[drawn["open"]]
        assert totals_of(page)["The same in the period before"] == f"{closed:,}"
        assert [row[-1].replace(",", "") for row in table_of(page, 'id="table"')] == [*map(str, reversed(received))]


def test_the_days_before_are_days_of_the_zone(viewer: Client, api: Client, project: Project, autumn: None) -> None:
    fill(api, AUTUMN)
    zone = {"resolution": "1d", "timezone": "Europe/Berlin"}
    page = show(viewer, from_="2018-10-29", to="2018-11-04", before="1", **zone)
    drawn = counts_of(page)
    earlier = chart(viewer, from_="2018-10-22", to="2018-10-28", **zone)
    assert earlier["end"] == drawn["starts"][0]
    assert drawn["before"] == [
        sum(counts) for counts in zip(*(earlier["series"][one] for one in OUTCOMES[:3]), strict=True)
    ]
    assert totals_of(page)["Received in the period before"] == f"{sum(drawn['before']):,}"  # no day of it is open


def test_the_period_before_is_left_out_where_it_is_not_kept(viewer: Client, project: Project, autumn: None) -> None:
    page = show(viewer, range="400d", before="1")
    assert counts_of(page)["before"] is None
    assert messages_of(page) == ["The period before is not shown, because not all of it is kept any more."]


def test_csv_has_the_same_numbers(viewer: Client, api: Client, project: Project, autumn: None) -> None:
    fill(api, AUTUMN)
    response = viewer.get(PAGE, {"range": "7d", "before": "1", "format": "csv"})
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="web-error.csv"'
    header, *rows = lines(response)
    assert header == "timestamp,received,accepted,filtered,rate_limited,client_discard,invalid,received_before"
    drawn = chart(viewer, range="7d", before="1")
    columns = [drawn["series"][outcome] for outcome in OUTCOMES]
    assert [[epoch(one[0]), *map(int, one[1:])] for one in (row.split(",") for row in rows)] == [
        [start, sum(counts[:3]), *counts, before]
        for start, *counts, before in zip(drawn["starts"], *columns, drawn["before"], strict=True)
    ]


def test_another_category_has_its_own_numbers(viewer: Client, api: Client, project: Project, autumn: None) -> None:
    post(
        api,
        "web",
        {"outcome": "accepted", "timestamp": AUTUMN - 1},
        {"outcome": "accepted", "category": "transaction", "quantity": 7, "timestamp": AUTUMN - 1},
    )
    page = show(viewer, category="transaction")
    assert totals_of(page)["Accepted"] == "7"
    assert api.get(url_of(page)).json()["groups"][0]["totals"][QUANTITY] == 7
    assert table_of(page, "By category") == [["Transactions", "7", "7", "0 %"], ["Errors", "1", "1", "0 %"]]
    assert 'href="?range=24h&amp;category=transaction" aria-current="true"' in page


def test_an_environment_has_the_numbers_of_the_api(viewer: Client, api: Client, project: Project, autumn: None) -> None:
    def counted(outcome: str, quantity: int, reason: str | None, environment: str | None) -> dict[str, Any]:
        row = {"outcome": outcome, "quantity": quantity, "reason": reason, "environment": environment}
        return {**row, "timestamp": AUTUMN - HOUR}

    post(
        api,
        "web",
        counted("accepted", 5, None, "a & b"),
        counted("filtered", 3, "localhost", "a & b"),
        counted("filtered", 2, "other", "a & b"),
        counted("rate_limited", 4, "key_quota", "a & b"),
        counted("accepted", 7, None, "staging"),
        counted("accepted", 9, None, None),
        counted("client_discard", 6, "sample_rate", None),
    )
    page = show(viewer, range="7d", environment="a & b")
    drawn = counts_of(page)
    assert list(drawn["series"]) == ["accepted", "filtered", "rate_limited"]
    assert totals_of(page) == {"Received": "14", "Accepted": "5", "Filtered": "5", "Rate limited": "4"}
    answer = api.get(url_of(page)).json()
    assert [[start, count] for start, count in answer] == [
        [start, sum(counts)] for start, *counts in zip(drawn["starts"], *drawn["series"].values(), strict=True)
    ]
    assert [(row[0].partition(" They")[0], row[2]) for row in table_of(page, "Dropped, and why")] == [
        ("Rate limited", "4"),
        ("Filter: localhost", "3"),
        ("Filtered, other", "2"),
    ]
    rest = ["none named", "9", "9", "0", "0", "0 %"]
    assert table_of(show(viewer, range="7d"), "By environment") == [
        ["a & b", "14", "5", "5", "4", "64.3 %"],
        rest,
        ["staging", "7", "7", "0", "0", "0 %"],
    ]
    days = show(viewer, range="7d", environment="a & b", resolution="1d", timezone="Europe/Berlin")
    assert [count for _, count in api.get(url_of(days)).json()] == [
        sum(counts) for counts in zip(*counts_of(days)["series"].values(), strict=True)
    ]


def test_environments_are_not_known_before_they_were_counted(
    viewer: Client, api: Client, project: Project, autumn: None, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(api, "web", {"outcome": "accepted", "environment": "production", "timestamp": AUTUMN - 1})
    since = AUTUMN - 2 * DAY
    kept = Retention(AUTUMN * 10**9, filled={0: since})
    monkeypatch.setattr(Store, "retention", lambda *_, **__: kept)
    drawn = chart(viewer, range="7d", environment="production")
    known = [count is not None for count in drawn["series"]["filtered"]]
    assert known == [start >= since for start in drawn["starts"]]
    page = show(viewer, range="7d")
    assert "for a part of this range only" in page
    assert table_of(page, "By environment") == [["production", "1", "1", "0", "0", "0 %"]]
