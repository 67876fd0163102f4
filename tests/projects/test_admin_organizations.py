"""Organizations in the admin: their members, their names, and what is deleted with them."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from projects import services
from projects.models import SCOPES, Membership, Organization, Project
from tests.projects.pages import act, inline, log_lines, said, url
from tsdb.outcomes import Category, Outcome
from tsdb.series import total
from tsdb.store import Increment, Store


def change(client: Client, organization: Organization, **fields: Any) -> Any:
    data = {"name": organization.name, "slug": organization.slug, **inline("memberships"), **fields}
    return client.post(url("organization", "change", organization.pk), data, follow=True)


def test_an_organization_is_added_with_its_members(admin_client: Client, outsider: User) -> None:
    row = {"user": outsider.pk, "role": "owner"}
    data = {"name": "Acme", "slug": "acme", **inline("memberships", row)}
    admin_client.post(url("organization", "add"), data)
    membership = Membership.objects.get(organization__slug="acme")
    assert (membership.user, membership.role) == (outsider, "owner")
    assert log_lines() == ["Added “acme”. (Added. Added membership “outsider in acme”.)"]


def test_a_renamed_organization_is_known_by_its_new_slug_to_its_tokens(
    admin_client: Client, project: Project, api: Client
) -> None:
    assert api.get("/api/0/projects/acme/web/stats/").status_code == 200
    change(admin_client, project.organization, slug="apex")
    assert api.get("/api/0/projects/acme/web/stats/").status_code == 404
    assert api.get("/api/0/projects/apex/web/stats/").status_code == 200


def test_a_slug_that_is_taken_is_an_error_of_the_form(
    admin_client: Client, organization: Organization, other_organization: Organization
) -> None:
    page = change(admin_client, organization, slug="other")
    assert "already exists" in said(page)


def test_a_member_added_twice_is_an_error_of_the_form(admin_client: Client, organization: Organization) -> None:
    user = User.objects.create_user("twice")
    rows = [{"organization": organization.pk, "user": user.pk, "role": "member"}] * 2
    page = change(admin_client, organization, **inline("memberships", *rows))
    assert "Please correct the duplicate" in said(page)
    assert not Membership.objects.exists()


def test_a_role_that_does_not_exist_is_an_error_of_the_form(
    admin_client: Client, organization: Organization, outsider: User
) -> None:
    row = {"organization": organization.pk, "user": outsider.pk, "role": "king"}
    page = change(admin_client, organization, **inline("memberships", row))
    assert "Select a valid choice. king" in said(page)


def test_a_user_is_found_by_typing(admin_client: Client, organization: Organization, outsider: User) -> None:
    asked = {"app_label": "projects", "model_name": "membership", "field_name": "user", "term": "outs"}
    found = admin_client.get("/admin/autocomplete/", asked).json()
    assert found["results"] == [{"id": str(outsider.pk), "text": "outsider"}]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", ["page", "action"])
def test_a_deleted_organization_takes_projects_tokens_and_counts_and_says_how_many_keys_went(
    admin_client: Client, organization: Organization, store: Store, way: str
) -> None:
    now = int(time.time())
    secret = services.create_token(organization=organization, scopes=SCOPES).secret
    for slug in ("web", "ios"):
        project = services.create_project(organization=organization, slug=slug, name=slug)
        services.count(project.pk, [Increment(total(project.pk, Category.ERROR, Outcome.ACCEPTED), now)], now=now)
    keys = len(list(store.clients.write.scan_iter("ts:*")))
    assert keys > 4
    if way == "page":
        assert "All counts go too" in admin_client.get(url("organization", "delete", organization.pk)).content.decode()
        page = admin_client.post(url("organization", "delete", organization.pk), {"post": "yes"}, follow=True)
    else:
        page = act(admin_client, "organization", "delete_selected", organization.pk, post="yes")
    assert f"The counts are gone too: {keys} keys of Redis." in said(page)
    assert list(store.clients.write.scan_iter("ts:*")) == []
    assert not Project.objects.exists()
    assert services.use_token(secret, now=now) is None
    assert log_lines() == ["Deleted “acme.” ()"]
