"""Who may do what on every page: strangers, outsiders, viewers and members, by each method, and forged forms.

The pages come from the URL configuration. A new page that anybody may open, or on which a viewer may change something,
has to be named here.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.test import Client

from projects import services
from projects.models import Membership, Organization, Project
from tests.faults.asking import shape
from tests.pages.routes import Route, routes

pytestmark = pytest.mark.django_db

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

PUBLIC = {"login", "theme", "favicon", "password", "password-link", "share", "share-picture"}
"""Anybody may ask for these. A public link and a link to choose a password are secrets themselves."""
OF_ONESELF = {"logout", "account", "leave"}
"""What each person may change: what is theirs."""
OF_MEMBERS = {"project-new"}
"""What belongs to an organization, and a member may change too. All else there is for owners."""

ROUTES = routes()
PRIVATE = [route for route in ROUTES if route.name not in PUBLIC]
OF_AN_ORGANIZATION = [route for route in ROUTES if "organization" in route.parameters]
OF_A_PROJECT = [route for route in ROUTES if "project" in route.parameters]

NAMES = {"organization": "acme", "project": "web"}


def named(route: Route) -> str:
    return route.name


def fill(route: Route, **names: str) -> str:
    """Return the address. What is neither an organization nor a project is something that does not exist."""
    return route.url({**dict.fromkeys(route.parameters, "1"), **NAMES, **names})


def methods(route: Route) -> set[str]:
    """Return the methods that the page has, without OPTIONS."""
    allowed = Client().generic("BREW", fill(route)).headers["Allow"]
    return set(allowed.split(", ")) & set(METHODS)


def everything() -> list[list[dict[str, Any]]]:
    """Return all rows of the tables of projects."""
    return [
        list(model._default_manager.order_by("pk").values()) for model in apps.get_app_config("projects").get_models()
    ]


def user(role: str, organization: Organization) -> Client:
    person = User.objects.create_user(f"{role}-of-pages@example.com")
    services.add_member(organization=organization, user_id=person.pk, role=role)
    person.refresh_from_db()
    client = Client()
    client.force_login(person)
    return client


def test_every_name_of_these_lists_is_a_page_or_a_way_to_one() -> None:
    assert {"login", "theme"} <= PUBLIC & {route.name for route in ROUTES}
    assert len(OF_AN_ORGANIZATION) > 1


@pytest.mark.parametrize("route", PRIVATE, ids=named)
def test_a_stranger_is_led_to_the_login_by_each_method(client: Client, project: Project, route: Route) -> None:
    for method in METHODS:
        answer = client.generic(method, fill(route))
        if method in methods(route):
            assert answer.status_code == 302, method
            assert answer.headers["Location"].startswith("/login/"), method
        else:
            assert answer.status_code == 405, method


@pytest.mark.parametrize("route", OF_AN_ORGANIZATION, ids=named)
def test_another_organization_is_like_one_that_does_not_exist(outsider: User, project: Project, route: Route) -> None:
    client = Client()
    client.force_login(outsider)
    before = everything()
    for method in sorted(methods(route)):
        missing = client.generic(method, fill(route, organization="missing"))
        assert missing.status_code == 404, method
        for organization, slug in (("acme", "web"), (str(project.organization_id), str(project.pk)), ("acme", "no")):
            answer = client.generic(method, fill(route, organization=organization, project=slug))
            assert shape(answer) == shape(missing), (method, organization, slug)
    assert everything() == before


@pytest.mark.parametrize("route", OF_A_PROJECT, ids=named)
def test_a_project_of_another_organization_is_not_found_in_ones_own(
    outsider: User, other_organization: Organization, project: Project, route: Route
) -> None:
    client = Client()
    client.force_login(outsider)
    before = everything()
    for method in sorted(methods(route)):
        missing = client.generic(method, fill(route, organization="other", project="missing"))
        assert missing.status_code == 404, method
        for slug in ("web", str(project.pk)):
            answer = client.generic(method, fill(route, organization="other", project=slug))
            assert shape(answer) == shape(missing), (method, slug)
    assert everything() == before


@pytest.mark.parametrize("route", OF_AN_ORGANIZATION, ids=named)
def test_a_viewer_changes_nothing(organization: Organization, project: Project, route: Route) -> None:
    client = user(Membership.Role.VIEWER, organization)
    before = everything()
    for method in sorted(methods(route) - {"GET", "HEAD"}) if route.name not in OF_ONESELF else []:
        assert client.generic(method, fill(route)).status_code == 403, method
    assert everything() == before
    if "GET" in methods(route):
        assert client.get(fill(route)).status_code in (200, 302, 403, 404)


@pytest.mark.parametrize("route", OF_AN_ORGANIZATION, ids=named)
def test_a_member_changes_no_organization(organization: Organization, project: Project, route: Route) -> None:
    if not route.path.startswith("/organization/") or route.name in OF_MEMBERS | OF_ONESELF:
        return
    client = user(Membership.Role.MEMBER, organization)
    before = everything()
    for method in sorted(methods(route) - {"GET", "HEAD"}):
        assert client.generic(method, fill(route)).status_code == 403, method
    assert everything() == before


@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_a_form_without_its_csrf_token_is_refused(organization: Organization, project: Project, route: Route) -> None:
    person = User.objects.create_user("owner-of-pages@example.com")
    services.add_member(organization=organization, user_id=person.pk, role=Membership.Role.OWNER)
    person.refresh_from_db()
    client = Client(enforce_csrf_checks=True)
    client.force_login(person)
    before = everything()
    for method in sorted(methods(route) - {"GET", "HEAD"}):
        answer = client.generic(method, fill(route))
        assert answer.status_code == 403, method
        assert b"The form was refused" in answer.content, method
    assert everything() == before


@pytest.mark.parametrize("route", PRIVATE, ids=named)
def test_reading_a_page_changes_nothing(organization: Organization, project: Project, route: Route) -> None:
    """Links are followed by crawlers and by browsers that load ahead, so only a form may change something."""
    if "GET" not in methods(route):
        return
    client = user(Membership.Role.OWNER, organization)
    before = everything()
    assert client.get(fill(route)).status_code in (200, 302, 404)
    assert everything() == before


@pytest.mark.parametrize("route", PRIVATE, ids=named)
def test_no_page_is_kept_by_a_cache(organization: Organization, project: Project, route: Route) -> None:
    client = user(Membership.Role.OWNER, organization)
    if "GET" in methods(route):
        assert "no-store" in client.get(fill(route)).headers["Cache-Control"]
