"""Lists in pages: the Link header, `per_page` and `cursor` of every list."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.test import Client

from projects import services
from projects.models import Organization, Project

pytestmark = pytest.mark.django_db

PROJECTS = "/api/0/organizations/acme/projects/"
LISTS = [
    "/api/0/organizations/",
    "/api/0/organizations/acme/teams/",
    PROJECTS,
    "/api/0/teams/acme/acme/projects/",
    "/api/0/projects/",
    "/api/0/projects/acme/web/keys/",
]


def links(response: Any) -> dict[str, tuple[str, str, str]]:
    """Return rel -> (URL, results, cursor)."""
    found = re.findall(r'<([^>]+)>; rel="(\w+)"; results="(\w+)"; cursor="([\d:]+)"', response["Link"])
    return {relation: (url, results, cursor) for url, relation, results, cursor in found}


@pytest.fixture
def five(organization: Organization) -> list[str]:
    slugs = [f"p{number}" for number in range(5)]
    for slug in slugs:
        services.create_project(organization=organization, slug=slug, name=slug)
    return slugs


@pytest.mark.parametrize("url", LISTS)
def test_every_list_has_both_links_as_the_contract_writes_them(api: Client, project: Project, url: str) -> None:
    here = f"http://testserver{url}"
    assert api.get(url)["Link"] == (
        f'<{here}?&cursor=0:0:1>; rel="previous"; results="false"; cursor="0:0:1", '
        f'<{here}?&cursor=0:100:0>; rel="next"; results="false"; cursor="0:100:0"'
    )


@pytest.mark.parametrize("url", LISTS)
@pytest.mark.parametrize("per_page", ["0", "101", "x", "-1", "1.5", "1e1", "+1", " 1", "١", "9" * 30, "1\0"])
def test_a_page_has_one_to_a_hundred_rows(api: Client, project: Project, url: str, per_page: str) -> None:
    response = api.get(url, {"per_page": per_page})
    detail = {"detail": "Invalid per_page value. Must be between 1 and 100."}
    assert (response.status_code, response.json()) == (400, detail)


@pytest.mark.parametrize("url", LISTS)
@pytest.mark.parametrize(
    "cursor", ["x", "0", "0:1", "0:1:2", "0:-1:0", "0:99999999999:0", "1:2:0:0", "0:0:0 ", "0:١:0", "::", "a:0:0"]
)
def test_a_cursor_that_is_none_is_refused(api: Client, project: Project, url: str, cursor: str) -> None:
    response = api.get(url, {"cursor": cursor})
    assert (response.status_code, response.json()) == (400, {"detail": "Invalid cursor parameter."})


@pytest.mark.parametrize("url", LISTS)
def test_an_empty_value_means_absent_and_of_two_the_last_counts(api: Client, project: Project, url: str) -> None:
    assert len(api.get(f"{url}?per_page=&cursor=").json()) == 1
    assert len(api.get(f"{url}?per_page=x&per_page=1&cursor=x&cursor=0:0:0").json()) == 1


@pytest.mark.parametrize("per_page", [1, 2, 3, 4, 5, 6, 100])
def test_the_links_lead_through_all_pages_and_back(api: Client, five: list[str], per_page: int) -> None:
    url, pages = f"{PROJECTS}?per_page={per_page}", []
    while True:
        response = api.get(url)
        pages.append([row["slug"] for row in response.json()])
        following, results, _ = links(response)["next"]
        if results == "false":
            break
        url = following
    assert [slug for page in pages for slug in page] == five
    assert {len(page) for page in pages[:-1]} <= {per_page}

    back = []
    while True:
        back.append([row["slug"] for row in response.json()])
        previous, results, _ = links(response)["previous"]
        if results == "false":
            break
        response = api.get(previous)
    assert back == pages[::-1]


def test_the_other_parameters_stay_in_the_links(api: Client, five: list[str]) -> None:
    response = api.get(f"{PROJECTS}?per_page=2&x=y&x=%26%C3%A9%3E&empty=&cursor=0:2:0")
    for relation, (results, cursor) in {"previous": ("true", "0:0:1"), "next": ("true", "0:4:0")}.items():
        url, said, named = links(response)[relation]
        assert (said, named) == (results, cursor)
        assert parse_qsl(urlsplit(url).query, keep_blank_values=True) == [
            ("per_page", "2"),
            ("x", "y"),
            ("x", "&é>"),
            ("empty", ""),
            ("cursor", cursor),
        ]


def test_no_parameter_can_put_a_line_or_a_link_into_the_header(api: Client, project: Project) -> None:
    response = api.get(PROJECTS, {"x": '>; rel="next"; results="true", <http://evil\r\nSet-Cookie: a=b'})
    assert set(links(response)) == {"previous", "next"}
    assert response["Link"].count("<") == 2
    assert "\n" not in response["Link"]


def test_a_page_beyond_the_end_is_empty_and_leads_back(api: Client, five: list[str]) -> None:
    response = api.get(f"{PROJECTS}?cursor=0:400:0&per_page=3")
    assert response.json() == []
    assert [links(response)[relation][1:] for relation in ("previous", "next")] == [
        ("true", "0:397:1"),
        ("false", "0:403:0"),
    ]


def test_a_page_that_begins_off_the_grid_leads_back_to_the_first_row(api: Client, five: list[str]) -> None:
    response = api.get(f"{PROJECTS}?cursor=0:1:0&per_page=3")
    assert links(response)["previous"][1:] == ("true", "0:0:1")


def test_a_hundred_and_one_rows_are_two_pages(api: Client, organization: Organization) -> None:
    Project.objects.bulk_create(
        Project(organization=organization, slug=f"p{number:03}", name="P") for number in range(101)
    )
    first = api.get(PROJECTS)
    assert len(first.json()) == 100
    assert links(first)["next"][1:] == ("true", "0:100:0")
    assert [row["slug"] for row in api.get(links(first)["next"][0]).json()] == ["p100"]


@pytest.mark.parametrize("per_page", [1, 100])
def test_a_page_asks_the_database_the_same_number_of_questions_however_long_it_is(
    api: Client, five: list[str], per_page: int, django_assert_max_num_queries: Any
) -> None:
    api.get(PROJECTS)
    with django_assert_max_num_queries(2):
        api.get(PROJECTS, {"per_page": per_page})
