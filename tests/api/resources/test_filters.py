"""The inbound filters of a project: …/filters/, …/filters/{filter_id}/, and the options of the project."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from projects import selectors
from projects.globs import LONGEST_GLOB, MOST_GLOBS
from projects.legacy_browsers import LEGACY_BROWSERS
from projects.models import Change, Project, ProjectFilters
from statsapi.api.resources.filters import LISTS, OPTIONS, SWITCHES
from tsdb.outcomes import FILTERS

pytestmark = pytest.mark.django_db

JSON = "application/json"
PROJECT = "/api/0/projects/acme/web/"
NAMES = sorted(set(FILTERS) - {"cors", "discarded-hash"})
PLAIN = ["browser-extensions", "invalid-csp", "localhost", "web-crawlers"]


def put(api: Client, name: str, **body: Any) -> Any:
    return api.put(f"{PROJECT}filters/{name}/", body, JSON)


def shown(api: Client) -> dict[str, Any]:
    return {one["id"]: one["active"] for one in api.get(f"{PROJECT}filters/").json()}


def set_options(api: Client, **options: Any) -> Any:
    return api.put(PROJECT, {"options": {f"filters:{name}": text for name, text in options.items()}}, JSON)


def test_all_filters_that_intake_knows_are_listed_and_off_at_first(api: Client, project: Project) -> None:
    assert api.get(f"{PROJECT}filters/").json() == [{"id": name, "active": False} for name in NAMES]


def test_every_field_of_the_filters_can_be_set() -> None:
    fields = {field.name for field in ProjectFilters._meta.get_fields()} - {"project", "legacy_browser_subfilters"}
    assert {*SWITCHES.values(), *LISTS.values()} == fields
    assert set(OPTIONS.values()) == set(LISTS.values())


@pytest.mark.parametrize("name", [*PLAIN, "legacy-browsers"])
def test_a_filter_is_switched_on_and_off(api: Client, project: Project, name: str) -> None:
    for active in (True, False):
        response = put(api, name, active=active)
        assert (response.status_code, response.content) == (204, b"")
        assert shown(api) == {**dict.fromkeys(NAMES, False), name: active}


def test_a_switch_is_in_the_history(api: Client, project: Project) -> None:
    put(api, "localhost", active=True)
    assert Change.objects.latest("pk").what == "turned the inbound filter localhost on"


@pytest.mark.parametrize(
    ("body", "active"),
    [
        ({"subfilters": ["safari", "ie", "ie"]}, ["ie", "safari"]),
        ({"subfilters": [*LEGACY_BROWSERS]}, [*LEGACY_BROWSERS]),
        ({"subfilters": []}, False),
        ({"active": True, "subfilters": None}, True),
        ({"active": True, "subfilters": ["opera"]}, ["opera"]),
        ({"active": False, "subfilters": ["opera"]}, False),
        ({"active": False}, False),
        ({"active": True}, True),
    ],
)
def test_legacy_browsers_are_chosen_by_subfilters(
    api: Client, project: Project, body: dict[str, Any], active: Any
) -> None:
    put(api, "legacy-browsers", subfilters=["chrome"])
    assert put(api, "legacy-browsers", **body).status_code == 204
    assert shown(api)["legacy-browsers"] == active


NEEDED = {"active": ["This field is required."]}
NAMED = {"subfilters": [f"Each must be one of {', '.join(LEGACY_BROWSERS)}."]}


@pytest.mark.parametrize(
    ("name", "body", "errors"),
    [
        ("localhost", {}, NEEDED),
        ("localhost", {"active": 1}, {"active": ["Must be true or false."]}),
        ("localhost", {"active": None}, {"active": ["This field may not be null."]}),
        ("localhost", {"active": True, "subfilters": ["ie"]}, {"subfilters": ["This filter has none."]}),
        ("legacy-browsers", {}, NEEDED),
        ("legacy-browsers", {"subfilters": None}, NEEDED),
        ("legacy-browsers", {"subfilters": ["ie", "netscape"]}, NAMED),
        ("legacy-browsers", {"subfilters": [["ie"]]}, NAMED),
        ("legacy-browsers", {"subfilters": "ie"}, {"subfilters": ["Must be a list of texts."]}),
        *(
            (name, {"active": True}, {"active": [f"This filter is a list. Set the project's option {option}."]})
            for name, option in (
                ("ip-address", "filters:blacklisted_ips"),
                ("release-version", "filters:releases"),
                ("error-message", "filters:error_messages"),
            )
        ),
    ],
)
def test_a_switch_that_cannot_be_is_refused_by_field(
    api: Client, project: Project, name: str, body: dict[str, Any], errors: dict[str, Any]
) -> None:
    response = put(api, name, **body)
    assert (response.status_code, response.json()) == (400, errors)
    assert not any(shown(api).values())


@pytest.mark.parametrize("name", ["cors", "discarded-hash", "legacy-browser", "Localhost", "1", "%00"])
def test_an_unknown_filter_is_missing(api: Client, project: Project, name: str) -> None:
    for body in ({"active": True}, {}):
        response = put(api, name, **body)
        assert (response.status_code, response.json()) == (404, {"detail": "The requested resource does not exist"})


def test_options_set_the_lists_and_are_shown(api: Client, project: Project) -> None:
    assert api.get(PROJECT).json()["options"] == dict.fromkeys(OPTIONS, "")
    response = set_options(
        api, blacklisted_ips=" 10.0.0.0/8\n\n192.0.2.7 ", releases="1.*\r\n2.?", error_messages="*Timeout*"
    )
    options = {
        "filters:blacklisted_ips": "10.0.0.0/8\n192.0.2.7",
        "filters:releases": "1.*\n2.?",
        "filters:error_messages": "*Timeout*",
    }
    assert (response.status_code, response.json()["options"]) == (200, options)
    assert api.get(PROJECT).json()["options"] == options
    row = selectors.filters_of(project.pk)
    assert {name: getattr(row, field) for name, field in OPTIONS.items()} == options
    assert {name for name, active in shown(api).items() if active} == set(LISTS)


def test_an_option_that_is_left_out_stays_and_an_empty_one_empties_its_list(api: Client, project: Project) -> None:
    set_options(api, releases="1.*", error_messages="*a*")
    put(api, "localhost", active=True)
    assert set_options(api, releases="").status_code == 200
    assert api.put(PROJECT, {"options": {}}, JSON).status_code == 200
    assert set_options(api).status_code == 200
    assert {name for name, active in shown(api).items() if active} == {"error-message", "localhost"}


@pytest.mark.parametrize(
    ("options", "errors"),
    [
        ([], ["Must be an object."]),
        (
            {"sentry:resolve_age": 5},
            {"sentry:resolve_age": [f"Is not an option here; there are {', '.join(OPTIONS)}."]},
        ),
        ({"filters:releases": ["1.*"]}, {"filters:releases": ["Must be a text with an entry a line."]}),
        ({"filters:releases": None}, {"filters:releases": ["Must be a text with an entry a line."]}),
        ({"filters:releases": "a\0b"}, {"filters:releases": ["Must be a text with an entry a line."]}),
        (
            {"filters:blacklisted_ips": "10.0.0.0/8\n10.0.0"},
            {
                "filters:blacklisted_ips": [
                    "“10.0.0” is neither an address nor a network, as 192.0.2.7 or 10.0.0.0/8 is."
                ]
            },
        ),
        (
            {"filters:releases": "\n".join(["a"] * (MOST_GLOBS + 1))},
            {"filters:releases": ["Keep to 500 globs, of which one may match what several do: these are 501."]},
        ),
        (
            {"filters:error_messages": "a" * (LONGEST_GLOB + 1)},
            {
                "filters:error_messages": [
                    f"Keep each glob to {LONGEST_GLOB} characters: “{'a' * 20}…” has {LONGEST_GLOB + 1}."
                ]
            },
        ),
        (
            {"filters:blacklisted_ips": "::1\n" * 2500 + "::"},
            {"filters:blacklisted_ips": ["Keep to 10000 characters."]},
        ),
    ],
    ids=lambda value: ascii(value)[:50],
)
@pytest.mark.parametrize("more", [{}, {"slug": "shop", "name": "Shop"}])
def test_options_that_cannot_be_are_refused_and_nothing_is_changed(
    api: Client, project: Project, options: Any, errors: Any, more: dict[str, str]
) -> None:
    before = api.get(PROJECT).json()
    response = api.put(PROJECT, {**more, "options": options}, JSON)
    assert (response.status_code, response.json()) == (400, {"options": errors})
    assert api.get(PROJECT).json() == before


def test_whoever_may_write_switches_filters(
    log_in: Callable[..., Client], project: Project, member: User, viewer: User
) -> None:
    assert put(log_in(viewer), "localhost", active=True).status_code == 403
    assert put(log_in(member), "localhost", active=True).status_code == 204
    assert shown(log_in(viewer))["localhost"] is True
