"""Inviting in a real browser: an owner makes a link, a new person opens it, and looks without changing anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from tests.service import Service

pytestmark = pytest.mark.once

PASSWORD = "a long one for tests"
MEMBERS = "/organization/acme/members/"
PEOPLE = f"""
from django.contrib.auth.models import User
owner = User.objects.create_user("owner@example.com", password={PASSWORD!r})
services.add_member(organization=acme, user_id=owner.pk, role="owner")
"""


@pytest.fixture(scope="module", autouse=True)
def _people(service: Service) -> None:
    service.run(PEOPLE)


@pytest.fixture
def owner(page: Page) -> Page:
    page.goto(MEMBERS)
    page.fill("#id_username", "Owner@Example.com")
    page.fill("#id_password", PASSWORD)
    page.click("section button.primary")
    page.wait_for_url(re.compile(f"[0-9]{MEMBERS}$"))  # the login has it in its query
    return page


@pytest.fixture
def invited(browser: Browser, service: Service) -> Iterator[Page]:
    """Yield a page of another session."""
    context = browser.new_context(base_url=f"http://127.0.0.1:{service.port}")
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


def invite(owner: Page, email: str) -> str:
    """Invite a viewer, and return the link."""
    owner.goto(MEMBERS)
    owner.fill("#id_email", email)
    owner.select_option("#id_role", "viewer")
    owner.click("text=Invite")
    return owner.inner_text("#link")


def test_an_invited_viewer_chooses_a_password_and_sees_the_organization_and_changes_nothing(
    owner: Page, invited: Page
) -> None:
    link = invite(owner, "ann@example.com")
    assert link not in owner.url

    invited.goto(link)
    assert link.split("/")[-2] not in invited.url
    invited.fill("#id_new_password1", PASSWORD)
    invited.fill("#id_new_password2", PASSWORD)
    invited.click("text=Choose it and sign in")
    invited.wait_for_url("**/o/acme/")
    assert "ann@example.com" in invited.inner_text(".bar")
    assert invited.locator("main").get_by_role("link", name="Web", exact=True).count() == 1

    invited.goto(MEMBERS)
    assert "owner@example.com" in invited.inner_text("main")
    assert invited.locator("main form").count() == 0
    token = invited.locator("input[name=csrfmiddlewaretoken]").first.get_attribute("value")
    for path in ("", "1/", "1/remove/", "1/link/"):
        sent = invited.request.post(
            f"{MEMBERS}{path}",
            form={"csrfmiddlewaretoken": token or "", "email": "eve@example.com", "role": "owner"},
            headers={"referer": invited.url},
        )
        assert sent.status == 403, path
        assert "Your role does not allow this" in sent.text()


def test_a_link_is_shown_once_and_going_back_does_not_show_it_again(owner: Page) -> None:
    link = invite(owner, "bob@example.com")
    owner.click("text=Done: to the members")
    expect(owner.locator("#link")).to_have_count(0)  # the addresses of both pages are the same
    assert "bob@example.com" in owner.inner_text("main")
    assert link not in owner.content()
    # A browser has to send the form again to show that page, and does not without asking.
    with suppress(Error):
        owner.go_back()
    assert link not in owner.locator("html").inner_html()


def test_a_link_that_was_used_says_what_to_do(owner: Page, invited: Page) -> None:
    link = invite(owner, "cleo@example.com")
    for said in ("Choose it and sign in", None):
        invited.goto(link)
        if said:
            invited.fill("#id_new_password1", PASSWORD)
            invited.fill("#id_new_password2", PASSWORD)
            invited.click(f"text={said}")
            invited.wait_for_url("**/o/acme/")
    assert "It works once, and for 3 days." in invited.inner_text("main")


@pytest.mark.parametrize("path", [MEMBERS, f"{MEMBERS}leave/", "/account/", "/password/", "/login/"])
@pytest.mark.parametrize("width", [360, 2560])
def test_no_page_scrolls_sideways(owner: Page, path: str, width: int) -> None:
    owner.set_viewport_size({"width": width, "height": 800})
    owner.goto(path)
    assert owner.evaluate("document.documentElement.scrollWidth") <= width
