"""The admin in a real browser: what people click, and what the browser must not do."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from tests.service import Service

pytestmark = pytest.mark.once

FILL = """
import time
from projects.models import Project
from tsdb.outcomes import Category, Outcome
from tsdb.series import total
from tsdb.store import Increment
now = int(time.time())
web = Project.objects.get(slug="web")
series = total(web.pk, Category.ERROR, Outcome.ACCEPTED)
services.count(web.pk, [Increment(series, now - hour * 3600, hour + 1) for hour in range(23)], now=now)
"""

DOOMED = """
doomed = services.create_project(organization=web.organization, slug="doomed", name="Doomed")
services.count(doomed.pk, [Increment(total(doomed.pk, Category.ERROR, Outcome.ACCEPTED), now)], now=now)
"""

HOSTILE = "\"'><img src=x onerror=hacked=1>"
HOSTILE_ROWS = f"""
name = {HOSTILE!r}
other = services.create_organization(slug="hostile", name=name)
project = services.create_project(organization=other, slug="hostile", name=name, platform=name)
services.environment_id(project.pk, name)
key = services.create_key(project=project, label=name)
token = services.create_token(organization=other, scopes=["org:read"], name=name).token
answer = [other.pk, project.pk, key.pk, token.pk]
"""


@pytest.fixture(scope="module", autouse=True)
def _counted(service: Service) -> None:
    service.run(FILL)


def choose(page: Page, text: str) -> None:
    """Choose an entry of a list that fills while the user types."""
    page.click(".select2-selection")
    page.fill(".select2-search__field", text)
    page.wait_for_selector(".loading-results", state="hidden")  # what is found moves the entries
    page.click(f".select2-results__option:has-text('{text}')")


def test_a_person_adds_a_project_and_copies_its_dsn_with_one_click(admin: Page) -> None:
    admin.goto("/admin/projects/project/add/")
    choose(admin, "acme")
    admin.type("#id_name", "Prime Mover")
    assert admin.input_value("#id_slug") == "prime-mover"
    admin.click("text=Save >> nth=0")
    admin.wait_for_url("**/change/")
    admin.click(".messagelist .copyable")
    selected = admin.evaluate("getSelection().toString()")
    assert re.fullmatch(r"http://[0-9a-f]{32}@127\.0\.0\.1:\d+/\d+", selected)
    assert admin.inner_text(".field-dsn .copyable").strip() == selected


def test_a_token_is_shown_once_and_going_back_does_not_show_it_again(admin: Page, service: Service) -> None:
    admin.goto("/admin/projects/apitoken/add/")
    choose(admin, "acme")
    admin.check("text=org:read")
    admin.click("input[name=_save]")
    secret = admin.inner_text(".shown-once .copyable")
    assert service.ask("GET", "/api/0/projects/acme/web/stats/", authorization=f"Bearer {secret}").status == 200
    assert secret not in admin.url
    admin.click("text=Copied")
    admin.wait_for_url(re.compile(r"/apitoken/(\?.*)?$"))
    admin.wait_for_selector("#result_list")
    assert secret[-4:] in admin.content()
    assert secret not in admin.content()
    # The browser would have to send the form again, and does not without asking.
    with pytest.raises(Error, match="ERR_CACHE_MISS"):
        admin.go_back()
    # The browser's own error page may not be ready yet, and content() does not wait for it.
    assert secret not in admin.locator("html").inner_html()


def test_the_list_draws_a_bar_for_each_hour_that_had_events(admin: Page) -> None:
    admin.goto("/admin/projects/project/?q=web")
    chart = admin.locator("#result_list .sparkline")
    assert chart.count() == 1
    box = chart.bounding_box()
    assert box
    assert (box["width"], box["height"]) == (120, 25)
    bars = chart.locator("path").nth(1).get_attribute("d")
    assert bars
    assert bars.count("M") == 23
    assert admin.inner_text(".field-received") == "276"


def test_no_page_runs_the_markup_in_a_name_or_needs_what_the_policy_forbids(admin: Page, service: Service) -> None:
    organization, project, key, token = service.run(HOSTILE_ROWS)
    ids = {"organization": organization, "project": project, "projectkey": key, "apitoken": token}
    for model, number in ids.items():
        for page in (f"{number}/change/", f"{number}/delete/", f"{number}/history/", ""):
            answer = admin.goto(f"/admin/projects/{model}/{page}")
            assert answer
            assert (answer.status, answer.url) == (200, admin.url)
            assert admin.evaluate("window.hacked") is None
            assert admin.locator("img[src=x]").count() == 0
        assert HOSTILE in admin.inner_text("#result_list")


@pytest.mark.parametrize("path", ["project/", "project/1/change/", "apitoken/add/", "organization/1/delete/"])
def test_on_a_narrow_screen_no_page_scrolls_sideways(admin: Page, path: str) -> None:
    admin.set_viewport_size({"width": 390, "height": 800})
    admin.goto(f"/admin/projects/{path}")
    assert admin.evaluate("document.documentElement.scrollWidth") <= 390


def test_deleting_asks_and_then_says_how_many_keys_went(admin: Page, service: Service) -> None:
    service.run(DOOMED)
    admin.goto("/admin/projects/project/?q=doomed")
    admin.check("#result_list input.action-select")
    admin.select_option("select[name=action]", "delete_selected")
    admin.click("text=Go")
    expect(admin.locator("#content")).to_contain_text("All counts go too")
    admin.click("text=Yes, I’m sure")
    assert re.search(r"The counts are gone too: [1-9] keys of Redis", admin.inner_text(".messagelist"))
    assert service.ask("GET", "/api/0/projects/acme/doomed/stats/").status == 404


def test_the_pages_of_people_and_passwords_need_nothing_that_the_policy_forbids(admin: Page) -> None:
    for path in ("", "add/", "1/change/", "1/password/", "1/delete/", "1/history/"):
        answer = admin.goto(f"/admin/auth/user/{path}")
        assert answer
        assert (answer.status, answer.url) == (200, admin.url)
    for path in ("password_change/", "password_change/done/", "projects/", "auth/user/?is_active__exact=x"):
        answer = admin.goto(f"/admin/{path}")
        assert answer
        assert answer.status == 200


def test_who_guesses_too_often_is_told_when_to_come_back(page: Page, service: Service) -> None:
    service.run("""
from axes.models import AccessAttempt
AccessAttempt.objects.create(username="nobody", ip_address="127.0.0.1", failures_since_start=9)
""")
    page.goto("/admin/")
    page.fill("#id_username", "nobody")
    page.fill("#id_password", "a guess")
    page.click("input[type=submit]")
    assert page.inner_text("h1") == "Too many wrong passwords"
    assert "in 15 minutes" in page.inner_text("main")


def test_a_form_that_is_too_old_is_refused_in_words(page: Page) -> None:
    page.goto("/admin/")
    page.context.clear_cookies()
    page.fill("#id_username", "admin")
    page.fill("#id_password", "a long one for tests")
    page.click("input[type=submit]")
    assert page.inner_text("h1") == "The form was refused"


def test_a_script_that_stands_in_a_page_does_not_run(browser: Browser, service: Service) -> None:
    page = browser.new_page()  # the fixture `page` would fail the test because of the attempt
    page.goto(f"http://127.0.0.1:{service.port}/admin/login/")
    with page.expect_console_message(lambda message: "Security Policy" in message.text):
        page.evaluate("""() => {
            const script = document.createElement("script");
            script.textContent = "window.hacked = 1";
            document.body.append(script);
        }""")
    assert page.evaluate("window.hacked") is None
    page.close()
