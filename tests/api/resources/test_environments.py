"""GET …/projects/{organization}/{project}/environments/ and …/organizations/{organization}/environments/."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from projects import services
from projects.models import Environment, Project

pytestmark = pytest.mark.django_db

OF_PROJECT = "/api/0/projects/acme/web/environments/"
OF_ORGANIZATION = "/api/0/organizations/acme/environments/"


@pytest.fixture
def ids(project: Project, shop: Project) -> dict[str, str]:
    """Make environments of two projects, and return those of `web` by their names."""
    of_web = {name: str(services.environment_id(project.pk, name)) for name in ("staging", "production")}
    for name in ("production", "test"):
        services.environment_id(shop.pk, name)
    return of_web


def test_a_projects_environments_are_listed_by_name(api: Client, ids: dict[str, str]) -> None:
    assert api.get(OF_PROJECT).json() == [
        {"id": ids["production"], "name": "production", "isHidden": False},
        {"id": ids["staging"], "name": "staging", "isHidden": False},
    ]


def test_an_organizations_environments_have_each_name_once(api: Client, ids: dict[str, str], shop: Project) -> None:
    assert api.get(OF_ORGANIZATION).json() == [
        {"id": ids["production"], "name": "production"},
        {"id": ids["staging"], "name": "staging"},
        {"id": str(shop.environments.get(name="test").pk), "name": "test"},
    ]


@pytest.mark.parametrize("url", [OF_PROJECT, OF_ORGANIZATION])
@pytest.mark.parametrize(("visibility", "listed"), [("", True), ("visible", True), ("all", True), ("hidden", False)])
def test_no_environment_is_hidden(api: Client, ids: dict[str, str], url: str, visibility: str, listed: bool) -> None:
    everything = api.get(url).json()
    assert api.get(url, {"visibility": visibility}).json() == (everything if listed else [])


@pytest.mark.parametrize("url", [OF_PROJECT, OF_ORGANIZATION])
def test_another_visibility_is_refused(api: Client, project: Project, url: str) -> None:
    response = api.get(url, {"visibility": "secret"})
    assert (response.status_code, response.json()) == (400, {"detail": "Invalid visibility: secret"})


@pytest.mark.parametrize("url", [OF_PROJECT, OF_ORGANIZATION])
def test_many_environments_are_pages_of_few_queries(
    api: Client, project: Project, url: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    names = [f"e{number:03}" for number in range(150)]
    Environment.objects.bulk_create([Environment(project=project, name=name) for name in names])
    api.get(url)  # which notes the use of the token
    with django_assert_max_num_queries(3):
        first = api.get(url)
    second = api.get(url, {"cursor": "0:100:0"})
    assert [row["name"] for row in first.json() + second.json()] == names
    assert 'rel="next"; results="true"' in first["Link"]
