"""The picture of a public link: a well-formed SVG with the API's number, for any name and any counts."""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256
from xml.etree import ElementTree

import pytest
import time_machine
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from projects import services
from projects.connections import get_store
from projects.models import Project
from statsapi.pages.share.picture import COLOURS, MARGIN, MOST_BARS, POLICIES, STYLES, Picture, draw
from tests.api.counting import DAY, HOUR, NOW, post, row
from tests.pages.test_colours import THEMES

SVG = "{http://www.w3.org/2000/svg}"
PERIODS = {"24h": "24 hours", "7d": "7 days", "30d": "30 days", "90d": "90 days"}


def picture(name: str = "Web", counts: list[int] | None = None) -> Picture:
    counts = [1, 2, 3] if counts is None else counts
    return Picture(name, counts, sum(counts), "7 days", "2018-10-30 22:00", "2018-11-06 22:00 UTC")


def bars(svg: str) -> list[tuple[float, float, float]]:
    """Return left edge, height and width of each bar."""
    path = ElementTree.fromstring(svg).find(f"{SVG}path[@class='bars']")
    assert path is not None
    found = re.findall(r"M([\d.]+) \d+v-([\d.]+)h([\d.]+)V\d+z", path.attrib["d"])
    assert len(found) == path.attrib["d"].count("M")
    return [(float(left), float(height), float(width)) for left, height, width in found]


@pytest.fixture
def path(project: Project) -> str:
    return f"/share/{services.create_link(project=project).secret}.svg"


@pytest.mark.django_db
@time_machine.travel(NOW + 33, tick=False)
def test_it_begins_where_the_counts_are_kept(client: Client, api: Client, project: Project, path: str) -> None:
    """Days are kept since a change of the settings 40 days ago, so 50 of the 90 days are not known."""
    post(api, "web", row(quantity=7, age=39 * DAY))
    store = get_store()
    state = store.states.get(project.pk)
    since = (NOW // DAY - 40) * DAY
    store.clients.write.set(f"ts:{{{project.pk}}}:state", re.sub(" [^ ]+$", f" {DAY}={since}", state.text))
    store.states._known.clear()
    svg = client.get(path, {"range": "90d"}).content.decode()
    assert f"{datetime.fromtimestamp(since, UTC):%Y-%m-%d %H:%M}" in svg
    ((left, _, width),) = bars(svg)
    assert MARGIN < left < MARGIN + 2 * width  # the second of 41 bars


@pytest.mark.django_db
@pytest.mark.parametrize("name", PERIODS)
@time_machine.travel(NOW + 33, tick=False)
def test_the_number_is_what_the_api_says_was_received(client: Client, api: Client, path: str, name: str) -> None:
    post(
        api, "web", row(quantity=1234), row("filtered", 2, age=30 * HOUR), row("invalid", 9), row("client_discard", 9),
        row("rate_limited", 3, age=50 * 24 * HOUR),
    )  # fmt: skip
    answer = api.get(
        "/api/0/organizations/acme/stats_v2/",
        {"field": "sum(quantity)", "category": "error", "statsPeriod": name, "interval": {"90d": "1d"}.get(name, "1h"),
         "outcome": ["accepted", "filtered", "rate_limited"]},
    ).json()  # fmt: skip
    [group] = answer["groups"]
    svg = client.get(path, {"range": name}).content.decode()
    root = ElementTree.fromstring(svg)
    number = root.find(f"{SVG}text[@class='number']")
    assert number is not None
    assert number.text == f"{group['totals']['sum(quantity)']:,}"
    assert [one.text for one in root.iter(f"{SVG}tspan")] == [f"errors in {PERIODS[name]}"]
    assert root.findtext(f"{SVG}title") == f"Web: {number.text} errors in {PERIODS[name]}"


@pytest.mark.django_db
@time_machine.travel(NOW, tick=False)
def test_it_may_be_kept_for_five_minutes_and_asked_for_anew(client: Client, path: str) -> None:
    first = client.get(path)
    assert first.headers["Content-Type"] == "image/svg+xml; charset=utf-8"
    assert first.headers["Cache-Control"] == "public, max-age=300"
    again = client.get(path, headers={"if-none-match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    for header in ("ETag", "Cache-Control", "Content-Security-Policy", "X-Robots-Tag", "Referrer-Policy"):
        assert again.headers[header] == first.headers[header], header
    assert client.get(path, {"theme": "dark"}).headers["ETag"] != first.headers["ETag"]


@pytest.mark.django_db
def test_it_has_seven_days_and_the_readers_theme_unless_the_address_says_otherwise(client: Client, path: str) -> None:
    def shown(**query: str) -> tuple[bytes, str]:
        response = client.get(path, query)
        return response.content, response.headers["Content-Security-Policy"]

    with time_machine.travel(NOW, tick=False):
        assert shown() == shown(range="7d", theme="auto") == shown(range="1y", theme="<style>")
        assert len({shown(theme=theme) for theme in STYLES}) == 3


def test_the_policy_allows_the_style_of_the_picture_alone() -> None:
    for theme, policy in POLICIES.items():
        style = ElementTree.fromstring(draw(picture(), theme)).findtext(f"{SVG}style") or ""
        digest = b64encode(sha256(style.encode()).digest()).decode()
        assert f"style-src 'sha256-{digest}';" in policy
        assert policy.startswith("default-src 'none'; ")
        assert "unsafe" not in policy


def test_it_has_the_colours_of_the_pages() -> None:
    for theme, colours in COLOURS.items():
        assert colours == {name: THEMES[theme][name] for name in colours}


def test_it_holds_nothing_that_runs_or_loads() -> None:
    svg = draw(picture('<script>alert(1)</script><image href="https://evil.example/x"/>'), "auto")
    root = ElementTree.fromstring(svg)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {
        "svg", "title", "desc", "style", "rect", "text", "tspan", "path",
    }  # fmt: skip
    attributes = {name for element in root.iter() for name in element.attrib}
    assert attributes == {
        "class",
        "x",
        "y",
        "width",
        "height",
        "viewBox",
        "role",
        "aria-labelledby",
        "id",
        "rx",
        "d",
        "dx",
    }
    assert "url(" not in svg
    assert "@import" not in svg


@given(st.text(max_size=120))
def test_any_name_makes_a_well_formed_picture(name: str) -> None:
    root = ElementTree.fromstring(draw(picture(name), "auto"))
    shown = root.findtext(f"{SVG}text[@class='name']") or ""
    assert len(shown) <= 45


@given(st.lists(st.integers(0, 2**63), max_size=400))
def test_any_counts_make_bars_inside_the_picture(counts: list[int]) -> None:
    svg = draw(picture(counts=counts), "light")
    width = int(ElementTree.fromstring(svg).attrib["width"])
    found = bars(svg)
    assert len(found) <= MOST_BARS
    assert bool(found) == any(counts)
    for left, height, wide in found:
        assert left >= MARGIN
        assert left + wide <= width - MARGIN + 0.2
        assert 1 <= height <= 28


def test_buckets_are_gathered_from_the_newest_on() -> None:
    counts = [1] * (2 * MOST_BARS - 1)
    found = [height for _, height, _ in bars(draw(picture(counts=counts), "light"))]
    assert found == [14.0, *[28.0] * (MOST_BARS - 1)]


def test_one_error_is_no_errors() -> None:
    assert '1<tspan class="quiet" dx="7">error in 7 days' in draw(picture(counts=[1]), "light")
    assert '0<tspan class="quiet" dx="7">errors in 7 days' in draw(picture(counts=[0]), "light")
