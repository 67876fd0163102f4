"""The chart of counts: its bars, its scale, and its title."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from projects.sparkline import sparkline

pytestmark = pytest.mark.once

SVG = "{http://www.w3.org/2000/svg}"


def bars(svg: str) -> list[str]:
    _, path = ElementTree.fromstring(svg).findall(f"{SVG}path")
    return [bar for bar in path.attrib["d"].split("z") if bar]


def test_the_largest_count_is_as_high_as_the_picture_and_the_others_in_proportion() -> None:
    assert bars(sparkline([1, 2, 4], title="t", width=30, height=20)) == [
        "M0 20v-5h9V20",
        "M10 20v-10h9V20",
        "M20 20v-20h9V20",
    ]


def test_a_count_of_one_beside_a_million_is_still_seen() -> None:
    assert bars(sparkline([1, 10**6], title="t", width=20, height=20))[0] == "M0 20v-1h9V20"


@pytest.mark.parametrize("counts", [[], [0], [0] * 24])
def test_nothing_counted_is_a_picture_without_bars(counts: list[int]) -> None:
    assert bars(sparkline(counts, title="t")) == []


def test_many_counts_stay_within_the_width() -> None:
    drawn = bars(sparkline([1] * 1440, title="t", width=120))
    last = drawn[-1].removeprefix("M").split(" ")[0]
    assert len(drawn) == 1440
    assert float(last) < 120


def test_the_title_is_escaped_where_a_reader_and_where_a_pointer_finds_it() -> None:
    title = '"<script>&'
    svg = sparkline([1], title=title)
    root = ElementTree.fromstring(svg)
    assert root.attrib["aria-label"] == title
    assert root.findtext(f"{SVG}title") == title
    assert "<script" not in svg


def test_a_strict_content_security_policy_lets_it_pass() -> None:
    svg = sparkline([1, 2], title="t")
    for element in ElementTree.fromstring(svg).iter():
        assert element.tag in {f"{SVG}svg", f"{SVG}title", f"{SVG}path"}
        assert not {name for name in element.attrib if name == "style" or name.startswith("on")}
