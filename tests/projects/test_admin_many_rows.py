"""Pages with hundreds of rows: the whole form is sent back, as a browser does, and saved."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from projects.models import Membership, Organization, Project, ProjectKey
from tests.projects.pages import said, url

pytestmark = pytest.mark.django_db


class Form(HTMLParser):
    """The fields that a browser would send for the form of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.sent: dict[str, str] = {}
        self._select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        name, value = has.get("name") or "", has.get("value") or ""
        if tag == "input" and name and has.get("type") != "submit":
            if has.get("type") != "checkbox" or "checked" in has:
                self.sent[name] = value
        elif tag == "select":
            self._select = name
        elif tag == "option" and "selected" in has:
            self.sent[self._select] = value
        elif tag == "textarea":
            self.sent[name] = ""


def test_a_project_with_250_keys_is_saved(admin_client: Client, project: Project) -> None:
    ProjectKey.objects.bulk_create(ProjectKey(project=project, label=f"key {place}") for place in range(249))
    address = url("project", "change", project.pk)
    form = Form(admin_client.get(address).content.decode()).sent
    assert len(form) > 1000
    last = next(name for name, value in form.items() if value == "key 248")
    page = admin_client.post(address, {**form, "name": "Changed", last: "renamed"}, follow=True)
    assert "was changed successfully" in said(page)
    project.refresh_from_db()
    assert project.name == "Changed"
    assert project.keys.filter(label="renamed").count() == 1
    assert project.keys.count() == 250


def test_an_organization_with_300_members_is_saved(admin_client: Client, organization: Organization) -> None:
    users = User.objects.bulk_create(User(username=f"user {place}") for place in range(300))
    Membership.objects.bulk_create(Membership(organization=organization, user=user) for user in users)
    address = url("organization", "change", organization.pk)
    form = Form(admin_client.get(address).content.decode()).sent
    assert len(form) > 1000
    page = admin_client.post(address, {**form, "memberships-299-role": "owner"}, follow=True)
    assert "was changed successfully" in said(page)
    assert Membership.objects.filter(role="viewer").count() == 299


def test_a_new_member_may_look_unless_another_role_is_chosen(admin_client: Client, organization: Organization) -> None:
    page: Any = admin_client.get(url("organization", "change", organization.pk))
    empty = page.context["inline_admin_formsets"][0].formset.empty_form
    assert empty["role"].value() == "viewer"
    assert [label for _, label in empty.fields["role"].choices] == ["Viewer", "Member", "Owner"]


def test_more_fields_than_any_page_has_are_refused(admin_client: Client) -> None:
    body = "&".join(f"f{place}=" for place in range(20_001))
    answer = admin_client.post("/admin/login/", body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 400
