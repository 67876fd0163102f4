"""A project's name, slug and platform, and making a project."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

from projects import installation, services
from projects.connections import get_store
from projects.models import Installation, Organization, Project
from statsapi.pages.refusals import FOREIGN
from tests.pages.filled import forms_of, submit, text_of

pytestmark = pytest.mark.django_db

GENERAL = "/o/acme/web/settings/"
NEW = "/organization/acme/projects/new/"


def test_a_new_name_and_platform_are_saved(member: Client, project: Project) -> None:
    answer = submit(member, GENERAL, name="The shop", platform="go")
    assert answer.redirect_chain == [(GENERAL, 302)]
    assert "Saved." in text_of(answer)
    project.refresh_from_db()
    assert (project.name, project.slug, project.platform) == ("The shop", "web", "go")


def test_an_old_slug_leads_to_the_new_one_and_the_page_says_so(member: Client, project: Project) -> None:
    answer = submit(member, GENERAL, slug="shop")
    assert answer.redirect_chain == [("/o/acme/shop/settings/", 302)]
    assert "“web” still leads here, until another project takes that slug." in text_of(answer)
    assert "Earlier slugs that lead here: web." in text_of(member.get("/o/acme/shop/settings/"))
    assert member.get(GENERAL).headers["Location"] == "/o/acme/shop/settings/"


def test_refusals_stand_at_their_fields(member: Client, project: Project, organization: Organization) -> None:
    services.create_project(organization=organization, slug="taken", name="Taken")
    for field, value, said in (
        ("slug", "taken", "This slug is taken. Choose another."),
        ("slug", "Web!", "Use 1 to 100 of a-z, 0-9, - and _, and not digits alone"),
        ("slug", "42", "not digits alone"),
        ("slug", "", "This field is required."),
        ("name", " ", "This field is required."),
        ("name", "a\x1bb", "Use text without control characters."),
        ("platform", "x" * 51, "at most 50 characters"),
    ):
        answer = submit(member, GENERAL, **{field: value})
        assert answer.status_code == 200
        error = answer.content.decode().partition(f'id="id_{field}_error"')[2].partition("</ul>")[0]
        assert said in error, (field, value)
    project.refresh_from_db()
    assert (project.name, project.slug) == ("Web", "web")


def test_a_form_that_is_older_than_another_change_does_not_undo_it(member: Client, project: Project) -> None:
    (form,) = forms_of(member.get(GENERAL))
    project.name, project.platform = "Changed meanwhile", "go"
    services.update_project(project=project)
    member.post(GENERAL, {**form.fields, "slug": "shop"})
    project.refresh_from_db()
    assert (project.name, project.slug, project.platform) == ("Changed meanwhile", "shop", "go")


def test_a_new_project_leads_to_its_setup(member: Client, organization: Organization) -> None:
    answer = submit(member, NEW, name="My Shop: 2", platform="python")
    assert answer.redirect_chain == [("/o/acme/my-shop-2/setup/", 302)]
    made = Project.objects.get()
    assert (made.name, made.platform, made.keys.count()) == ("My Shop: 2", "python", 1)
    assert submit(member, NEW, name="Other", slug="own").redirect_chain == [("/o/acme/own/setup/", 302)]


def test_a_name_without_letters_gets_a_slug_too(member: Client, organization: Organization) -> None:
    submit(member, NEW, name="2024")
    submit(member, NEW, name="商店")
    first, second = Project.objects.order_by("pk").values_list("slug", flat=True)
    assert first == "project-2024"
    assert second.startswith("project-")


def test_what_is_refused_is_shown_in_the_form(
    member: Client, project: Project, organization: Organization, settings: Settings
) -> None:
    assert "This slug is taken. Choose another." in text_of(submit(member, NEW, name="Web"))
    settings.ORGANIZATION_MAX_PROJECTS = 1
    answer = submit(member, NEW, name="Two", slug="two")
    assert "This organization has 1 projects, and ORGANIZATION_MAX_PROJECTS allows 1" in text_of(answer)
    assert forms_of(answer)[0].fields["name"] == "Two"
    assert Project.objects.count() == 1


def test_a_foreign_redis_is_named_and_nothing_is_created(member: Client, project: Project) -> None:
    installation.pair()
    Installation.objects.update(name="0" * 32)  # as if this were the database of another installation
    following = project.pk + 1
    get_store().clients.write.set(f"ts:{{{following}}}:state", "junk")
    assert FOREIGN in text_of(submit(member, NEW, name="Two"))
    assert Project.objects.count() == 1
