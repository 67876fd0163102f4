"""Who may look at a project's counts, and what happens when they cannot be read as usual."""

from __future__ import annotations

import pytest
from django.test import Client

from projects import services
from projects.models import Project
from tests.pages.showing import PAGE

pytestmark = pytest.mark.django_db

VIEWS = [{}, {"range": "90d", "before": "1"}, {"format": "csv"}, {"range": "junk"}, {"environment": "junk"}]


@pytest.mark.parametrize("query", VIEWS)
def test_every_role_sees_the_same_numbers(
    viewer: Client, member: Client, boss: Client, project: Project, query: dict[str, str]
) -> None:
    assert [one.get(PAGE, query).status_code for one in (viewer, member, boss)] == [200, 200, 200]


@pytest.mark.parametrize("query", VIEWS)
def test_an_outsider_learns_nothing_from_any_parameter(
    stranger_signed_in: Client, client: Client, project: Project, query: dict[str, str]
) -> None:
    found, missing = (stranger_signed_in.get(path, query) for path in (PAGE, "/o/acme/missing/"))
    assert (found.status_code, found.content) == (404, missing.content)
    answer = client.get(PAGE, query)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/?next=")


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_the_page_can_only_be_read(boss: Client, project: Project, method: str) -> None:
    assert getattr(boss, method)(PAGE).status_code == 405


def test_a_change_that_somebody_began_is_finished_first(viewer: Client, project: Project, organization: object) -> None:
    services.condemn_projects([project])
    assert viewer.get(PAGE).status_code == 404


def test_a_project_with_too_many_series_gets_a_sentence(
    viewer: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tsdb.facts.MOST_SERIES_READ", -1)
    response = viewer.get(PAGE)
    assert response.status_code == 400
    assert b"More kinds of counts are kept here than a page can add up." in response.content
