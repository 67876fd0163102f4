"""Organizations, and the one team that each has for Sentry's clients."""

from __future__ import annotations

from collections.abc import Callable

import pytest
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
