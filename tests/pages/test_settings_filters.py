"""The inbound filters of a project and its environments: each change, and what the next event meets."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from projects import services
from projects.globs import MOST_GLOBS
from projects.models import Project, ProjectFilters
from statsapi.ingest import filters as ingest
from statsapi.ingest.user_agents import is_crawler, is_legacy_browser
from statsapi.pages.settings.filters import FILTERS
from tests.ingest.conftest import Sdk
from tests.pages.filled import forms_of, submit, text_of

pytestmark = pytest.mark.django_db

FILTERS_PAGE = "/o/acme/web/settings/filters/"
ENVIRONMENTS_PAGE = "/o/acme/web/settings/environments/"
EXAMPLES = {one.name: one.example for one in FILTERS}
AGENT = "User-Agent: "


def send_agent(sdk: Sdk, name: str) -> Any:
    agent = EXAMPLES[name].removeprefix(AGENT)
    return sdk.event(request={"headers": [["User-Agent", agent]]})


def send_frame(sdk: Sdk) -> Any:
    frame = {"filename": EXAMPLES["browser-extensions"], "abs_path": EXAMPLES["browser-extensions"]}
    return sdk.event(exception={"values": [{"type": "E", "value": "v", "stacktrace": {"frames": [frame]}}]})


def send_report(sdk: Sdk) -> Any:
    report = {
        "blocked-uri": "chrome-extension://abc",
        "document-uri": "https://example.com/",
        "effective-directive": "img-src",
    }
    return sdk.http.post(
        f"/api/{sdk.key.project_id}/security/?sentry_key={sdk.key.public}",
        json.dumps({"csp-report": report}),
        "application/csp-report",
    )


SWITCHES: dict[str, tuple[dict[str, str], Callable[[Sdk], Any]]] = {
    "web-crawlers": ({"web_crawlers": "on"}, lambda sdk: send_agent(sdk, "web-crawlers")),
    "legacy-browsers": ({"legacy_browsers": "on"}, lambda sdk: send_agent(sdk, "legacy-browsers")),
    "browser-extensions": ({"browser_extensions": "on"}, send_frame),
    "localhost": ({"localhost": "on"}, lambda sdk: sdk.event(request={"url": EXAMPLES["localhost"]})),
    "invalid-csp": ({"invalid_csp": "on"}, send_report),
    "ip-address": ({"ip_addresses": "10.1.2.3\n127.0.0.0/8"}, lambda sdk: sdk.event()),
    "release-version": ({"release_versions": "shop@1.2.*"}, lambda sdk: sdk.event(release="shop@1.2.7")),
    "error-message": (
        {"error_messages": "*TimeoutError*"},
        lambda sdk: sdk.event(exception={"values": [{"type": "TimeoutError", "value": "no answer"}]}),
    ),
}


def caught(api: Client, stat: str) -> int:
    query = {"stat": stat, "statsPeriod": "7d", "resolution": "1h"}
    return sum(count for _, count in api.get("/api/0/projects/acme/web/stats/", query).json())


@pytest.mark.parametrize("name", SWITCHES)
def test_each_filter_is_obeyed_at_the_next_event_and_says_how_many_it_caught(
    member: Client, sdk: Sdk, api: Client, name: str
) -> None:
    changes, send = SWITCHES[name]
    title = next(one.title for one in FILTERS if one.name == name)
    assert send(sdk).status_code == 200
    assert (caught(api, "generated"), caught(api, name)) == (1, 0)

    answer = submit(member, FILTERS_PAGE, **changes)
    assert f"Saved: {title}. The next event obeys." in text_of(answer)
    for _ in range(3):
        send(sdk)
    assert (caught(api, "generated"), caught(api, name)) == (1, 3)
    page = member.get(FILTERS_PAGE).content.decode()
    for one in FILTERS:
        part = page.partition(f'id="{one.name}"')[2].partition("caught</span>")[0]
        assert f"<strong>{caught(api, one.name):,}</strong>" in part

    off: dict[str, Any] = {field: None if value == "on" else "" for field, value in changes.items()}
    submit(member, FILTERS_PAGE, **off)
    send(sdk)
    assert (caught(api, "generated"), caught(api, name)) == (2, 3)


def test_the_page_has_every_filter_and_each_example_is_caught() -> None:
    fields = {field.name for field in ProjectFilters._meta.get_fields()} - {"project", "legacy_browser_subfilters"}
    assert {one.field for one in FILTERS} == fields
    assert {one.name for one in FILTERS} == {name for name, _ in ingest._FILTERS}
    assert is_crawler(EXAMPLES["web-crawlers"].removeprefix(AGENT))
    assert is_legacy_browser(EXAMPLES["legacy-browsers"].removeprefix(AGENT))


def test_a_page_keeps_the_legacy_browsers_that_were_chosen_and_names_them(member: Client, project: Project) -> None:
    assert EXAMPLES["legacy-browsers"] in text_of(member.get(FILTERS_PAGE))
    row = ProjectFilters(project=project, legacy_browsers=True, legacy_browser_subfilters="ie9\nie10")
    services.save_intake(project, row)
    page = text_of(member.get(FILTERS_PAGE))
    assert "Only those that were chosen through the API: ie9, ie10." in page
    assert EXAMPLES["legacy-browsers"] not in page, "it is ie11, which was not chosen"
    for switched in (None, "on"):
        submit(member, FILTERS_PAGE, legacy_browsers=switched, localhost="on")
        row.refresh_from_db()
        assert (row.legacy_browsers, row.legacy_browser_subfilters) == (switched == "on", "ie9\nie10")


def test_the_latest_change_can_be_taken_back(member: Client, project: Project) -> None:
    submit(member, FILTERS_PAGE, ip_addresses="192.0.2.7\r\n10.0.0.0/8", localhost="on")
    answer = submit(member, FILTERS_PAGE, ip_addresses="", localhost=None, web_crawlers="on")
    assert "To undo, use the button “Undo my latest change”." in text_of(answer)
    project.filters.refresh_from_db()
    assert (project.filters.ip_addresses, project.filters.localhost, project.filters.web_crawlers) == ("", False, True)

    answer = member.post(f"{FILTERS_PAGE}undo/", follow=True)
    assert "Undone." in text_of(answer)
    project.filters.refresh_from_db()
    filters = project.filters
    assert (filters.ip_addresses, filters.localhost, filters.web_crawlers) == ("192.0.2.7\n10.0.0.0/8", True, False)
    assert "Undo my latest change" not in text_of(member.get(FILTERS_PAGE))
    assert "Undone." not in text_of(member.post(f"{FILTERS_PAGE}undo/", follow=True))


def test_an_undo_is_for_the_project_of_the_change_alone(member: Client, project: Project) -> None:
    shop = services.create_project(organization=project.organization, slug="shop", name="Shop")
    submit(member, FILTERS_PAGE, localhost="on")
    member.post("/o/acme/shop/settings/filters/undo/")
    assert not ProjectFilters.objects.filter(project=shop).exists()
    project.filters.refresh_from_db()
    assert project.filters.localhost


def test_saving_nothing_keeps_what_can_be_taken_back(member: Client, project: Project) -> None:
    submit(member, FILTERS_PAGE, localhost="on")
    assert "Nothing was changed." in text_of(submit(member, FILTERS_PAGE, localhost="on"))
    assert "Undone." in text_of(member.post(f"{FILTERS_PAGE}undo/", follow=True))
    project.filters.refresh_from_db()
    assert not project.filters.localhost


def test_what_somebody_changed_later_is_not_taken_back(member: Client, project: Project) -> None:
    submit(member, FILTERS_PAGE, localhost="on", release_versions="a")
    row = ProjectFilters.objects.get()
    row.release_versions = "b"
    services.save_intake(project, row)
    words = text_of(member.post(f"{FILTERS_PAGE}undo/", follow=True))
    assert "Undone." in words
    assert "Not undone, because it was changed again after you: Releases." in words
    row.refresh_from_db()
    assert (row.localhost, row.release_versions) == (False, "b")

    submit(member, FILTERS_PAGE, localhost="on")
    row.localhost = False
    services.save_intake(project, row)
    words = text_of(member.post(f"{FILTERS_PAGE}undo/", follow=True))
    assert ("Undone." in words, "after you: Localhost." in words) == (False, True)


def test_a_wrong_line_is_refused_at_its_list_and_nothing_is_saved(member: Client, project: Project) -> None:
    for field, text, said in (
        ("ip_addresses", "10.0.0.0/8\nmy server", "“my server” is neither an address nor a network"),
        ("release_versions", "\n".join(f"a{n}" for n in range(MOST_GLOBS + 1)), "Keep to 500 globs"),
        ("error_messages", "x" * 501, "Keep each glob to 500 characters"),
        ("error_messages", "x" * 10_001, "at most 10000 characters"),
        ("ip_addresses", "10.0.0.1\0", "Null characters are not allowed"),
    ):
        answer = submit(member, FILTERS_PAGE, web_crawlers="on", **{field: text})
        assert answer.redirect_chain == []
        errors = answer.content.decode().partition(f'id="id_{field}_error"')[2].partition("</ul>")[0]
        assert said in errors, (field, errors)
    assert not ProjectFilters.objects.filter(web_crawlers=True).exists()


def test_a_form_that_is_older_than_another_change_does_not_undo_it(member: Client, project: Project) -> None:
    services.save_intake(project, ProjectFilters(project=project, release_versions="a\nb"))
    form = next(form for form in forms_of(member.get(FILTERS_PAGE)) if "ip_addresses" in form.names)
    row = ProjectFilters.objects.get()
    row.localhost, row.release_versions = True, "c"
    services.save_intake(project, row)
    # A browser sends line breaks as CR and LF.
    sent = {name: value.replace("\n", "\r\n") for name, value in form.fields.items()}
    member.post(FILTERS_PAGE, {**sent, "web_crawlers": "on"})
    row.refresh_from_db()
    assert (row.localhost, row.web_crawlers, row.release_versions) == (True, True, "c")


def test_what_was_filtered_elsewhere_is_named_too(member: Client, project: Project, api: Client) -> None:
    rows = [{"outcome": "filtered", "reason": "cors", "quantity": 1200}]
    assert api.post("/api/0/projects/acme/web/outcomes/", {"outcomes": rows}, "application/json").status_code == 201
    assert "Errors were also filtered elsewhere, and reported: cors 1,200." in text_of(member.get(FILTERS_PAGE))


def test_environments_are_listed_with_what_they_received(member: Client, sdk: Sdk, api: Client) -> None:
    assert "No event has named an environment yet." in text_of(member.get(ENVIRONMENTS_PAGE))
    for environment in ("production", "production", "other", "<b>staging"):
        assert sdk.event(environment=environment).status_code == 200
    page = member.get(ENVIRONMENTS_PAGE)
    assert "<b>staging" not in page.content.decode()
    words = text_of(page)
    for name, count in (("production", 2), ("<b>staging", 1)):
        query = {"environment": name, "statsPeriod": "7d"}
        counts = api.get("/api/0/projects/acme/web/stats/", query).json()
        assert sum(number for _, number in counts) == count
        assert f"{name} {count}" in words
    assert "all names beyond the first 100 1" in words
