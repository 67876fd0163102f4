"""Who may open which page."""

from __future__ import annotations

import pytest
from django.test import Client

from projects import services
from projects.models import Project

pytestmark = pytest.mark.django_db

PAGES = ["/o/acme/", "/o/acme/web/"]


@pytest.mark.parametrize("path", PAGES)
def test_a_stranger_is_sent_to_the_login_page_and_back(client: Client, project: Project, path: str) -> None:
    response = client.get(f"{path}?range=7d")
    assert (response.status_code, response["Location"]) == (302, f"/login/?next={path}%3Frange%3D7d")


@pytest.mark.parametrize("path", PAGES)
def test_every_role_may_look(viewer: Client, member: Client, boss: Client, project: Project, path: str) -> None:
    assert [one.get(path).status_code for one in (viewer, member, boss)] == [200, 200, 200]


def test_an_outsider_sees_the_same_page_as_for_what_does_not_exist(
    stranger_signed_in: Client, project: Project
) -> None:
    answers = [stranger_signed_in.get(path) for path in ("/o/acme/", "/o/acme/web/", "/o/missing/", "/o/acme/missing/")]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1


def test_an_earlier_slug_leads_to_the_present_one(viewer: Client, project: Project) -> None:
    project.slug = "shop"
    services.update_project(project=project)
    response = viewer.get("/o/acme/web/?range=7d")
    assert (response.status_code, response["Location"]) == (302, "/o/acme/shop/?range=7d")
