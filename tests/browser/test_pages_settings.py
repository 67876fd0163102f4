"""Setup and settings in a browser: the first event is seen to arrive, and a quota that is used up says so."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.charts import stop_clock
from tests.service import Service

PASSWORD = "a long one for tests"

PEOPLE = f"""
from django.contrib.auth.models import User
from projects import services
from projects.models import Organization
acme = Organization.objects.get(slug="acme")
member = User.objects.create_user("member@example.com", password="{PASSWORD}")
services.add_member(organization=acme, user_id=member.pk, role="member")
"""

PROJECT = """
from projects import services
from projects.models import Organization
acme = Organization.objects.get(slug="acme")
services.create_project(organization=acme, slug={slug!r}, name={slug!r}, platform="curl")
"""


@pytest.fixture(scope="module", autouse=True)
def _people(service: Service) -> None:
    service.run(PEOPLE)


@pytest.fixture
def new_project(service: Service) -> Callable[[str], str]:
    """Return a function that makes a project with this slug and returns the path of its pages."""

    def make(slug: str) -> str:
        service.run(PROJECT.format(slug=slug))
        return f"/o/acme/{slug}/"

    return make


@pytest.fixture
def member(page: Page) -> Page:
    """Return the page of a member who is signed in."""
    page.goto("/login/")
    page.fill("[name=username]", "member@example.com")
    page.fill("[name=password]", PASSWORD)
    page.click("main button")
    page.wait_for_url("**/o/acme/")
    return page


def send(dsn: str) -> int:
    """Send one event with this DSN, and return the status of the answer."""
    parts = urlsplit(dsn)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    auth = f"Sentry sentry_key={parts.username}, sentry_version=7"
    connection.request("POST", f"/api{parts.path}/store/", '{"message": "x"}', {"X-Sentry-Auth": auth})
    try:
        return connection.getresponse().status
    finally:
        connection.close()


def test_the_line_turns_green_when_the_first_event_arrives(member: Page, new_project: Callable[[str], str]) -> None:
    path = new_project("first")
    member.goto(f"{path}setup/")
    line = member.locator("#arrival")
    expect(line).to_have_text("Waiting for the first event.", use_inner_text=True)
    expect(line).to_have_class("arrival waiting")
    assert send(member.get_by_label("Default", exact=True).input_value()) == 200
    expect(line).to_have_class("arrival accepted")
    expect(line).to_contain_text("Events arrive. Errors of the last 24 hours: 1 accepted.")
    good = member.evaluate("getComputedStyle(document.body).getPropertyValue('--good')")
    member.evaluate("good => { document.body.style.color = good }", good)
    green = member.evaluate("getComputedStyle(document.body).color")
    assert line.evaluate("one => getComputedStyle(one).borderLeftColor") == green
    line.get_by_role("link").click()
    member.wait_for_url(f"**{path}")


def test_what_the_page_says_to_paste_counts(member: Page, new_project: Callable[[str], str]) -> None:
    member.goto(f"{new_project('pasted')}setup/")
    curl = member.locator("#code-curl").text_content() or ""
    subprocess.run(shlex.split(curl.replace("\\\n", " ")), check=True, capture_output=True, timeout=60)
    expect(member.locator("#arrival")).to_contain_text("1 accepted.")
    python = member.locator("#code-python").text_content() or ""
    subprocess.run([sys.executable, "-c", python], check=True, capture_output=True, timeout=60)
    member.reload()
    expect(member.locator("#arrival")).to_contain_text("2 accepted.")


def test_a_page_that_nobody_looks_at_asks_for_nothing(member: Page, new_project: Callable[[str], str]) -> None:
    member.add_init_script("Object.defineProperty(document, 'visibilityState', { get: () => window.seen ?? 'hidden' })")
    asked: list[str] = []
    member.goto(f"{new_project('hidden')}setup/")
    member.on("request", lambda request: asked.append(request.url) if request.resource_type == "fetch" else None)
    stop_clock(member)
    member.reload()
    member.clock.run_for(30_000)
    assert asked == []
    member.evaluate("window.seen = 'visible'")
    with member.expect_response("**/setup/"):
        member.clock.run_for(4_000)
    assert len(asked) == 1


def test_once_an_event_was_accepted_the_page_asks_less_and_reads_only_what_is_new(
    member: Page, new_project: Callable[[str], str]
) -> None:
    path = new_project("slower")
    member.goto(f"{path}setup/")
    stop_clock(member)
    dsn = member.get_by_label("Default", exact=True).input_value()
    assert send(dsn) == 200
    member.reload()
    state = member.get_by_role("status").filter(has_text="Events arrive.")
    expect(state).to_have_text("Events arrive.")
    member.evaluate(
        """() => {
            window.announced = 0;
            const watch = new MutationObserver((changes) => { window.announced += changes.length; });
            const all = { subtree: true, childList: true, characterData: true };
            watch.observe(document.getElementById("arrival-state"), all);
        }"""
    )
    asked: list[str] = []
    member.on("request", lambda request: asked.append(request.url) if request.resource_type == "fetch" else None)
    assert send(dsn) == 200
    member.clock.run_for(29_000)
    assert asked == []
    member.clock.run_for(2_000)
    expect(member.locator("#arrival")).to_contain_text("2 accepted.")
    assert member.evaluate("window.announced") == 0


def test_without_a_clipboard_the_text_is_selected_and_the_button_keeps_its_name(
    member: Page, new_project: Callable[[str], str]
) -> None:
    member.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    stop_clock(member)  # the button may take its name back before a test on a busy machine has looked
    member.goto(f"{new_project('copied')}setup/")
    button = member.get_by_role("button", name="Copy the DSN of Default", exact=True)
    button.click()
    expect(member.get_by_role("status").filter(has_text="Selected")).to_have_count(1)
    field = member.get_by_label("Default", exact=True)
    marked = "one => one.value.slice(one.selectionStart, one.selectionEnd)"
    assert field.evaluate(marked) == field.input_value()
    expect(button).to_have_count(0)
    member.clock.run_for(3_000)
    expect(button).to_be_visible()

    lines = member.get_by_role("button", name="Copy the lines for curl")
    code = member.locator("#code-curl").text_content() or ""
    lines.click()
    button.click()  # another one at once: each gets its name back
    member.clock.run_for(3_000)
    expect(button).to_be_visible()
    lines.click()
    assert member.evaluate("getSelection().toString()").strip() == code.strip()


def test_a_quota_is_set_and_hit_and_the_page_says_why(member: Page, new_project: Callable[[str], str]) -> None:
    path = new_project("limited")
    member.goto(f"{path}setup/")
    dsn = member.get_by_label("Default", exact=True).input_value()
    member.get_by_role("navigation", name="Pages of the project").get_by_role("link", name="Settings").click()
    member.get_by_role("link", name="Keys", exact=True).click()
    member.get_by_role("link", name="Default").click()
    member.get_by_label("Accept at most").fill("5")
    member.get_by_label("in each window of").fill("24")
    member.get_by_label("Unit of the window").select_option("hours")
    member.get_by_role("button", name="Save").click()
    expect(member.locator(".message.success")).to_contain_text("5 errors in 24 hours. Before: no limit.")
    assert [send(dsn) for _ in range(7)] == [200] * 5 + [429] * 2
    member.reload()
    expect(member.locator(".facts")).to_contain_text("5 of 5, until")
    expect(member.locator(".message.warning")).to_contain_text("The quota is used up. Until")
    expect(member.locator(".facts")).to_contain_text("5 accepted, 2 refused by the quota")

    member.get_by_label("Accept at most").fill("")
    member.get_by_role("button", name="Save").click()
    expect(member.locator(".message.success")).to_contain_text("no limit. Before: 5 errors in 24 hours.")
    assert send(dsn) == 200


def test_a_budget_is_made_with_the_keyboard_alone_and_hit_and_the_pages_say_why(
    member: Page, new_project: Callable[[str], str]
) -> None:
    path = new_project("budgeted")
    member.goto(f"{path}setup/")
    dsn = member.get_by_label("Default", exact=True).input_value()
    member.goto(f"{path}settings/budgets/")
    member.get_by_label("Category").focus()
    for key in ("Tab", "5", "Tab", "3", "1", "Tab", "d", "Tab", "Enter"):  # 5 in 31 days; the last is the button
        member.keyboard.press(key)
    expect(member.locator(".message.success")).to_contain_text("The next event obeys it: Errors, 5 in 31 days.")
    expect(member.locator(".budgets li")).to_contain_text("0 of 5 used (0 %), until")
    assert [send(dsn) for _ in range(7)] == [200] * 5 + [429] * 2
    member.reload()
    expect(member.locator(".budgets li")).to_contain_text("5 of 5 used (100.0 %), until")
    expect(member.get_by_role("meter", name="Used of Errors, 5 in 31 days")).to_have_attribute("value", "1.0000")
    member.get_by_role("link", name="Errors, 5 in 31 days").press("Enter")
    expect(member.locator(".message.warning")).to_contain_text("The budget is used up. Until")
    member.goto(path)
    expect(member.locator("#budgets")).to_contain_text("Errors: 5 of 5 in 31 days")
    expect(member.locator("#dropped")).to_contain_text("A budget of the project was used up")

    member.goto(f"{path}settings/budgets/")
    member.get_by_role("link", name="Errors, 5 in 31 days").click()
    member.get_by_label("Accept at most").fill("6")
    member.get_by_role("button", name="Save").click()
    expect(member.locator(".message.success")).to_contain_text("Errors, 6 in 31 days. Before: Errors, 5 in 31 days.")
    assert [send(dsn) for _ in range(2)] == [200, 429]


def test_filters_are_switched_and_taken_back_with_the_keyboard_alone(
    member: Page, new_project: Callable[[str], str]
) -> None:
    member.goto(f"{new_project('filtered')}settings/filters/")
    crawlers = member.get_by_label("Web crawlers")
    crawlers.focus()
    member.keyboard.press("Space")
    member.get_by_label("Releases").focus()
    member.keyboard.type("shop@1.2.*")
    member.get_by_role("button", name="Save the filters").focus()
    member.keyboard.press("Enter")
    expect(member.locator(".message.success")).to_contain_text("Saved: Web crawlers, Releases.")
    expect(crawlers).to_be_checked()
    member.get_by_role("button", name="Undo my latest change").focus()
    member.keyboard.press("Enter")
    expect(member.locator(".message.success")).to_contain_text("Undone.")
    expect(crawlers).not_to_be_checked()
    expect(member.get_by_label("Releases")).to_have_value("")


@pytest.mark.parametrize("width", [360, 1920])
def test_no_page_is_wider_than_the_window(member: Page, new_project: Callable[[str], str], width: int) -> None:
    path = new_project(f"wide-{width}")
    member.set_viewport_size({"width": width, "height": 800})
    member.goto(f"{path}settings/keys/")
    key = member.get_by_role("link", name="Default").get_attribute("href") or ""
    topics = (
        "setup/",
        "settings/",
        "settings/keys/",
        "settings/budgets/",
        "settings/filters/",
        "settings/environments/",
    )
    for one in (*(path + topic for topic in topics), key, "/organization/acme/projects/new/"):
        member.goto(one)
        assert member.evaluate("document.documentElement.scrollWidth <= innerWidth"), one


def test_without_scripts_the_pages_do_the_same(
    browser: Browser, service: Service, new_project: Callable[[str], str]
) -> None:
    context = browser.new_context(base_url=f"http://127.0.0.1:{service.port}", java_script_enabled=False)
    page = context.new_page()
    page.goto("/login/")
    page.fill("[name=username]", "member@example.com")
    page.fill("[name=password]", PASSWORD)
    page.click("main button")
    page.wait_for_url("**/o/acme/")
    path = new_project("scriptless")
    page.goto(f"{path}setup/")
    expect(page.locator("#arrival")).to_contain_text("Load the page anew to see whether it came.")
    assert page.get_by_role("button", name="Copy").count() == 0
    assert send(page.get_by_label("Default", exact=True).input_value()) == 200
    page.reload()
    expect(page.locator("#arrival")).to_contain_text("1 accepted.")
    page.goto(f"{path}settings/keys/")
    page.get_by_role("button", name="Disable Default").click()
    expect(page.locator(".message.success")).to_contain_text("“Default” is disabled.")
    context.close()
