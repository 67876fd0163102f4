"""The keys of a project: creating, changing and deleting them, and other projects' keys."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from projects import services
from projects.models import Organization, Project, ProjectKey
from tests.api.looks import DATE, key_of

pytestmark = pytest.mark.django_db

JSON = "application/json"
KEYS = "/api/0/projects/acme/web/keys/"
MISSING = {"detail": "The requested resource does not exist"}
IN_USE = {"detail": "This public key is in use."}
HEX = ["Use 32 hexadecimal digits in lower case."]


@pytest.fixture
def url(project: Project) -> str:
    return f"{KEYS}{project.keys.get().public}/"


def create(api: Client, **body: Any) -> Any:
    return api.post(KEYS, body, JSON)


def test_a_key_has_the_fields_that_clients_read(api: Client, project: Project, url: str) -> None:
    (shown,) = api.get(KEYS).json()
    assert api.get(url).json() == shown
    assert DATE.fullmatch(shown.pop("dateCreated"))
    assert shown == key_of(project.keys.get())


@pytest.mark.parametrize("body", ["", "{}", "\n{} "])
def test_a_key_may_be_made_of_nothing(api: Client, project: Project, body: str) -> None:
    response = api.generic("POST", KEYS, body, JSON)
    shown = response.json()
    assert response.status_code == 201
    assert re.fullmatch("[0-9a-f]{32}", shown["public"])
    assert re.fullmatch("[0-9a-f]{32}", shown["secret"])
    assert (shown["name"], shown["isActive"], shown["rateLimit"]) == ("Default", True, None)
    assert api.get(KEYS).json()[1] == shown


def test_a_key_is_made_as_asked(api: Client, project: Project) -> None:
    body = {
        "name": "Mobile",
        "rateLimit": {"count": 10, "window": 60},
        "public": "a" * 32,
        "secret": "b" * 32,
        "isActive": False,
    }
    shown = create(api, **body).json()
    assert {name: shown[name] for name in body} == body
    assert (shown["id"], shown["label"]) == ("a" * 32, "Mobile")


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ({"count": 0, "window": 1}, {"count": 0, "window": 1}),
        ({"count": 2**31 - 1, "window": 86400}, {"count": 2**31 - 1, "window": 86400}),
        ({"count": 5.0, "window": 6e1}, {"count": 5, "window": 60}),
        ({"count": 5, "window": 0}, None),  # no time in which to count
        ({"count": 0, "window": 0}, None),
        ({"count": "", "window": 300}, None),  # as Sentry's own pages take a limit away
        ({"count": None, "window": 300}, None),
        ({"count": 5, "window": ""}, None),
        ({"count": "", "window": None}, None),
        (None, None),
    ],
)
def test_a_rate_limit_is_a_count_in_a_window(api: Client, url: str, asked: Any, shown: Any) -> None:
    assert create(api, rateLimit=asked).json()["rateLimit"] == shown
    api.put(url, {"rateLimit": {"count": 1, "window": 1}}, JSON)
    assert api.put(url, {"rateLimit": asked}, JSON).json()["rateLimit"] == shown
    assert api.get(url).json()["rateLimit"] == shown


NO_INTEGER = ["Must be an integer."]
NEEDED = ["This field is required."]
REFUSED: list[tuple[dict[str, Any], Any]] = [
    ({"name": "x" * 65}, {"name": ["Ensure this field has no more than 64 characters."]}),
    ({"name": ""}, {"name": ["This field may not be blank."]}),
    ({"name": None}, {"name": ["This field may not be null."]}),
    ({"name": 5}, {"name": ["Must be a text."]}),
    ({"name": "a\x1bb"}, {"name": ["Use text without control characters."]}),
    ({"name": "\x85a"}, {"name": ["Use text without control characters."]}),
    ({"name": "a\tb"}, {"name": ["Use text without control characters."]}),
    ({"isActive": "true"}, {"isActive": ["Must be true or false."]}),
    ({"isActive": 1}, {"isActive": ["Must be true or false."]}),
    ({"isActive": None}, {"isActive": ["This field may not be null."]}),
    ({"rateLimit": {}}, {"rateLimit": {"count": NEEDED, "window": NEEDED}}),
    ({"rateLimit": {"count": 1}}, {"rateLimit": {"window": NEEDED}}),
    ({"rateLimit": 5}, {"rateLimit": {"non_field_errors": ["Invalid data. Expected a dictionary, but got int."]}}),
    (
        {"rateLimit": {"count": -1, "window": 60}},
        {"rateLimit": {"count": ["Ensure this value is greater than or equal to 0."]}},
    ),
    (
        {"rateLimit": {"count": 2**31, "window": 60}},
        {"rateLimit": {"count": ["Ensure this value is less than or equal to 2147483647."]}},
    ),
    (
        {"rateLimit": {"count": 1, "window": 86401}},
        {"rateLimit": {"window": ["Ensure this value is less than or equal to 86400."]}},
    ),
    (
        {"rateLimit": {"count": "1", "window": 1.5}},
        {"rateLimit": {"count": NO_INTEGER, "window": NO_INTEGER}},
    ),
    (
        {"rateLimit": {"count": True, "window": "60"}},
        {"rateLimit": {"count": NO_INTEGER, "window": NO_INTEGER}},
    ),
]
REFUSED_NEW: list[tuple[dict[str, Any], Any]] = [
    ({"public": "xyz"}, {"public": HEX}),
    ({"public": "A" * 32}, {"public": HEX}),
    ({"public": "a" * 32 + "\n"}, {"public": HEX}),
    ({"secret": "a" * 33}, {"secret": HEX}),
    ({"secret": 1}, {"secret": ["Must be a text."]}),
    ({"public": None}, {"public": ["This field may not be null."]}),
]


@pytest.mark.parametrize(("body", "errors"), REFUSED + REFUSED_NEW, ids=lambda value: ascii(value)[:50])
def test_a_key_that_cannot_be_is_refused_by_field(
    api: Client, project: Project, body: dict[str, Any], errors: dict[str, Any]
) -> None:
    response = create(api, **body)
    assert (response.status_code, response.json()) == (400, errors)
    assert project.keys.count() == 1


@pytest.mark.parametrize(("body", "errors"), REFUSED, ids=lambda value: ascii(value)[:50])
def test_a_change_to_what_cannot_be_is_refused_by_field(
    api: Client, url: str, body: dict[str, Any], errors: dict[str, Any]
) -> None:
    before = api.get(url).json()
    response = api.put(url, body, JSON)
    assert (response.status_code, response.json()) == (400, errors)
    assert api.get(url).json() == before


def test_a_change_leaves_alone_what_it_does_not_name(api: Client, url: str) -> None:
    api.put(url, {"name": "Mobile", "rateLimit": {"count": 1, "window": 1}}, JSON)
    before = api.get(url).json()
    for body in (
        {"isActive": False},
        {"name": "Web"},
        {"rateLimit": None},
        {"rateLimit": {"count": 2, "window": 9}},
        {},
    ):
        before.update(body, label=body.get("name", before["label"]))
        response = api.put(url, body, JSON)
        assert (response.status_code, response.json()) == (200, before)


def test_what_was_read_can_be_sent_back_and_both_halves_stay_as_they_are(api: Client, url: str) -> None:
    shown = api.get(url).json()
    for body in (shown, {**shown, "secret": None, "id": "e" * 32, "projectId": 9, "unknown": [1]}):
        response = api.put(url, body, JSON)
        assert (response.status_code, response.json()) == (200, shown)
    for body, fields in (
        ({**shown, "public": "c" * 32, "secret": "d" * 32}, ("public", "secret")),
        ({"public": 5}, ("public",)),
    ):
        response = api.put(url, body, JSON)
        message = ["A key keeps its halves, which DSNs contain. Make another key instead."]
        assert (response.status_code, response.json()) == (400, dict.fromkeys(fields, message))
    assert api.get(url).json() == shown


def test_options_of_the_loader_are_refused_unless_they_ask_for_nothing(api: Client, project: Project, url: str) -> None:
    nothing = {"browserSdkVersion": "latest", "dynamicSdkLoaderOptions": {"hasReplay": False}}
    something = {"browserSdkVersion": "7.x", "dynamicSdkLoaderOptions": {"hasReplay": True}}
    message = ["The loader of SDKs has no options here. Leave the field out."]
    assert api.put(url, nothing, JSON).status_code == 200
    for response in (api.put(url, {"name": "New", **something}, JSON), create(api, **something)):
        assert (response.status_code, response.json()) == (400, dict.fromkeys(something, message))
    assert [key.label for key in project.keys.all()] == ["Default"]


def test_a_deleted_key_is_gone(api: Client, url: str) -> None:
    response = api.delete(url)
    assert (response.status_code, response.content) == (204, b"")
    for again in (api.get(url), api.put(url, {}, JSON), api.delete(url), api.get(f"{url}stats/")):
        assert (again.status_code, again.json()) == (404, MISSING)
    assert api.get(KEYS).json() == []


def test_a_deleted_keys_public_half_can_be_used_again(api: Client, project: Project, url: str) -> None:
    public = project.keys.get().public
    api.delete(url)
    assert create(api, public=public).json()["public"] == public


def test_a_key_that_is_deleted_while_it_is_changed_stays_deleted(
    api: Client, project: Project, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = services.changing_project

    def meddle(number: int) -> Any:
        services.delete_keys(project.keys.all())
        return original(number)

    monkeypatch.setattr(services, "changing_project", meddle)
    response = api.put(url, {"name": "X"}, JSON)
    assert (response.status_code, response.json()) == (404, MISSING)
    assert not ProjectKey.objects.exists()


def test_another_projects_key_is_missing(api: Client, project: Project, organization: Organization) -> None:
    other = services.create_project(organization=organization, slug="other", name="Other")
    url = f"{KEYS}{other.keys.get().public}/"
    for response in (api.get(url), api.put(url, {"name": "X"}, JSON), api.delete(url), api.get(f"{url}stats/")):
        assert (response.status_code, response.json()) == (404, MISSING)
    assert other.keys.get().label == "Default"


def test_a_public_key_in_use_anywhere_is_refused(
    api: Client, project: Project, other_organization: Organization
) -> None:
    other = services.create_project(organization=other_organization, slug="other", name="Other")
    for public in (project.keys.get().public, other.keys.get().public):
        response = create(api, public=public)
        assert (response.status_code, response.json()) == (409, IN_USE)


def test_a_public_key_that_is_taken_at_the_same_moment_is_refused_too(
    api: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another request takes the key after this one saw that it was free."""
    monkeypatch.setattr(ProjectKey, "full_clean", lambda key: None)
    response = create(api, public=project.keys.get().public)
    assert (response.status_code, response.json()) == (409, IN_USE)


def test_a_public_key_that_was_taken_and_is_free_again_at_the_same_moment_is_refused_too(
    api: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other key is deleted before it could be looked up."""

    def refuse(key: ProjectKey) -> None:
        raise ValidationError("Key with this Public already exists.")

    monkeypatch.setattr(ProjectKey, "full_clean", refuse)
    response = create(api, public="a" * 32)
    assert (response.status_code, response.json()) == (409, IN_USE)


def test_no_key_is_made_for_a_project_that_is_deleted_meanwhile(
    api: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = services.save_intake

    def meddle(*args: Any) -> None:
        services.delete_project(project=project)
        original(*args)

    monkeypatch.setattr(services, "save_intake", meddle)
    assert create(api).status_code == 404
    assert not ProjectKey.objects.exists()


@pytest.mark.parametrize(
    "public", ["x", "a" * 31, "a" * 33, "A" * 32, "é" * 32, "a" * 32 + "%0a", "%00" + "a" * 31, "%ff", "a" * 5000]
)
def test_what_is_no_public_key_is_missing(api: Client, project: Project, public: str) -> None:
    for path in (f"{KEYS}{public}/", f"{KEYS}{public}/stats/"):
        response = api.get(path)
        assert (response.status_code, response.json()) == (404, MISSING)


def test_a_disabled_key_keeps_its_counts(api: Client, project: Project, url: str) -> None:
    row = {"outcome": "accepted", "quantity": 4, "key": project.keys.get().public}
    api.post("/api/0/projects/acme/web/outcomes/", {"outcomes": [row]}, JSON)
    api.put(url, {"isActive": False}, JSON)
    assert sum(one["total"] for one in api.get(f"{url}stats/").json()) == 4
