"""The admin when Redis does not answer: it shows what it can, says what it cannot do, and changes nothing in part."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest
from django.conf import settings as project_settings
from django.test import Client
from pytest_django import Settings

from projects import services
from projects.connections import get_store
from projects.models import SCOPES, Organization, Project
from tests.projects.pages import act, inline, log_lines, said, url
from tests.servers import free_port

UNREACHABLE = "Redis cannot be reached right now"


@pytest.fixture
def store_down(settings: Settings) -> Iterator[None]:
    """Let TSDB_URL name a port on which nothing listens."""
    get_store()
    settings.TSDB_IS_EMBEDDED = False
    settings.TSDB_URL = f"redis://127.0.0.1:{free_port()}"
    get_store.cache_clear()
    yield
    get_store.cache_clear()


@pytest.fixture
def cache_down(settings: Settings) -> None:
    """Let the cache's URL name a port on which nothing listens."""
    settings.CACHE_IS_EMBEDDED = False
    caches = copy.deepcopy(project_settings.CACHES)
    caches["default"]["LOCATION"] = f"redis://127.0.0.1:{free_port()}"
    settings.CACHES = caches


def test_the_list_of_projects_shows_a_dash_for_counts_and_says_why(
    admin_client: Client, project: Project, store_down: None
) -> None:
    page = admin_client.get(url("project", "changelist"))
    assert page.status_code == 200
    assert "The counts cannot be read right now" in said(page)
    text = page.content.decode()
    assert [f'<td class="field-{field}">–</td>' in text for field in ("hours", "received", "accepted")] == [True] * 3


def test_the_page_of_a_project_shows_a_dash_for_counts(
    admin_client: Client, project: Project, store_down: None
) -> None:
    page = admin_client.get(url("project", "change", project.pk))
    assert page.status_code == 200
    assert "received:" not in page.content.decode()
    assert project.keys.get().public in page.content.decode()


@pytest.mark.parametrize("model", ["project", "organization"])
def test_nothing_is_deleted_without_its_counts(
    admin_client: Client, project: Project, store_down: None, model: str
) -> None:
    number = project.pk if model == "project" else project.organization_id
    page = admin_client.post(url(model, "delete", number), {"post": "yes"}, follow=True)
    assert page.redirect_chain == [(url(model, "change", number), 302)]
    assert UNREACHABLE in said(page)
    page = act(admin_client, model, "delete_selected", number, post="yes")
    assert UNREACHABLE in said(page)
    assert "Successfully deleted" not in said(page)
    assert Project.objects.get() == project
    assert log_lines() == []


def test_a_key_that_cannot_be_disabled_everywhere_stays_enabled(
    admin_client: Client, project: Project, store_down: None
) -> None:
    key = project.keys.get()
    page = act(admin_client, "projectkey", "disable", key.pk)
    assert UNREACHABLE in said(page)
    row = {"id": key.pk, "project": project.pk, "label": key.label}
    data = {"name": "Web", "slug": "web", **inline("keys", row, initial=1), **inline("filters"), **inline("budgets")}
    page = admin_client.post(url("project", "change", project.pk), data)
    assert UNREACHABLE in said(page)
    key.refresh_from_db()
    assert key.active
    assert log_lines() == []


def test_the_list_of_projects_is_there_when_the_cache_is_down_too(
    admin_client: Client, project: Project, store_down: None, cache_down: None
) -> None:
    page = admin_client.get(url("project", "changelist"))
    assert page.status_code == 200
    assert "The counts cannot be read right now" in said(page)


def test_a_token_is_not_revoked_where_workers_could_still_let_it_in(
    admin_client: Client, organization: Organization, request: pytest.FixtureRequest
) -> None:
    token = services.create_token(organization=organization, scopes=SCOPES).token
    request.getfixturevalue("store_down")
    page = act(admin_client, "apitoken", "revoke", token.pk)
    assert UNREACHABLE in said(page)
    token.refresh_from_db()
    assert token.revoked is None
    assert log_lines() == []
