"""Projects: listing, retrieving and creating them. test_project_changes.py has the rest."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.test import Client

from projects import services
from projects.models import Organization, Project
from statsapi.api.resources.filters import OPTIONS
from tests.api.looks import DATE, organization_of, project_of
from tests.api.resources.project_bodies import JSON, MISSING, PROJECTS, REFUSED, TAKEN, WEB, change, create

pytestmark = pytest.mark.django_db


# --- lists and one -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", [PROJECTS, "/api/0/teams/acme/acme/projects/", f"/api/0/teams/acme/{'{}'}/projects/"])
def test_an_organizations_projects_come_by_slug_and_without_the_organization(
    api: Client, organization: Organization, project: Project, other_organization: Organization, url: str
) -> None:
    services.create_project(organization=other_organization, slug="foreign", name="Foreign")
    first = services.create_project(organization=organization, slug="app", name="App", platform="python")
    shown = api.get(url.format(organization.pk)).json()
    assert all(DATE.fullmatch(one.pop("dateCreated")) for one in shown)
    assert shown == [project_of(first), project_of(project)]


def test_all_projects_come_with_their_organization(
    log_in: Callable[..., Client], superuser: User, project: Project, other_organization: Organization
) -> None:
    services.create_project(organization=other_organization, slug="app", name="App")
    shown = log_in(superuser).get("/api/0/projects/").json()
    assert [(one["organization"]["slug"], one["slug"]) for one in shown] == [("acme", "web"), ("other", "app")]


def test_a_caller_lists_the_projects_of_own_organizations_alone(
    api: Client, log_in: Callable[..., Client], member: User, project: Project, other_organization: Organization
) -> None:
    services.create_project(organization=other_organization, slug="app", name="App")
    for caller in (api, log_in(member)):
        assert [one["slug"] for one in caller.get("/api/0/projects/").json()] == ["web"]


def test_a_project_has_the_fields_that_clients_read(api: Client, project: Project) -> None:
    for url in (WEB, f"/api/0/projects/{project.organization_id}/{project.pk}/"):
        shown = api.get(url).json()
        assert DATE.fullmatch(shown.pop("dateCreated"))
        assert DATE.fullmatch(shown["organization"].pop("dateCreated"))
        assert shown.pop("options") == dict.fromkeys(OPTIONS, "")
        assert shown == {**project_of(project), "organization": organization_of(project.organization)}


def test_another_team_than_the_one_there_is_is_missing(api: Client, organization: Organization) -> None:
    for team in ("else", "0", "ACME", str(organization.pk + 1)):
        for response in (
            api.get(f"/api/0/teams/acme/{team}/projects/"),
            api.post(f"/api/0/teams/acme/{team}/projects/", {"name": "x"}, JSON),
        ):
            assert (response.status_code, response.json()) == (404, MISSING)


# --- create --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", [PROJECTS, "/api/0/teams/acme/acme/projects/"])
def test_a_project_is_created_with_a_first_key(api: Client, organization: Organization, url: str) -> None:
    response = api.post(url, {"name": "My Shop", "platform": "python"}, JSON)
    project = Project.objects.get()
    assert project.keys.count() == 1
    shown = response.json()
    assert (response.status_code, shown["slug"], shown["platform"]) == (201, "my-shop", "python")
    assert api.get("/api/0/projects/acme/my-shop/").json() == shown


@pytest.mark.parametrize(
    ("body", "slug"),
    [
        ({"name": "Été à la_mer!"}, "ete-a-la_mer"),
        ({"name": "  Web  "}, "web"),
        ({"name": "日本", "slug": "jp"}, "jp"),
        ({"name": "1", "slug": "one"}, "one"),
        ({"name": "404"}, "project-404"),
        ({"name": "x" * 50}, "x" * 50),
        ({"name": "x", "slug": "y" * 100}, "y" * 100),
        ({"name": "x", "slug": "-"}, "-"),
        ({"name": "x", "unknown": [1]}, "x"),
    ],
)
def test_a_slug_is_taken_as_given_or_made_of_the_name(
    api: Client, organization: Organization, body: dict[str, Any], slug: str
) -> None:
    response = create(api, **body)
    assert (response.status_code, response.json()["slug"]) == (201, slug)
    assert response.json()["name"] == body["name"].strip()


def test_a_name_that_makes_no_slug_gets_one_that_is_free(api: Client, organization: Organization) -> None:
    slugs = [create(api, name=name).json()["slug"] for name in ("日本", "日本", "!", "🙂")]
    assert len(set(slugs)) == 4
    assert all(re.fullmatch("project-[0-9a-f]{8}", slug) for slug in slugs)


@pytest.mark.parametrize(("body", "errors"), REFUSED, ids=lambda value: ascii(value)[:50])
def test_what_cannot_be_is_refused_by_field(
    api: Client, organization: Organization, body: dict[str, Any], errors: dict[str, list[str]]
) -> None:
    response = create(api, **body)
    assert (response.status_code, response.json()) == (400, errors)
    assert not Project.objects.exists()


def test_a_nul_is_refused(api: Client, organization: Organization) -> None:
    assert create(api, name="a\0").status_code == create(api, name="x", platform="\0").status_code == 400


@pytest.mark.parametrize("body", [{"name": "Web"}, {"name": "Other", "slug": "web"}])
def test_a_slug_that_is_taken_is_a_conflict(api: Client, project: Project, body: dict[str, Any]) -> None:
    response = create(api, **body)
    assert (response.status_code, response.json()) == (409, TAKEN)
    assert Project.objects.count() == 1


def test_another_organizations_slug_is_free(
    api: Client, organization: Organization, other_organization: Organization
) -> None:
    services.create_project(organization=other_organization, slug="web", name="Web")
    assert create(api, name="Web").status_code == 201


def test_a_slug_that_is_taken_at_the_same_moment_is_a_conflict_too(
    api: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another request takes the slug after this one saw that it was free."""
    create(api, name="Shop")
    monkeypatch.setattr(Project, "full_clean", lambda project: None)
    for response in (create(api, name="Web"), change(api, slug="shop")):
        assert (response.status_code, response.json()) == (409, TAKEN)


def test_a_slug_that_was_taken_and_is_free_again_at_the_same_moment_is_a_conflict_too(
    api: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other project is deleted before it could be looked up."""

    def refuse(project: Project) -> None:
        raise ValidationError("Project with this Organization and Slug already exists.")

    monkeypatch.setattr(Project, "full_clean", refuse)
    for response in (create(api, name="Shop"), change(api, slug="shop")):
        assert (response.status_code, response.json()) == (409, TAKEN)


def test_an_organization_that_is_deleted_at_the_same_moment_is_missing(
    api: Client, organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "create_project", lambda **_: Organization.objects.get(pk=organization.pk + 1))
    response = create(api, name="Web")
    assert (response.status_code, response.json()) == (404, MISSING)
