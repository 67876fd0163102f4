"""Names of environments in the API: outcomes/ obeys the rule of intake, and reading asks for any name."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from projects.models import Environment, Project
from projects.services import create_project

pytestmark = pytest.mark.django_db

JSON = "application/json"
OUTCOMES = "/api/0/projects/acme/web/outcomes/"
MERGE = "/api/0/projects/acme/web/merge/"
NO_NAMES = ("a/b", "none", "None", " ", "a\nb", "a\tb", "a\u2028b", "\0", "x" * 65)


def ask(api: Client, url: str, environment: str) -> Any:
    return api.get(f"/api/0/{url}stats/", {"stat": "generated", "environment": environment})


def total(api: Client, slug: str, environment: str) -> int:
    return sum(count for _, count in ask(api, f"projects/acme/{slug}/", environment).json())


@pytest.mark.parametrize("url", ["projects/acme/web/", "organizations/acme/"])
@pytest.mark.parametrize("name", NO_NAMES)
def test_an_environment_that_cannot_exist_is_missing(api: Client, project: Project, url: str, name: str) -> None:
    response = ask(api, url, name)
    assert (response.status_code, response.json()) == (404, {"detail": "The requested resource does not exist"})


@pytest.mark.parametrize("name", NO_NAMES)
def test_a_name_that_breaks_the_rule_is_refused_even_where_no_environment_counts(
    api: Client, project: Project, name: str
) -> None:
    rows = [{"outcome": "accepted"}, {"outcome": "invalid", "environment": name}]
    response = api.post(OUTCOMES, {"outcomes": rows}, JSON)
    assert response.status_code == 400
    [message] = response.json()["outcomes"]
    assert message.startswith("[1].environment: must ")
    assert not project.environments.exists()


def test_blanks_around_a_name_do_not_make_another_environment(api: Client, project: Project) -> None:
    rows = [{"outcome": "accepted", "environment": name} for name in ("production", " production", "production  ")]
    assert api.post(OUTCOMES, {"outcomes": rows}, JSON).status_code == 201
    assert [one.name for one in project.environments.all()] == ["production"]
    assert total(api, "web", "production") == 3


@pytest.mark.parametrize("url", ["projects/acme/web/", "organizations/acme/"])
def test_blanks_around_a_name_are_passed_over_by_readers_too(api: Client, project: Project, url: str) -> None:
    api.post(OUTCOMES, {"outcomes": [{"outcome": "accepted", "environment": " production "}]}, JSON)
    assert sum(count for _, count in ask(api, url, " production ").json()) == 1


def test_an_environment_from_before_the_rule_is_read_and_merged(api: Client, project: Project) -> None:
    api.post(OUTCOMES, {"outcomes": [{"outcome": "accepted", "environment": "production", "quantity": 3}]}, JSON)
    Environment.objects.filter(project=project).update(name="a/b")
    create_project(organization=project.organization, slug="shop", name="Shop")
    assert total(api, "web", "a/b") == 3
    assert api.post(MERGE, {"into": "shop"}, JSON).status_code == 200
    assert (total(api, "web", "a/b"), total(api, "shop", "a/b")) == (0, 3)
