"""The pages on which public links are made, listed and revoked: who may do what, and what they show."""

from __future__ import annotations

from html import unescape

import pytest
import time_machine
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client

from projects import services
from projects.models import Organization, Project, PublicLink
from tests.pages.linking import LINKS, ORGANIZATION, make_link

pytestmark = pytest.mark.django_db


@pytest.fixture
def link(project: Project) -> PublicLink:
    return services.create_link(project=project, name="Wiki").link


def revoke_path(link: PublicLink, base: str = LINKS) -> str:
    return f"{base}{link.pk}/revoke/"


# --- who may do what -----------------------------------------------------------------------------------------


def test_a_viewer_sees_the_list_and_can_change_nothing(viewer: Client, link: PublicLink) -> None:
    page = viewer.get(LINKS)
    assert page.status_code == 200
    assert "Wiki" in page.content.decode()
    assert link.last_four in page.content.decode()
    assert b"<form" not in page.content.split(b"<main")[1]
    assert viewer.post(LINKS, {"name": "Mine"}).status_code == 403
    assert viewer.post(revoke_path(link)).status_code == 403
    assert viewer.get(ORGANIZATION).status_code == 403
    assert viewer.post(revoke_path(link, ORGANIZATION)).status_code == 403
    assert list(PublicLink.objects.values_list("name", "revoked")) == [("Wiki", None)]


def test_a_member_makes_and_revokes_links_of_a_project_but_not_those_of_all(member: Client, link: PublicLink) -> None:
    make_link(member, name="Mine")
    assert member.post(revoke_path(link)).status_code == 302
    assert member.get(ORGANIZATION).status_code == 403
    mine = PublicLink.objects.get(name="Mine")
    assert member.post(revoke_path(mine, ORGANIZATION)).status_code == 403
    assert [bool(one.revoked) for one in PublicLink.objects.order_by("id")] == [True, False]


def test_an_owner_revokes_in_both_places(boss: Client, link: PublicLink) -> None:
    make_link(boss, name="Mine")
    assert boss.post(revoke_path(link)).headers["Location"] == LINKS
    mine = PublicLink.objects.get(name="Mine")
    assert boss.post(revoke_path(mine, ORGANIZATION)).headers["Location"] == ORGANIZATION
    assert [bool(one.revoked) for one in PublicLink.objects.all()] == [True, True]


def test_an_outsider_finds_none_of_it_and_a_stranger_signs_in_first(
    stranger_signed_in: Client, client: Client, link: PublicLink
) -> None:
    for path in (LINKS, revoke_path(link), revoke_path(link, ORGANIZATION)):
        assert (stranger_signed_in.post(path).status_code, client.post(path).status_code) == (404, 302)
    for path in (LINKS, ORGANIZATION):
        assert (stranger_signed_in.get(path).status_code, client.get(path).status_code) == (404, 302)
    assert PublicLink.objects.get().revoked is None


def test_a_link_is_found_in_its_own_project_and_organization_only(
    boss: Client, organization: Organization, other_organization: Organization, link: PublicLink
) -> None:
    shop = services.create_project(organization=organization, slug="shop", name="Shop")
    far = services.create_project(organization=other_organization, slug="web", name="Far")
    others = [services.create_link(project=one).link for one in (shop, far)]
    for path in (
        *(revoke_path(one) for one in others),
        revoke_path(others[1], ORGANIZATION),
        *(f"{LINKS}{word}/revoke/" for word in ("0", "x", "1" + "0" * 30, "１", "-1", "1.0")),
    ):
        assert boss.post(path).status_code == 404, path
    assert not PublicLink.objects.exclude(revoked=None).exists()


def test_revoking_twice_changes_nothing_more(member: Client, link: PublicLink) -> None:
    member.post(revoke_path(link))
    at = PublicLink.objects.get().revoked
    assert member.post(revoke_path(link)).status_code == 302
    assert PublicLink.objects.get().revoked == at


def test_a_form_needs_its_csrf_token(project: Project, owner: User, link: PublicLink) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(owner)
    for path in (LINKS, revoke_path(link), revoke_path(link, ORGANIZATION)):
        assert strict.post(path).status_code == 403
    assert PublicLink.objects.get().revoked is None


# --- what is shown -------------------------------------------------------------------------------------------


def test_a_new_link_is_shown_once_with_what_to_paste(member: Client, project: Project) -> None:
    response = member.post(LINKS, {"name": "Wiki", "origins": "https://wiki.example.com"})
    shown = unescape(response.content.decode())
    address = shown.split('id="address">')[1].split("<")[0]
    picture = f"{address.removesuffix('/')}.svg"
    assert f"[![Errors of Web in 7 days]({picture})]({address})" in shown
    assert f'<a href="{address}"><img src="{picture}" alt="Errors of Web in 7 days"></a>' in shown
    assert f'<iframe src="{address}" title="Errors of Web in 7 days"' in shown
    assert "no-store" in response.headers["Cache-Control"]

    secret = address.split("/")[-2]
    for again in (member.get(LINKS), member.get("/o/acme/web/"), member.get("/account/")):
        assert secret not in again.content.decode()
    assert secret not in str(member.session.items())
    assert secret not in str(member.cookies)


def test_there_is_nothing_to_frame_where_no_site_is_named(member: Client, project: Project) -> None:
    response = member.post(LINKS, {"name": "Wiki"})
    assert "iframe" not in response.content.decode()


def test_names_are_text_on_every_page_and_in_what_is_pasted(member: Client, boss: Client, project: Project) -> None:
    project.name = "<script>alert(1)</script> [x](y)\"'&"
    services.update_project(project=project)
    made = member.post(LINKS, {"name": "<b>name</b>", "origins": "https://wiki.example.com"}).content.decode()
    for page in (made, member.get(LINKS).content.decode(), boss.get(ORGANIZATION).content.decode()):
        assert "<script>alert" not in page
        assert "<b>name" not in page
    pasted = unescape(made)
    assert r"![Errors of \<script\>alert(1)\</script\> \[x\](y)" in pasted
    assert 'alt="Errors of &lt;script&gt;alert(1)&lt;/script&gt; [x](y)&quot;&#x27;&amp; in 7 days"' in pasted


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("origins", "wiki.example.com", "is not a site as https://wiki.example.com is"),
        ("origins", "https://a.example; script-src *", "is not a site as"),
        ("last_day", "2018-11-05", "This day is over already."),
        ("last_day", "9999-12-30", "Choose a day of the next 100 years, or none."),
        ("last_day", "9999-12-31", "Choose a day of the next 100 years, or none."),
        ("last_day", "soon", "Enter a valid date."),
        ("name", "x" * 101, "at most 100 characters"),
        ("name", "a\0b", "Null characters are not allowed."),
    ],
)
def test_what_is_refused_is_said_at_its_field_and_what_was_typed_stays(
    member: Client, project: Project, field: str, value: str, said: str
) -> None:
    with time_machine.travel("2018-11-06T12:00Z", tick=False):
        response = member.post(LINKS, {"name": "Wiki", field: value})
    page = unescape(response.content.decode())
    assert (response.status_code, said in page) == (200, True)
    assert f'id="id_{field}_error"' in page
    assert (value if field == "origins" else "Wiki" if field != "name" else "x") in page
    assert not PublicLink.objects.exists()


def test_a_limit_that_is_reached_is_said_in_the_form(member: Client, project: Project, settings: LazySettings) -> None:
    settings.PROJECT_MAX_LINKS = 1
    make_link(member)
    response = member.post(LINKS, {})
    assert "PROJECT_MAX_LINKS allows 1: revoke some" in response.content.decode()
    assert PublicLink.objects.count() == 1


def test_the_last_day_is_a_day_of_the_readers_zone(member: Client, project: Project) -> None:
    with time_machine.travel("2018-11-06T12:00Z", tick=False):
        member.cookies["browser_timezone"] = "Europe/Berlin"
        make_link(member, last_day="2018-11-06")
        ends = PublicLink.objects.get().expires
        assert ends is not None
        assert ends.isoformat() == "2018-11-06T23:00:00+00:00"
        assert "2018-11-07 00:00" in member.get(LINKS).content.decode()


def test_the_lists_say_what_became_of_each(boss: Client, project: Project) -> None:
    with time_machine.travel("2018-11-06T12:00Z", tick=False):
        make_link(boss, name="ended", last_day="2018-11-06")
    make_link(boss, name="in force")
    used = make_link(boss, name="used")
    gone = PublicLink.objects.get(name="used")
    Client().get(used)
    boss.post(revoke_path(gone))
    for path in (LINKS, ORGANIZATION):
        page = boss.get(path).content.decode()
        rows = {row.split(" <span")[0].split(">")[-1]: row for row in page.split('<th scope="row">')[1:]}
        found = {name: row.split('class="badge">')[1].split("<")[0] for name, row in rows.items()}
        assert found == {"used": "revoked", "in force": "in force", "ended": "ended"}
        assert [row.count("<form") for row in rows.values()][:3] == [0, 1, 0 if path == ORGANIZATION else 1]
        assert "never" in rows["in force"]


def test_an_owner_sees_the_links_of_all_projects_page_by_page(
    boss: Client, organization: Organization, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("statsapi.pages.share.manage.LINKS_A_PAGE", 2)
    shop = services.create_project(organization=organization, slug="shop", name="Shop")
    for number in range(3):
        services.create_link(project=shop if number else project, name=f"link{number}")
    first, second = (boss.get(ORGANIZATION, {"page": page}).content.decode() for page in ("1", "2"))
    assert [name in first for name in ("link2", "link1", "link0", "?page=2")] == [True, True, False, True]
    assert [name in second for name in ("link2", "link0", "?page=1")] == [False, True, True]
    assert boss.get(ORGANIZATION, {"page": "junk"}).status_code == 200
