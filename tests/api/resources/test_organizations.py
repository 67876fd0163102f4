"""Organizations, and the one team that each has for Sentry's clients."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client

from projects import services
from projects.models import Organization, Project
from tests.api.looks import DATE, organization_of, team_of

pytestmark = pytest.mark.django_db

URL = "/api/0/organizations/"


def test_a_token_lists_its_own_organization(
    api: Client, organization: Organization, other_organization: Organization
) -> None:
    (shown,) = api.get(URL).json()
    assert DATE.fullmatch(shown.pop("dateCreated"))
    assert shown == organization_of(organization)


def test_a_user_lists_those_of_memberships_and_a_superuser_all(
    log_in: Callable[..., Client], organization: Organization, other_organization: Organization, member: User
) -> None:
    def slugs(user: User) -> list[str]:
        return [shown["slug"] for shown in log_in(user).get(URL).json()]

    assert slugs(member) == ["acme"]
    services.add_member(organization=other_organization, user_id=member.pk)
    member.refresh_from_db()
    assert slugs(member) == ["acme", "other"]
    assert slugs(User.objects.create_superuser("super")) == ["acme", "other"]
    assert slugs(User.objects.create_user("newcomer")) == []


def test_an_organization_has_its_team_and_projects(api: Client, project: Project) -> None:
    shown = api.get(f"{URL}acme/").json()
    assert DATE.fullmatch(shown.pop("dateCreated"))
    (team,), (listed,) = shown.pop("teams"), shown.pop("projects")
    assert shown == organization_of(project.organization)
    assert team["slug"] == "acme"
    assert listed["slug"] == "web"
    assert "organization" not in listed


def test_a_date_is_of_utc_with_milliseconds(api: Client, organization: Organization) -> None:
    Organization.objects.update(created="2018-11-06T22:19:55.101999+01:00")
    assert api.get(f"{URL}acme/").json()["dateCreated"] == "2018-11-06T21:19:55.101Z"
    Organization.objects.update(created="2018-11-06T21:19:55Z")
    assert api.get(f"{URL}acme/").json()["dateCreated"] == "2018-11-06T21:19:55.000Z"


def test_every_organization_has_one_team(api: Client, organization: Organization) -> None:
    (team,) = api.get(f"{URL}acme/teams/").json()
    assert DATE.fullmatch(team.pop("dateCreated"))
    assert team == {
        **team_of(organization),
        "isMember": True,
        "hasAccess": True,
        "isPending": False,
        "memberCount": 1,
        "avatar": {"avatarType": "letter_avatar", "avatarUuid": None},
    }


def test_a_renamed_organizations_token_goes_on_under_the_new_slug(api: Client, organization: Organization) -> None:
    organization.slug = "ajax"
    services.update_organization(organization=organization)
    assert api.get(f"{URL}ajax/").status_code == 200
    assert api.get(f"{URL}acme/").status_code == 404


@pytest.mark.parametrize("name", ["slug", "id"])
def test_the_team_stands_by_itself_with_its_organization(api: Client, organization: Organization, name: str) -> None:
    team = "acme" if name == "slug" else organization.pk
    shown = api.get(f"/api/0/teams/acme/{team}/").json()
    (listed,) = api.get(f"{URL}acme/teams/").json()
    assert shown == {**listed, "organization": api.get(URL).json()[0]}


@pytest.mark.parametrize("query", ["", "?stat=generated", "?group=project", "?group=project&format=csv"])
def test_the_stats_of_the_team_are_those_of_its_organization(api: Client, project: Project, query: str) -> None:
    row = {"outcome": "accepted", "quantity": 3}
    assert api.post("/api/0/projects/acme/web/outcomes/", {"outcomes": [row]}, "application/json").status_code == 201
    with time_machine.travel(time.time(), tick=False):
        of_team, of_all = api.get(f"/api/0/teams/acme/acme/stats/{query}"), api.get(f"{URL}acme/stats/{query}")
    assert of_team.status_code == 200
    assert (of_team.content, dict(of_team.items())) == (of_all.content, dict(of_all.items()))
    assert b"3" in of_team.content


@pytest.mark.parametrize("path", ["", "stats/", "projects/"])
def test_another_team_is_missing(api: Client, project: Project, other_organization: Organization, path: str) -> None:
    for team in ("web", "none", "other", str(other_organization.pk)):
        assert api.get(f"/api/0/teams/acme/{team}/{path}").status_code == 404
