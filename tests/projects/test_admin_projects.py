"""Projects in the admin: adding, changing and deleting them, and the lines of the log."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db.models.signals import pre_save
from django.test import Client

from projects import services
from projects.dsn import dsn
from projects.models import Organization, Project, ProjectFilters
from tests.projects.pages import act, inline, log_lines, said, url
from tsdb.outcomes import Category, Outcome
from tsdb.series import total
from tsdb.store import Increment, Store


def add(client: Client, organization: Organization, **fields: str) -> Any:
    data = {"organization": organization.pk, "name": "New", "slug": "new", "platform": "", **fields}
    return client.post(url("project", "add"), data, follow=True)


def change(client: Client, project: Project, **fields: Any) -> Any:
    key = project.keys.get()
    row = {"id": key.pk, "project": project.pk, "label": key.label, "active": "on"}
    data = {"name": project.name, "slug": project.slug, "platform": project.platform}
    data |= inline("keys", row, initial=1) | inline("filters") | inline("budgets") | fields
    return client.post(url("project", "change", project.pk), data, follow=True)


def count(project: Project) -> None:
    now = int(time.time())
    services.count(project.pk, [Increment(total(project.pk, Category.ERROR, Outcome.ACCEPTED), now)], now=now)


def keys_of(store: Store, project: int) -> list[bytes]:
    return list(store.clients.write.scan_iter(f"ts:{{{project}}}:*"))


# --- adding --------------------------------------------------------------------------------------------------


def test_a_new_project_gets_a_key_and_shows_its_dsn_on_its_page(
    admin_client: Client, organization: Organization
) -> None:
    page = add(admin_client, organization)
    project = Project.objects.get(slug="new")
    line = dsn(project.keys.get().public, project.pk)
    assert page.redirect_chain[-1][0] == url("project", "change", project.pk)
    assert f"Its DSN: {line}" in said(page)
    # The next time the message is gone, but the DSN is still on the page.
    again = admin_client.get(url("project", "change", project.pk))
    assert "Its DSN" not in said(again)
    assert line in again.content.decode()
    assert log_lines() == ["Added “new”. (Added.)"]


def test_adding_several_shows_the_dsn_of_each(admin_client: Client, organization: Organization) -> None:
    page = add(admin_client, organization, _addanother="1")
    project = Project.objects.get(slug="new")
    assert page.redirect_chain[-1][0] == url("project", "add")
    assert dsn(project.keys.get().public, project.pk) in said(page)


@pytest.mark.parametrize(
    ("slug", "error"),
    [("web", "already exists"), ("123", "not digits alone"), ("Web", "Use 1 to 100"), ("a\0b", "Null characters")],
)
def test_a_slug_that_breaks_a_rule_is_an_error_of_the_form(
    admin_client: Client, project: Project, slug: str, error: str
) -> None:
    page = add(admin_client, project.organization, slug=slug)
    assert page.status_code == 200
    assert error in said(page)
    assert Project.objects.count() == 1


def test_a_slug_that_another_takes_at_the_same_moment_is_an_error_of_the_form(
    admin_client: Client, organization: Organization
) -> None:
    def overtake(instance: Project, **kwargs: Any) -> None:
        Project.objects.bulk_create([Project(organization=organization, slug=instance.slug, name="First")])

    pre_save.connect(overtake, sender=Project)
    try:
        page = add(admin_client, organization)
    finally:
        pre_save.disconnect(overtake, sender=Project)
    assert page.status_code == 200
    assert "The database refused this" in said(page)
    assert 'value="new"' in page.content.decode()
    assert log_lines() == []


# --- changing ------------------------------------------------------------------------------------------------


def test_a_renamed_project_is_led_to_from_its_earlier_slug(admin_client: Client, project: Project, api: Client) -> None:
    address = "/api/0/projects/acme/{}/stats/"
    assert api.get(address.format("web")).status_code == 200
    change(admin_client, project, slug="site")
    assert api.get(address.format("web")).status_code == 302
    assert api.get(address.format("site")).status_code == 200
    page = admin_client.get(url("project", "change", project.pk)).content.decode()
    assert "web" in page[page.index("Earlier slugs") :]


def test_a_rename_to_a_slug_that_is_taken_is_an_error_of_the_form(admin_client: Client, project: Project) -> None:
    services.create_project(organization=project.organization, slug="site", name="Site")
    page = change(admin_client, project, slug="site")
    assert "already exists" in said(page)
    project.refresh_from_db()
    assert project.slug == "web"
    assert log_lines() == []


def test_a_project_stays_with_its_organization_and_keeps_its_environments(
    admin_client: Client, project: Project, other_organization: Organization
) -> None:
    services.environment_id(project.pk, "production")
    change(admin_client, project, organization=other_organization.pk, environments="", name="Site")
    project.refresh_from_db()
    assert (project.name, project.organization.slug) == ("Site", "acme")
    assert [one.name for one in project.environments.all()] == ["production"]
    assert "production" in admin_client.get(url("project", "change", project.pk)).content.decode()


def test_keys_are_added_changed_and_deleted_on_the_page_of_their_project(
    admin_client: Client, project: Project
) -> None:
    key = project.keys.get()
    first = {"id": key.pk, "project": project.pk, "label": "Old", "DELETE": "on"}
    second = {"project": project.pk, "label": "Mobile", "active": "on"}
    limit = {"rate_limit_count": 100, "rate_limit_window": 60}
    change(admin_client, project, **inline("keys", first, {**second, **limit}, initial=1))
    made = project.keys.get()
    assert (made.label, made.rate_limit_count, made.rate_limit_window) == ("Mobile", 100, 60)
    assert log_lines() == [
        "Changed “web” — Added key “Mobile”. Deleted key “Old”. (Added key “Mobile”. Deleted key “Old”.)"
    ]


@pytest.mark.parametrize("half", [{"rate_limit_window": 60}, {"rate_limit_count": 5}])
def test_half_a_rate_limit_is_an_error_of_the_form(
    admin_client: Client, project: Project, half: dict[str, int]
) -> None:
    key = project.keys.get()
    row = {"id": key.pk, "project": project.pk, "label": key.label, "active": "on"}
    page = change(admin_client, project, **inline("keys", {**row, **half}, initial=1))
    assert "A rate limit needs a count and a window" in said(page)


def test_a_disabled_key_and_a_changed_filter_are_obeyed_at_the_next_event(
    admin_client: Client, project: Project, store: Store
) -> None:
    # Intake reads a project's keys and filters again when it finds the project closed.
    key = project.keys.get()
    services.open_project(project.pk)
    change(admin_client, project, **{"keys-0-active": ""})
    key.refresh_from_db()
    assert not key.active
    assert store.version(project.pk) is None
    services.open_project(project.pk)
    filters = {"project": project.pk, "localhost": "on", "release_versions": "1.*"}
    change(admin_client, project, **inline("filters", filters))
    assert ProjectFilters.objects.get(project=project).localhost
    assert store.version(project.pk) is None


def test_budgets_are_added_changed_and_deleted_on_the_page_of_their_project(
    admin_client: Client, project: Project, store: Store
) -> None:
    row = {"project": project.pk, "category": "error", "limit": 1000, "window": 300}
    change(admin_client, project, **inline("budgets", row, {**row, "window": 0}))
    first, second = project.budgets.all()
    assert (first.window, second.window) == (300, 0)
    services.open_project(project.pk)
    kept, gone = {**row, "id": first.pk, "limit": 5}, {**row, "id": second.pk, "window": 0, "DELETE": "on"}
    change(admin_client, project, **inline("budgets", kept, gone, initial=2))
    assert [(one.pk, one.limit) for one in project.budgets.all()] == [(first.pk, 5)]
    assert store.version(project.pk) is None


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"window": 3660}, "No resolution that is kept makes up windows of 61 minutes."),
        ({"window": 59}, "A window has 60 to 2678400 seconds, or is a month."),
        ({"limit": -1}, "Ensure this value is greater than or equal to 0."),
    ],
)
def test_a_budget_that_cannot_be_is_an_error_of_the_form(
    admin_client: Client, project: Project, wrong: dict[str, int], words: str
) -> None:
    row = {"project": project.pk, "category": "error", "limit": 1000, "window": 300}
    assert words in said(change(admin_client, project, **inline("budgets", {**row, **wrong})))
    assert not project.budgets.exists()


# --- deleting ------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_deleted_project_takes_its_counts_and_says_how_many_keys_of_redis_went(
    admin_client: Client, project: Project, store: Store
) -> None:
    count(project)
    number, keys = project.pk, len(keys_of(store, project.pk))
    confirm = admin_client.get(url("project", "delete", number)).content.decode()
    assert "All counts go too" in confirm
    page = admin_client.post(url("project", "delete", number), {"post": "yes"}, follow=True)
    assert keys > 2
    assert f"The counts are gone too: {keys} keys of Redis." in said(page)
    assert keys_of(store, number) == []
    assert not Project.objects.exists()
    assert log_lines() == ["Deleted “web.” ()"]


@pytest.mark.django_db(transaction=True)
def test_chosen_projects_are_deleted_with_their_counts_and_each_is_in_the_log(
    admin_client: Client, project: Project, store: Store
) -> None:
    others = [
        services.create_project(organization=project.organization, slug=slug, name=slug) for slug in ("ios", "kept")
    ]
    for one in (project, *others):
        count(one)
    doomed = [project.pk, others[0].pk]
    keys = sum(len(keys_of(store, one)) for one in doomed)
    confirm = act(admin_client, "project", "delete_selected", *doomed)
    assert "All counts go too" in confirm.content.decode()
    assert Project.objects.count() == 3
    page = act(admin_client, "project", "delete_selected", *doomed, post="yes")
    assert f"The counts are gone too: {keys} keys of Redis." in said(page)
    assert [keys_of(store, one) for one in doomed] == [[], []]
    assert len(keys_of(store, others[1].pk)) > 2
    assert sorted(log_lines()) == ["Deleted “ios.” ()", "Deleted “web.” ()"]


def test_what_another_deletes_at_the_same_moment_is_said_and_nothing_is_logged(
    admin_client: Client, project: Project
) -> None:
    def overtake(**kwargs: Any) -> None:
        Project.objects.filter(pk=project.pk).delete()

    # The line of the log is written after the project was loaded and before it is deleted.
    pre_save.connect(overtake, sender=LogEntry)
    try:
        page = admin_client.post(url("project", "delete", project.pk), {"post": "yes"}, follow=True)
    finally:
        pre_save.disconnect(overtake, sender=LogEntry)
    assert page.status_code == 200
    assert "The database refused this" in said(page)
    assert log_lines() == []
