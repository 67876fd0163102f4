"""Counts as CSV: they are those of the JSON, and no cell is a formula."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from projects import services
from projects.models import SLUG, Organization, Project
from statsapi.api.stats.csv_format import counts_as_csv, counts_by_project_as_csv, csv_response, iso
from tests.api.counting import HOUR, NOW, lines, post, row

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock_of_statistics")]

WEB = "/api/0/projects/acme/web/stats/"
ORGANIZATION = "/api/0/organizations/acme/stats/"


@pytest.mark.parametrize("how", ["parameter", "header"])
@pytest.mark.parametrize(("url", "filename"), [(WEB, "web-received.csv"), (ORGANIZATION, "acme-received.csv")])
def test_it_is_the_same_as_the_json(api: Client, project: Project, how: str, url: str, filename: str) -> None:
    post(api, "web", row(quantity=6), row("filtered", 2, age=3 * HOUR))
    response = api.get(
        url,
        {"format": "csv"} if how == "parameter" else {},
        headers={"accept": "text/csv"} if how == "header" else {},
    )
    header, *rows = lines(response)
    plain = api.get(url)

    assert header == "timestamp,count"
    assert rows == [f"{iso(int(start))},{count}" for start, count in plain.json()]
    assert rows[-1] == "2018-11-05T22:00:00Z,6"
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == f'attachment; filename="{filename}"'
    assert response["Vary"] == "Accept-Language, Cookie, Accept"
    for name in ("X-Stats-Resolution", "X-Stats-Retained-Since", "Allow"):
        assert response[name] == plain[name]


def test_grouped_by_project_each_row_names_its_project(api: Client, project: Project, shop: Project) -> None:
    post(api, "web", row(quantity=6))
    query: Any = {"format": "csv", "group": "project", "since": NOW, "until": NOW}
    assert lines(api.get(ORGANIZATION, query)) == [
        "project_id,project,timestamp,count",
        f"{shop.pk},shop,2018-11-05T22:00:00Z,0",
        f"{project.pk},web,2018-11-05T22:00:00Z,6",
    ]


@pytest.mark.parametrize(
    ("query", "accept", "content_type"),
    [
        ({}, "", "application/json"),
        ({}, "*/*", "application/json"),
        ({}, "text/html, text/csv;q=0.9", "text/csv; charset=utf-8"),
        ({"format": "json"}, "text/csv", "application/json"),
        ({"format": ""}, "text/csv", "text/csv; charset=utf-8"),
        ({"format": "xml"}, "", "application/json"),
        ({"format": ["json", "csv"]}, "", "text/csv; charset=utf-8"),
    ],
)
def test_the_parameter_wins_over_the_header(
    api: Client, project: Project, query: Any, accept: str, content_type: str
) -> None:
    assert api.get(WEB, query, headers={"accept": accept})["Content-Type"] == content_type


@pytest.mark.parametrize("url", [WEB, ORGANIZATION])
def test_an_error_is_json_all_the_same(api: Client, client: Client, project: Project, url: str) -> None:
    for caller, query, status in ((api, {"stat": "x"}, 400), (client, {}, 401), (api, {"since": "x"}, 400)):
        response = caller.get(url, {"format": "csv", **query}, headers={"accept": "text/csv"})
        assert (response.status_code, response["Content-Type"]) == (status, "application/json")
        assert set(response.json()) == {"detail"}


@pytest.mark.parametrize("slug", ["-1-1", "--", "-cmd"])
def test_a_slug_never_begins_a_formula(api: Client, organization: Organization, slug: str) -> None:
    services.create_project(organization=organization, slug=slug, name="=1+1")
    post(api, slug, row(quantity=1))
    grouped = lines(api.get(ORGANIZATION, {"format": "csv", "group": "project"}))
    assert {line.split(",")[1] for line in grouped} == {"project", f"'{slug}"}
    query = {"field": "sum(quantity)", "statsPeriod": "1d", "download": "1"}
    summary = lines(api.get("/api/0/organizations/acme/stats-summary/", query))
    assert summary[1].split(",")[1] == f"'{slug}"


@pytest.mark.parametrize("start", "=+-@\t\r\n")
def test_no_cell_begins_a_formula(start: str) -> None:
    response = csv_response([f"{start}a"], [[f"{start}1", "b", 5, -5]], "x.csv")
    text = response.content.decode()
    assert text.replace('"', "") == f"'{start}a\n'{start}1,b,5,-5\n"


@given(
    st.lists(st.integers(-(10**12), 10**12), max_size=5).flatmap(
        lambda starts: st.tuples(
            st.just(tuple(starts)),
            st.lists(
                st.tuples(
                    st.integers(1, 2**63 - 1),
                    st.from_regex(SLUG, fullmatch=True),
                    st.lists(st.integers(0, 2**65), min_size=len(starts), max_size=len(starts)),
                ),
                max_size=3,
            ),
        )
    )
)
def test_counts_are_written_as_the_cells_of_any_table_are(
    asked: tuple[tuple[int, ...], list[tuple[int, str, list[int]]]],
) -> None:
    starts, projects = asked
    rows: list[list[str | int]] = [
        [number, slug, iso(start), count]
        for number, slug, of in projects
        for start, count in zip(starts, of, strict=True)
    ]
    written = counts_by_project_as_csv(starts, projects, "x.csv", {})
    assert written.content == csv_response(["project_id", "project", "timestamp", "count"], rows, "x.csv").content
    for _, _, counts in projects:
        rows = [[iso(start), count] for start, count in zip(starts, counts, strict=True)]
        written = counts_as_csv(starts, counts, "x.csv", {})
        assert written.content == csv_response(["timestamp", "count"], rows, "x.csv").content


def test_cells_are_quoted_where_they_must_be() -> None:
    response = csv_response(["a"], [['x,"y"\nz']], "x.csv")
    assert response.content.decode() == 'a\n"x,""y""\nz"\n'


@pytest.mark.parametrize(
    ("timestamp", "text"),
    [
        (NOW, "2018-11-05T22:00:00Z"),
        (0, "1970-01-01T00:00:00Z"),
        (-62_135_596_800, "0001-01-01T00:00:00Z"),
        (253_402_300_799, "9999-12-31T23:59:59Z"),
        (-62_135_596_801, "-62135596801"),
    ],
)
def test_a_timestamp_is_written_in_iso_8601(timestamp: int, text: str) -> None:
    assert iso(timestamp) == text
