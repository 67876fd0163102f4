"""The keys of a project: each change, and what the next event meets."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import time_machine
from django.test import Client
from pytest_django import Settings

from projects import services
from projects.models import Organization, Project, ProjectKey
from statsapi.pages.settings.quota_words import quota_text, split_window
from tests.ingest.conftest import Sdk
from tests.pages.filled import forms_of, submit, text_of

pytestmark = pytest.mark.django_db

KEYS = "/o/acme/web/settings/keys/"
NOON = datetime(2026, 11, 27, 11, 0, 20, tzinfo=UTC)


def page_of(sdk: Sdk) -> str:
    return f"{KEYS}{sdk.key.public}/"


def test_a_new_key_counts_at_once(member: Client, sdk: Sdk) -> None:
    assert sdk.event().status_code == 200  # the worker knows the project's keys from now on
    answer = submit(member, KEYS, label="Server 2")
    assert answer.redirect_chain == [(KEYS, 302)]
    assert "The key “Server 2” is there." in text_of(answer)
    assert Sdk(ProjectKey.objects.get(label="Server 2")).event().status_code == 200


def test_a_disabled_key_is_refused_at_the_next_event_and_can_be_enabled(member: Client, sdk: Sdk) -> None:
    assert sdk.event().status_code == 200
    answer = submit(member, KEYS, action="/switch/", active="0")
    assert "“Default” is disabled. Its events are refused from now on. To undo, enable it." in text_of(answer)
    assert sdk.event().status_code == 403
    answer = submit(member, page_of(sdk), action="/switch/", active="1")
    assert "“Default” is enabled." in text_of(answer)
    assert sdk.event().status_code == 200


def test_a_renamed_key_keeps_its_quota(member: Client, sdk: Sdk) -> None:
    submit(member, page_of(sdk), count="5", number="2", unit="minutes")
    submit(member, page_of(sdk), label="Shop")
    sdk.key.refresh_from_db()
    assert (sdk.key.label, sdk.key.rate_limit_count, sdk.key.rate_limit_window) == ("Shop", 5, 120)


@pytest.mark.parametrize(("zone", "until"), [("Europe/Berlin", "13:00"), ("UTC", "12:00"), ("Asia/Kolkata", "17:30")])
def test_the_quota_shows_its_use_now_in_the_zone_of_the_reader(member: Client, sdk: Sdk, zone: str, until: str) -> None:
    member.cookies["browser_timezone"] = zone
    with time_machine.travel(NOON, tick=False):
        answer = submit(member, page_of(sdk), count="5", number="1", unit="hours")
        assert "The next event obeys it: 5 errors in 1 hour. Before: no limit." in text_of(answer)
        assert [sdk.event().status_code for _ in range(3)] == [200] * 3
        assert f"3 of 5, until {until}" in text_of(member.get(KEYS))
        assert [sdk.event().status_code for _ in range(4)] == [200] * 2 + [429] * 2
        assert f"5 of 5, until {until} used up" in text_of(member.get(KEYS))
        page = text_of(member.get(page_of(sdk)))
        assert f"The quota is used up. Until {until} ({zone}) every further error of this key is refused" in page
        assert "5 accepted, 2 refused by the quota" in page
    with time_machine.travel(NOON.replace(hour=12), tick=False):
        assert "0 of 5, until" in text_of(member.get(KEYS))
        assert sdk.event().status_code == 200


def test_a_window_that_ends_on_another_day_names_the_day(member: Client, sdk: Sdk) -> None:
    with time_machine.travel(NOON, tick=False):
        submit(member, page_of(sdk), count="5", number="24", unit="hours")
        assert "0 of 5, until 28 Nov 00:00" in text_of(member.get(KEYS))
        submit(member, page_of(sdk), number="30", unit="seconds")
        assert "0 of 5, until 11:00:30" in text_of(member.get(KEYS))


def test_a_quota_is_removed_by_emptying_it_and_the_page_says_what_it_was(member: Client, sdk: Sdk) -> None:
    submit(member, page_of(sdk), count="0", number="1", unit="minutes")
    assert sdk.event().status_code == 429
    assert "The quota is 0, so every error of this key is refused" in text_of(member.get(page_of(sdk)))
    answer = submit(member, page_of(sdk), count="")
    assert "The next event obeys it: no limit. Before: 0 errors in 1 minute." in text_of(answer)
    assert sdk.event().status_code == 200


def test_what_cannot_be_a_quota_is_refused_at_its_field(member: Client, sdk: Sdk) -> None:
    for field, changes in {
        "number": [{"count": "5", "number": ""}, {"count": "5", "number": "25", "unit": "hours"}, {"number": "0"}],
        "count": [{"count": "-1"}, {"count": "many"}, {"count": str(2**31)}],
        "unit": [{"unit": "weeks"}],
        "label": [{"label": ""}, {"label": "x" * 65}, {"label": "a\x07b"}],
    }.items():
        for change in changes:
            answer = submit(member, page_of(sdk), **change)
            assert f'id="id_{field}_error"' in answer.content.decode(), change
    sdk.key.refresh_from_db()
    assert (sdk.key.label, sdk.key.rate_limit_count, sdk.key.rate_limit_window) == ("Default", None, None)


def test_a_form_that_is_older_than_another_change_does_not_undo_it(member: Client, project: Project, sdk: Sdk) -> None:
    form = next(form for form in forms_of(member.get(page_of(sdk))) if "label" in form.names)
    sdk.key.rate_limit_count, sdk.key.rate_limit_window = 7, 60
    services.save_intake(project, sdk.key)
    member.post(page_of(sdk), {**form.fields, "label": "Renamed"})
    sdk.key.refresh_from_db()
    assert (sdk.key.label, sdk.key.rate_limit_count) == ("Renamed", 7)


def test_a_key_is_deleted_only_when_it_is_disabled_and_its_counts_stay(boss: Client, sdk: Sdk, api: Client) -> None:
    assert sdk.event().status_code == 200
    assert "Disable it first" in text_of(boss.post(f"{page_of(sdk)}delete/", follow=True))
    submit(boss, KEYS, action="/switch/", active="0")
    answer = boss.post(f"{page_of(sdk)}delete/", follow=True)
    assert "The key “Default” is gone. What it counted stays." in text_of(answer)
    assert "There is no key, so nothing can be sent." in text_of(answer)
    assert sdk.event().status_code == 403
    assert sum(count for _, count in api.get("/api/0/projects/acme/web/stats/").json()) == 1


def test_the_limit_on_keys_is_shown_in_the_form(member: Client, project: Project, settings: Settings) -> None:
    settings.PROJECT_MAX_KEYS = 1
    assert "PROJECT_MAX_KEYS allows 1" in text_of(submit(member, KEYS, label="Two"))


def test_the_secret_is_on_the_page_of_the_key_alone(member: Client, project: Project) -> None:
    key = project.keys.get()
    assert key.secret not in member.get(KEYS).content.decode()
    assert key.secret in member.get(f"{KEYS}{key.public}/").content.decode()


def test_the_key_of_another_project_does_not_exist_here(
    boss: Client, project: Project, organization: Organization
) -> None:
    other = services.create_project(organization=organization, slug="shop", name="Shop").keys.get()
    for path in (f"{KEYS}{other.public}/", f"{KEYS}{'0' * 32}/", f"{KEYS}a%00b/"):
        assert boss.get(path).status_code == 404
        assert boss.post(path, {"label": "mine"}).status_code == 404
    for action in ("switch", "delete"):
        assert boss.post(f"{KEYS}{other.public}/{action}/", {"active": "0"}).status_code == 404
    other.refresh_from_db()
    assert (other.label, other.active) == ("Default", True)


def test_a_window_is_named_in_its_largest_whole_unit() -> None:
    assert [split_window(seconds) for seconds in (1, 60, 90, 3600, 5400, 86400)] == [
        (1, "seconds"),
        (1, "minutes"),
        (90, "seconds"),
        (1, "hours"),
        (90, "minutes"),
        (24, "hours"),
    ]
    assert quota_text(1, 60) == "1 error in 1 minute"
    assert quota_text(1000, 7200) == "1,000 errors in 2 hours"
