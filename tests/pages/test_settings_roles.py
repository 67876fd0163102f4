"""Who may open and send what, of setup and settings; CSRF; and names that are markup."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest
from django.test import Client
from django.urls import get_resolver

from projects import services
from projects.models import Budget, Organization, Project, ProjectKey
from statsapi.pages.settings.urls import urlpatterns
from tests.pages.filled import forms_of

pytestmark = pytest.mark.django_db

VIEWER, MEMBER, OWNER = "viewer", "member", "owner"
ROLES = (VIEWER, MEMBER, OWNER)
KEY = "ab" * 16
BUDGET = 998


class Route(NamedTuple):
    """A page: its path, the lowest role that may use it, and its methods."""

    path: str
    role: str
    methods: str


ROUTES = {
    "project-setup": Route("/o/acme/web/setup/", VIEWER, "GET"),
    "project-settings": Route("/o/acme/web/settings/", MEMBER, "GET POST"),
    "project-keys": Route("/o/acme/web/settings/keys/", MEMBER, "GET POST"),
    "project-key": Route(f"/o/acme/web/settings/keys/{KEY}/", MEMBER, "GET POST"),
    "project-key-switch": Route(f"/o/acme/web/settings/keys/{KEY}/switch/", MEMBER, "POST"),
    "project-key-delete": Route(f"/o/acme/web/settings/keys/{KEY}/delete/", OWNER, "POST"),
    "project-budgets": Route("/o/acme/web/settings/budgets/", MEMBER, "GET POST"),
    "project-budget": Route(f"/o/acme/web/settings/budgets/{BUDGET}/", MEMBER, "GET POST"),
    "project-budget-delete": Route(f"/o/acme/web/settings/budgets/{BUDGET}/delete/", OWNER, "POST"),
    "project-filters": Route("/o/acme/web/settings/filters/", MEMBER, "GET POST"),
    "project-filters-undo": Route("/o/acme/web/settings/filters/undo/", MEMBER, "POST"),
    "project-environments": Route("/o/acme/web/settings/environments/", MEMBER, "GET"),
    "project-merge": Route("/o/acme/web/settings/merge/", OWNER, "GET POST"),
    "project-delete": Route("/o/acme/web/settings/delete/", OWNER, "GET POST"),
    "project-new": Route("/organization/acme/projects/new/", MEMBER, "GET POST"),
    "organization-settings": Route("/organization/acme/settings/", OWNER, "GET POST"),
    "organization-delete": Route("/organization/acme/settings/delete/", OWNER, "GET POST"),
}
SENT = [(name, method) for name in ROUTES for method in ("GET", "POST", "PUT", "DELETE")]


@pytest.fixture(autouse=True)
def key(project: Project) -> ProjectKey:
    key = ProjectKey(project=project, public=KEY)
    services.save_intake(project, key)
    Budget.objects.create(pk=BUDGET, project=project, category="error", limit=1000, window=300)
    return key


def state_of(organization: Organization) -> list[object]:
    """Return all that these pages can change."""
    return [
        list(Organization.objects.order_by("pk").values()),
        list(Project.objects.order_by("pk").values()),
        list(ProjectKey.objects.order_by("pk").values()),
        list(Project.objects.values_list("filters__localhost")),
        list(Budget.objects.order_by("pk").values()),
    ]


def test_every_page_has_a_row() -> None:
    ours = [
        one.name for one in urlpatterns if any(part in str(one.pattern) for part in ("/setup/", "/settings/", "/new/"))
    ]
    assert set(ours) == ROUTES.keys()
    resolve = get_resolver().resolve
    assert {name: resolve(route.path).view_name for name, route in ROUTES.items()} == {name: name for name in ROUTES}


@pytest.mark.parametrize(("name", "method"), SENT)
def test_each_role_may_do_what_the_table_says_and_nothing_else(
    sign_in: Callable[[str], Client], organization: Organization, name: str, method: str
) -> None:
    path, role, methods = ROUTES[name]
    before = state_of(organization)
    for one in ROLES:
        # A form without fields is refused or changes nothing, so that each role meets the same things.
        answer = sign_in(one).generic(method, path)
        allowed = ROLES.index(one) >= ROLES.index(role)
        if method not in methods.split():
            assert answer.status_code == 405
        elif not allowed:
            assert answer.status_code == 403
            assert "Your role does not allow this" in answer.content.decode()
            assert KEY not in answer.content.decode()
        else:
            assert answer.status_code in (200, 302)
            assert not answer.headers.get("Location", "").startswith("/login/")
        if not allowed:
            assert state_of(organization) == before


@pytest.mark.parametrize("name", ROUTES)
def test_a_stranger_is_sent_to_the_login_page_and_an_outsider_finds_nothing(
    client: Client, stranger_signed_in: Client, organization: Organization, name: str
) -> None:
    path, _, methods = ROUTES[name]
    before = state_of(organization)
    for method in methods.split():
        answer = client.generic(method, path)
        assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (302, "/login/")
        answer = stranger_signed_in.generic(method, path)
        missing = stranger_signed_in.generic(method, path.replace("acme", "missing"))
        assert (answer.status_code, answer.content) == (404, missing.content)
    assert state_of(organization) == before


@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if "POST" in route.methods])
def test_a_form_without_its_token_is_refused(boss: Client, organization: Organization, name: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = boss.cookies
    before = state_of(organization)
    sent = {"name": "x", "slug": "x", "label": "x", "typed": "web", "active": "0", "localhost": "on"}
    sent |= {"limit": "1", "category": "span", "unit": "month"}
    assert strict.post(ROUTES[name].path, sent).status_code == 403
    assert state_of(organization) == before


@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if "GET" in route.methods])
def test_names_are_text_on_every_page(
    boss: Client, project: Project, organization: Organization, key: ProjectKey, name: str
) -> None:
    bad = "</title><script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    key.label = project.name = organization.name = bad[:64]
    services.save_intake(project, key)
    services.update_project(project=project)
    services.update_organization(organization=organization)
    services.environment_id(project.pk, "<script>alert(2)<")
    services.create_project(organization=organization, slug="shop", name=bad)
    page = boss.get(ROUTES[name].path).content.decode()
    assert "<script>alert" not in page
    assert "<img" not in page.replace('<img src="/static/', "")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_a_refused_form_shows_what_was_typed_as_text(boss: Client) -> None:
    for path, field in (("/o/acme/web/settings/", "slug"), ("/organization/acme/projects/new/", "slug")):
        page = boss.post(path, {"name": "x", field: '"><script>alert(1)</script>'})
        assert "<script>alert" not in page.content.decode()
        assert forms_of(page)[0].fields[field] == '"><script>alert(1)</script>'
