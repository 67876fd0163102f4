"""Keys in the admin: actions enable and disable them, and only one page shows the secret half."""

from __future__ import annotations

import pytest
from django.test import Client

from projects import services
from projects.models import Project, ProjectKey
from tests.projects.pages import act, log_lines, said, url
from tsdb.store import Store


def test_a_key_is_disabled_and_enabled_by_an_action_and_both_are_in_the_log(
    admin_client: Client, project: Project, store: Store
) -> None:
    key = project.keys.get()
    services.open_project(project.pk)
    page = act(admin_client, "projectkey", "disable", key.pk)
    key.refresh_from_db()
    assert (key.active, "Disabled: 1." in said(page)) == (False, True)
    assert store.version(project.pk) is None
    page = act(admin_client, "projectkey", "disable", key.pk)
    assert "Disabled: 0." in said(page)
    act(admin_client, "projectkey", "enable", key.pk)
    key.refresh_from_db()
    assert key.active
    assert log_lines() == [
        "Changed “Default” — Disabled. (Disabled.)",
        "Changed “Default” — Enabled. (Enabled.)",
    ]


def test_an_action_that_a_service_refuses_says_why_and_does_nothing_by_halves(
    admin_client: Client, project: Project
) -> None:
    good, bad = project.keys.get(), services.create_key(project=project)
    ProjectKey.objects.filter(pk=bad.pk).update(label="")
    page = act(admin_client, "projectkey", "disable", good.pk, bad.pk)
    assert "This field cannot be blank." in said(page)
    assert project.keys.filter(active=True).count() == 2
    assert log_lines() == []


@pytest.mark.parametrize("way", ["page", "action"])
def test_a_deleted_key_is_refused_at_the_next_event(
    admin_client: Client, project: Project, store: Store, way: str
) -> None:
    key = project.keys.get()
    services.open_project(project.pk)
    if way == "page":
        admin_client.post(url("projectkey", "delete", key.pk), {"post": "yes"})
    else:
        act(admin_client, "projectkey", "delete_selected", key.pk, post="yes")
    assert not project.keys.exists()
    assert store.version(project.pk) is None
    assert log_lines() == ["Deleted “Default.” ()"]


def test_a_changed_label_is_kept(admin_client: Client, project: Project) -> None:
    key = project.keys.get()
    admin_client.post(url("projectkey", "change", key.pk), {"label": "Mobile", "active": "on"})
    key.refresh_from_db()
    assert (key.label, key.active) == ("Mobile", True)


def test_the_secret_half_is_on_the_page_of_the_key_alone(admin_client: Client, project: Project) -> None:
    key = project.keys.get()
    own = url("projectkey", "change", key.pk)
    assert key.secret in admin_client.get(own).content.decode()
    others = [url("projectkey", "changelist"), url("projectkey", "delete", key.pk)]
    others += [url("project", "change", project.pk), url("project", "delete", project.pk)]
    others += [url("organization", "delete", project.organization_id), url("projectkey", "history", key.pk)]
    for address in others:
        page = admin_client.get(address)
        assert page.status_code == 200
        assert key.secret not in page.content.decode()
