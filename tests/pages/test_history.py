"""The page of the history: who may read it, what stands on it, its pages of a hundred lines."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client

from projects import services
from projects.acting import acting_as
from projects.models import Change, Organization, Preference, Project
from projects.services import history

pytestmark = pytest.mark.django_db

PAGE = "/organization/acme/history/"


def rows(answer: Any) -> list[tuple[str, ...]]:
    """Return the lines of the page as (when, who, what, project)."""
    assert answer.status_code == 200
    body = answer.content.decode().partition("<tbody>")[2].partition("</tbody>")[0]
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in body.split("</tr>")[:-1]]
    return [tuple(html.unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in row) for row in cells]


def said(answer: Any) -> list[str]:
    return [what for _, _, what, _ in rows(answer)]


def link(answer: Any, name: str) -> str:
    """Return the address of the link with this text, or an empty text."""
    found = re.search(rf'href="([^"]*)">{name}</a>', answer.content.decode())
    return html.unescape(found[1]) if found else ""


# --- who may read it -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
@pytest.mark.parametrize("role", ["viewer", "member", "owner", "nobody"])
def test_only_owners_read_it_and_nobody_changes_it(
    sign_in: Callable[[str], Client], project: Project, role: str, method: str
) -> None:
    status = getattr(sign_in(role), method)(PAGE).status_code
    allowed = {"owner": 200, "nobody": 404}.get(role, 403)
    assert status == (allowed if method == "get" else 405)


def test_a_stranger_is_sent_to_the_login_page(client: Client, organization: Organization) -> None:
    response = client.get(PAGE)
    assert (response.status_code, response["Location"]) == (302, f"/login/?next={PAGE}")


def test_an_outsider_sees_the_page_of_what_does_not_exist(
    stranger_signed_in: Client, organization: Organization
) -> None:
    answers = [stranger_signed_in.get(path) for path in (PAGE, "/organization/missing/history/")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content


# --- what stands on it ---------------------------------------------------------------------------------------


def test_a_change_is_there_with_who_what_and_the_project(boss: Client, project: Project) -> None:
    with acting_as("ann@example.com"):
        services.create_key(project=project, label="Phones")
    (_, who, what, slug), *_ = rows(boss.get(PAGE))
    assert (who, slug) == ("ann@example.com", "web")
    assert what.startswith("created the key “Phones” (")


def test_the_newest_stand_first(boss: Client, organization: Organization) -> None:
    history.note(organization.pk, "first", "second", "third")
    assert said(boss.get(PAGE))[:3] == ["third", "second", "first"]


def test_another_organizations_changes_are_not_there(
    boss: Client, organization: Organization, other_organization: Organization
) -> None:
    history.note(other_organization.pk, "theirs")
    assert "theirs" not in said(boss.get(PAGE))


def test_times_are_in_the_zone_of_the_reader(boss: Client, organization: Organization) -> None:
    with time_machine.travel(datetime(2026, 7, 1, 22, 30, 15, tzinfo=UTC), tick=False):
        history.note(organization.pk, "late")
    assert rows(boss.get(PAGE))[0][0] == "1 Jul 2026, 22:30"
    user = int(boss.session["_auth_user_id"])
    Preference.objects.create(user_id=user, timezone="Europe/Berlin")
    answer = boss.get(PAGE)
    assert rows(answer)[0][0] == "2 Jul 2026, 00:30"
    assert 'title="Thursday, 2 July 2026, 00:30:15 Europe/Berlin"' in answer.content.decode()
    assert "Times are in Europe/Berlin." in answer.content.decode()


def test_names_are_text(boss: Client, project: Project) -> None:
    with acting_as("<script>who</script>"):
        project.name = "<script>alert(1)</script>"
        services.update_project(project=project)
    answer = boss.get(PAGE)
    assert "<script>alert" not in answer.content.decode()
    assert "<script>who" not in answer.content.decode()
    assert said(answer)[0] == "renamed the project: “Web” → “<script>alert(1)</script>”"


def test_it_says_so_when_there_is_nothing(boss: Client, organization: Organization) -> None:
    Change.objects.all().delete()
    assert "Nothing has been changed yet." in boss.get(PAGE).content.decode()


# --- one project ---------------------------------------------------------------------------------------------


def test_one_project_can_be_chosen_also_a_deleted_one(boss: Client, project: Project) -> None:
    shop = services.create_project(organization=project.organization, slug="shop", name="Shop")
    services.delete_project(project=shop)
    answer = boss.get(PAGE, {"project": "shop"})
    assert said(answer) == ["deleted the project “Shop” with all its counts", "created the project “Shop”"]
    assert re.findall(r'<option value="(\w+)"', answer.content.decode()) == ["light", "dark", "shop", "web"]
    assert '<option value="shop" selected>' in answer.content.decode()


def test_a_renamed_project_brings_what_it_was_before(boss: Client, project: Project) -> None:
    project.slug = "site"
    services.update_project(project=project)
    assert said(boss.get(PAGE, {"project": "site"})) == [
        "changed the project's slug: web → site",
        "created the project “Web”",
    ]


@pytest.mark.parametrize("slug", ["missing", "\0", "<b>", "x" * 1000])
def test_an_unknown_project_has_no_lines(boss: Client, project: Project, slug: str) -> None:
    answer = boss.get(PAGE, {"project": slug})
    assert "Nothing is known about a project" in answer.content.decode()
    assert "<b>" not in answer.content.decode()


# --- pages of it ---------------------------------------------------------------------------------------------


def test_it_has_pages_of_a_hundred_that_lead_to_both_sides(boss: Client, project: Project) -> None:
    Change.objects.all().delete()
    history.note_project(project, *map(str, range(250)))
    first = boss.get(PAGE)
    assert said(first) == [str(number) for number in range(249, 149, -1)]
    assert link(first, "Newer") == ""
    second = boss.get(PAGE + link(first, "Older"))
    assert said(second) == [str(number) for number in range(149, 49, -1)]
    last = boss.get(PAGE + link(second, "Older"))
    assert said(last) == [str(number) for number in range(49, -1, -1)]
    assert link(last, "Older") == ""
    assert said(boss.get(PAGE + link(last, "Newer"))) == said(second)
    back = boss.get(PAGE + link(second, "Newer"))
    assert said(back) == said(first)
    assert link(back, "Newer") == ""


def test_new_lines_do_not_move_a_page(boss: Client, project: Project) -> None:
    history.note_project(project, *map(str, range(150)))
    older = PAGE + link(boss.get(PAGE), "Older")
    before = said(boss.get(older))
    history.note_project(project, "new")
    assert said(boss.get(older)) == before


def test_the_links_keep_the_project(boss: Client, project: Project) -> None:
    history.note_project(project, *map(str, range(150)))
    history.note(project.organization_id, "of all")
    older = link(boss.get(PAGE, {"project": "web"}), "Older")
    assert older.startswith("?project=web&before=")
    assert "of all" not in said(boss.get(PAGE + older))


@pytest.mark.parametrize("value", ["x", "", "-1", "0.5", "9" * 30, str(2**63), "²", "\0"])
@pytest.mark.parametrize("name", ["before", "after"])
def test_a_cursor_that_is_no_id_is_passed_over(boss: Client, project: Project, name: str, value: str) -> None:
    assert said(boss.get(PAGE, {name: value})) == said(boss.get(PAGE))


def test_a_page_costs_the_same_however_long_it_is(
    boss: Client, project: Project, django_assert_max_num_queries: Any
) -> None:
    history.note_project(project, *map(str, range(150)))
    with django_assert_max_num_queries(9):
        boss.get(PAGE)


# --- the way to it -------------------------------------------------------------------------------------------


def test_the_tabs_show_what_one_may_open(viewer: Client, boss: Client, project: Project) -> None:
    for page in ("/o/acme/", PAGE):
        assert f'href="{PAGE}"' in boss.get(page).content.decode()
    assert 'href="/organization/acme/history/" aria-current="page"' in boss.get(PAGE).content.decode()
    assert PAGE not in viewer.get("/o/acme/").content.decode()
    assert PAGE not in boss.get("/o/acme/web/").content.decode()
