"""Users who are not superusers, on every page of the admin.

See docs/reliability.md#admin-strangers.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.test import Client

from projects.models import ApiToken, Organization, Project
from tests.projects.pages import url

PASSWORD = "a long one for tests"
SAYS = "The admin is for operators: superusers alone."


def addresses() -> Iterator[str]:
    """Yield the address of every page of the admin. Pages of a row are those of a first row."""
    for name in ("index", "password_change", "password_change_done", "jsi18n", "autocomplete"):
        yield f"/admin/{'' if name == 'index' else name.replace('_change_done', '_change/done')}/".replace("//", "/")
    for label in {model._meta.app_label for model in admin.site._registry}:
        yield f"/admin/{label}/"
    for model in admin.site._registry:
        home = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        yield from (home, f"{home}add/", *(f"{home}1/{page}/" for page in ("change", "delete", "history", "password")))
    yield "/admin/r/1/1/"
    yield "/admin/nowhere/"


ADDRESSES = list(addresses())


@pytest.fixture(params=["staff with every permission", "staff", "owner", "former operator"])
def nobody(request: pytest.FixtureRequest, project: Project, other_organization: Organization, owner: User) -> User:
    owner.set_password(PASSWORD)
    owner.is_staff = "staff" in request.param or "operator" in request.param
    owner.save()
    if "every" in request.param:
        owner.user_permissions.set(Permission.objects.all())
    return owner


def test_every_page_leads_to_the_login_page_which_says_why_and_leads_nowhere(nobody: User, token: str) -> None:
    client = Client()
    client.force_login(nobody)
    rows = ApiToken.objects.count()
    for address in ADDRESSES:
        for method in ("get", "post"):
            page = getattr(client, method)(address, follow=True)
            assert page.status_code == 200, address
            assert page.request["PATH_INFO"] == "/admin/login/", address
            assert SAYS in page.content.decode(), address
            assert len(page.redirect_chain) == 1, address
            assert "other" not in page.content.decode().replace("other account", ""), address
    assert ApiToken.objects.count() == rows


def test_the_right_password_of_somebody_else_signs_nobody_in(nobody: User) -> None:
    client = Client()
    form = {"username": nobody.username, "password": PASSWORD, "next": "/admin/"}
    page = client.post("/admin/login/", form)
    assert (page.status_code, SAYS in page.content.decode()) == (200, True)
    assert "sessionid" not in client.cookies


@pytest.mark.django_db
@pytest.mark.parametrize("staff", [True, False])
def test_a_superuser_comes_in_and_one_who_is_none_any_more_is_out_at_the_next_page(staff: bool) -> None:
    boss = User.objects.create_user("boss", password=PASSWORD, is_superuser=True, is_staff=staff)
    client = Client()
    form = {"username": "boss", "password": PASSWORD, "next": "/admin/"}
    page = client.post("/admin/login/", form, follow=True)
    assert (page.status_code, page.request["PATH_INFO"]) == (200, "/admin/")
    assert client.get(url("project", "changelist")).status_code == 200
    boss.is_superuser = False
    boss.save()
    assert client.get(url("project", "changelist")).status_code == 302
