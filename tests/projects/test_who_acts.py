"""Who stands in the history: whoever came through the API or the admin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import Q
from django.test import Client

from projects import services
from projects.acting import COMMAND_LINE, who_acts
from projects.models import ApiToken, Change, Organization, Project
from tests.projects.pages import act, inline, url
from tests.stamps import settle_changes

pytestmark = pytest.mark.django_db

PROJECT = "/api/0/projects/acme/web/"


@pytest.fixture(autouse=True)
def _nobody_afterwards() -> Iterator[None]:
    """Check that no name outlives its request, because the next one is served by the same thread."""
    yield
    assert who_acts() == COMMAND_LINE


def lines() -> list[str]:
    """Return the history without its beginning, oldest first, as "who: what"."""
    beginning = Change.objects.filter(Q(what__startswith="created the") | Q(what="added owner as owner"))
    return [f"{line.who}: {line.what}" for line in Change.objects.exclude(pk__in=beginning).order_by("id")]


def put(client: Client, path: str = PROJECT, **fields: Any) -> int:
    return client.put(path, fields, "application/json").status_code


# --- the API -------------------------------------------------------------------------------------------------


def test_a_token_is_named_by_its_name_and_its_last_four(
    make_api: Callable[..., Client], project: Project, token: str
) -> None:
    grafana = make_api("project:admin", name="Grafana")
    four = ApiToken.objects.get(name="Grafana").last_four
    assert put(grafana, name="Shop") == 200
    assert put(Client(headers={"authorization": f"Bearer {token}"}), name="Web") == 200
    assert lines() == [
        f"token Grafana …{four}: renamed the project: “Web” → “Shop”",
        f"token …{token[-4:]}: renamed the project: “Shop” → “Web”",
    ]


def test_every_kind_of_write_has_the_token(api: Client, project: Project, token: str) -> None:
    shop = api.post("/api/0/organizations/acme/projects/", {"name": "Shop"}, "application/json")
    assert shop.status_code == 201
    key = api.post(f"{PROJECT}keys/", {"name": "Phones"}, "application/json").json()["id"]
    assert put(api, f"{PROJECT}keys/{key}/", isActive=False) == 200
    assert api.delete(f"{PROJECT}keys/{key}/").status_code == 204
    assert api.post(f"{PROJECT}merge/", {"into": "shop"}, "application/json").status_code == 200
    assert api.delete(PROJECT).status_code == 204
    mine = Change.objects.filter(who=f"token …{token[-4:]}").order_by("id")
    assert [(line.project, line.what.partition(" (")[0]) for line in mine] == [
        ("shop", "created the project “Shop”"),
        ("web", "created the key “Phones”"),
        ("web", "disabled the key “Phones”"),
        ("web", "deleted the key “Phones”"),
        ("web", "moved all counts into the project shop"),
        ("shop", "took in all counts of the project web"),
        ("web", "deleted the project “Web” with all its counts"),
    ]


def test_a_person_who_is_signed_in_has_their_name(project: Project, owner: User) -> None:
    browser = Client()
    browser.force_login(owner)
    assert put(browser, name="Shop") == 200
    assert lines() == ["owner: renamed the project: “Web” → “Shop”"]


def test_two_callers_in_one_thread_are_not_mixed_up(
    make_api: Callable[..., Client], project: Project, owner: User
) -> None:
    one, two, browser = make_api("project:write", name="one"), make_api("project:write", name="two"), Client()
    browser.force_login(owner)
    assert put(one, name="First") == 200
    assert put(two, name="") == 400
    assert put(browser, name="Second") == 200
    assert put(two, name="Third") == 200
    assert [line.partition(" …")[0].partition(":")[0] for line in lines()] == ["token one", "owner", "token two"]


def test_an_outsider_leaves_no_line(outsider_api: Client, project: Project) -> None:
    before = Change.objects.count()
    assert put(outsider_api, name="Mine") == 404
    assert outsider_api.delete(PROJECT).status_code == 404
    assert Change.objects.count() == before


def test_a_write_that_changes_nothing_does_not_look_up_the_name(
    api: Client, project: Project, django_assert_max_num_queries: Any
) -> None:
    settle_changes()
    assert put(api, name="Web") == 200
    with django_assert_max_num_queries(20) as queries:
        assert put(api, name="Web") == 200
    assert not [query for query in queries.captured_queries if "apitoken" in query["sql"]]
    assert lines() == []


# --- the admin -----------------------------------------------------------------------------------------------


def test_what_the_admin_changes_has_the_operators_name(admin_client: Client, project: Project, token: str) -> None:
    organization, key = project.organization, project.keys.get()
    admin_client.post(
        url("organization", "change", organization.pk),
        {"name": "Apex", "slug": "acme", **inline("memberships")},
    )
    act(admin_client, "projectkey", "disable", key.pk)
    act(admin_client, "apitoken", "revoke", ApiToken.objects.get().pk)
    act(admin_client, "project", "delete_selected", project.pk, post="yes")
    assert not Project.objects.exists()
    assert lines() == [
        "admin: renamed the organization: “Acme” → “Apex”",
        f"admin: disabled the key “Default” ({key.public[:6]}…)",
        f"admin: revoked the token …{token[-4:]}",
        "admin: deleted the project “Web” with all its counts",
    ]


def test_members_of_the_admins_form_have_a_line_each(
    admin_client: Client, organization: Organization, owner: User, outsider: User
) -> None:
    mine = organization.memberships.get()
    organization.memberships.update(role="member")
    Change.objects.all().delete()
    rows = inline(
        "memberships",
        {"id": mine.pk, "organization": organization.pk, "user": owner.pk, "role": "viewer", "DELETE": "on"},
        {"organization": organization.pk, "user": outsider.pk, "role": "member"},
        initial=1,
    )
    admin_client.post(url("organization", "change", organization.pk), {"name": "Acme", "slug": "acme", **rows})
    assert lines() == ["admin: removed owner, who was member", "admin: added outsider as member"]


def test_what_has_no_name_is_the_command_line(project: Project) -> None:
    services.empty_project(project.pk)
    assert lines() == [f"{COMMAND_LINE}: deleted all counts of the project"]
