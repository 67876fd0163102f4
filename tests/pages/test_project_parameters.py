"""The parameters of a project's page: the address holds the whole state, and no value of it ever fails."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Iterator

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from projects import services
from projects.models import Project
from tests.api.counting import DAY, NOW, post
from tests.pages.showing import PAGE, chart, counts_of, messages_of, show

pytestmark = pytest.mark.django_db

NAME = "<img src=x onerror=alert(2)>\"'"
"""An environment may be called so."""
XSS = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'"
JUNK = [
    "", " ", "0", "-1", "1e9", "nan", "inf", "None", "true", "24H", "7d ", "400d,", "9" * 13, "9" * 400, "12345678901",
    "2018-13-45", "2018-02-30", "0001-01-01", "9999-12-31", "9999-12-31T23:59", "2018-11-05T25:61", "2018-11-05 10:00",
    "2018-11-05T10:00:00.5", "2018-11-05T10:00+02:00", "٣", "\0", "\r\n", "é", "🦊", "../../etc/passwd", "%",
    "a" * 5000, "=1+1", "localtime", "UTC/../UTC", "Europe/Berlin", XSS,
]  # fmt: skip
NAMES = ["range", "from", "to", "resolution", "category", "timezone", "before", "environment", "format", "unknown"]


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW + 33, tick=False):
        yield


@pytest.mark.parametrize("name", NAMES)
def test_no_value_of_any_parameter_fails(viewer: Client, project: Project, name: str) -> None:
    for value, rest in itertools.product(JUNK, ({}, {"from": "2018-11-01", "before": "1"})):
        response = viewer.get(PAGE, {**rest, name: value})
        assert response.status_code == 200, (name, value)
        page = response.content.decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert len(counts_of(page)["starts"]) <= 1000


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"range": "2h"}, "“2h” is no range. There are 1h, 24h, 7d, 30d, 90d, 400d, and “from” with “to”."),
        ({"resolution": "7m"}, "“7m” is no resolution that is counted here. There are 10s, 5m, 1h, 1d."),
        ({"category": "cats"}, "“cats” is no category. Errors are shown."),
        ({"timezone": "Europe/Rom"}, "“Europe/Rom” is no time zone that is known here. Times are in UTC."),
        ({"environment": "moon"}, "This project has no environment “moon”. All of them are shown."),
        (
            {"category": "transaction", "environment": "production"},
            "Environments are counted for errors only. All environments are shown.",
        ),
        ({"to": "2018-11-02"}, "A range needs “from”. The last 24 hours are shown."),
        (
            {"from_": "last week"},
            "“last week” is no time. Write it as 2026-03-29 or 2026-03-29T14:30, or as seconds since 1970. "
            "The last 24 hours are shown.",
        ),
        (
            {"from_": "2018-11-02", "to": "2018-11-01"},
            "The range ends before it begins. The last 24 hours are shown.",
        ),
        ({"from_": "2030-01-01"}, "The range ends before it begins. The last 24 hours are shown."),
        (
            {"from_": "2030-01-01", "to": "2030-01-02"},
            "The range lies in the future. The last 24 hours are shown.",
        ),
        ({"from_": "2010-01-01"}, "The range is too long. The last 24 hours are shown."),
        (
            {"range": "a" * 100},
            f"“{'a' * 40}…” is no range. There are 1h, 24h, 7d, 30d, 90d, 400d, and “from” with “to”.",
        ),
    ],
)
def test_a_bad_value_gets_a_sentence_and_the_default(
    viewer: Client, api: Client, project: Project, query: dict[str, str], said: str
) -> None:
    post(api, "web", {"outcome": "accepted", "environment": "production", "timestamp": NOW})
    page = show(viewer, **query)
    assert messages_of(page) == [said]
    assert counts_of(page) == chart(viewer, category=query.get("category", "").replace("cats", ""))


def test_a_bad_value_leads_to_the_page_and_to_no_file(viewer: Client, project: Project) -> None:
    asked = {"range": "7d", "format": "csv"}
    assert viewer.get(PAGE, asked)["Content-Type"] == "text/csv; charset=utf-8"
    assert "“7w” is no range." in messages_of(show(viewer, **{**asked, "range": "7w"}))[0]


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [
        ("2018-11-05", "2018-11-05", ("2018-11-05T00:00", "2018-11-05T22:01")),
        ("2018-10-28", "2018-10-28", ("2018-10-28T00:00", "2018-10-29T00:00")),
        ("1541368800", "1541372400", ("1541368800", "1541372400")),
        ("2018-11-04T23:00", "", ("1541368800", "1541455234")),
    ],
)
def test_a_time_is_read_in_the_zone_of_the_page(
    viewer: Client, project: Project, start: str, end: str, seconds: tuple[str, str]
) -> None:
    zone = {"timezone": "Europe/Berlin", "resolution": "1h"}
    asked = chart(viewer, from_=start, to=end, **zone)
    named = chart(viewer, from_=seconds[0], to=seconds[1], **zone)
    hours = {"2018-10-28": 25}.get(start)
    assert asked["starts"][0] == named["starts"][0]
    assert hours is None or len(asked["starts"]) == hours
    if start != "2018-11-05":  # the end of today is still to come, and nothing is drawn of it
        assert asked == named
    assert asked["starts"][-1] <= asked["now"]


def test_the_zone_is_the_kept_one_or_the_browsers(viewer: Client, project: Project) -> None:
    viewer.cookies["browser_timezone"] = "Asia%2FTokyo"
    assert chart(viewer)["zone"] == "Asia/Tokyo"
    assert chart(viewer, timezone="America/New_York")["zone"] == "America/New_York"
    page = show(viewer, timezone="America/New_York")
    assert "Times are in America/New_York (now UTC-05:00)." in page
    assert 'href="?range=24h&amp;timezone=Asia%2FTokyo"' in page
    viewer.cookies["browser_timezone"] = "Etc%2FGMT%2B5"
    assert chart(viewer)["zone"] == "Etc/GMT+5"


def test_the_kept_zone_is_looked_up_once_for_a_page(viewer: Client, project: Project) -> None:
    with CaptureQueriesContext(connection) as asked:
        show(viewer)
    assert sum("projects_preference" in one["sql"] for one in asked) == 1


def test_every_link_keeps_the_rest_of_the_state(viewer: Client, api: Client, project: Project) -> None:
    post(api, "web", {"outcome": "accepted", "environment": "a & b", "timestamp": NOW})
    post(api, "web", {"outcome": "accepted", "category": "span", "timestamp": NOW})
    state = {"timezone": "Europe/Berlin", "before": "1", "environment": "a & b"}
    page = show(viewer, range="7d", resolution="1d", **state)
    links = {html.unescape(one) for one in re.findall(r'href="(\?[^"]*)"', page)}
    for seconds in ("1h", "24h", "30d", "90d", "400d"):
        assert f"?range={seconds}&environment=a+%26+b&timezone=Europe%2FBerlin&before=1" in links
    assert "?range=7d&resolution=1h&environment=a+%26+b&timezone=Europe%2FBerlin&before=1" in links
    assert "?range=7d&resolution=1d&environment=a+%26+b&timezone=UTC&before=1" in links
    assert "?range=7d&resolution=1d&environment=a+%26+b&timezone=Europe%2FBerlin" in links
    for link in links:
        answer = viewer.get(PAGE + link)
        assert answer.status_code == 200
        assert "format=csv" in link or messages_of(answer.content.decode()) == [] or "before=1" in link


def test_only_resolutions_that_fit_and_are_kept_are_offered(viewer: Client, project: Project) -> None:
    def offered(**query: str) -> list[str]:
        return re.findall(r'href="\?[^"]*resolution=(\w+)"', show(viewer, **query))

    assert offered(range="1h") == ["10s", "5m", "1h", "1d"]
    assert offered(range="24h") == ["5m", "1h", "1d"]
    assert offered(range="30d") == ["1h", "1d"]
    assert offered(range="90d") == []
    assert offered(from_=str(NOW - 20 * DAY), to=str(NOW - 19 * DAY)) == ["1h", "1d"]


def test_names_are_text_wherever_they_stand(viewer: Client, api: Client, project: Project) -> None:
    project.name = XSS
    services.update_project(project=project)
    key = services.create_key(project=project, label=NAME)
    for outcome, reason in (("accepted", None), ("rate_limited", "key_quota")):
        row = {"outcome": outcome, "reason": reason, "environment": NAME, "key": key.public, "timestamp": NOW}
        post(api, "web", row)
    for query in ({}, {"environment": NAME}, {"before": "1"}):
        page = show(viewer, **query)
        assert html.escape(XSS) in page
        assert html.escape(NAME) in page.replace(html.escape(XSS), "")
        assert "<script>alert" not in page
        assert "<img src=x" not in page
