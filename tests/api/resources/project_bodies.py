"""Bodies that make and change projects, and what is answered to those that cannot be obeyed."""

from __future__ import annotations

from typing import Any

from django.test import Client

JSON = "application/json"
PROJECTS = "/api/0/organizations/acme/projects/"
WEB = "/api/0/projects/acme/web/"
TAKEN = {"detail": "A project with this slug already exists."}
MISSING = {"detail": "The requested resource does not exist"}
SLUG = {"slug": ["Use 1 to 100 of a-z, 0-9, - and _, and not digits alone."]}
CONTROL = "Use text without control characters."


def create(api: Client, **body: Any) -> Any:
    return api.post(PROJECTS, body, JSON)


def change(api: Client, url: str = WEB, **body: Any) -> Any:
    return api.put(url, body, JSON)


REFUSED: list[tuple[dict[str, Any], dict[str, list[str]]]] = [
    ({}, {"name": ["This field is required."]}),
    ({"name": None}, {"name": ["This field may not be null."]}),
    ({"name": ""}, {"name": ["This field may not be blank."]}),
    ({"name": " \u3000"}, {"name": ["This field may not be blank."]}),
    ({"name": "x" * 51}, {"name": ["Ensure this field has no more than 50 characters."]}),
    ({"name": 5}, {"name": ["Must be a text."]}),
    ({"name": True}, {"name": ["Must be a text."]}),
    ({"name": ["x"]}, {"name": ["Must be a text."]}),
    ({"name": "a\nb"}, {"name": [CONTROL]}),
    ({"name": "a\x85b"}, {"name": [CONTROL]}),
    ({"name": "x", "slug": "A b"}, SLUG),
    ({"name": "x", "slug": "12"}, SLUG),
    ({"name": "x", "slug": " x"}, SLUG),
    ({"name": "x", "slug": "x\n"}, SLUG),
    ({"name": "x", "slug": "é"}, SLUG),
    ({"name": "x", "slug": "x" * 101}, SLUG),
    ({"name": "x", "slug": ""}, {"slug": ["This field may not be blank."]}),
    ({"name": "x", "slug": 12}, {"slug": ["Must be a text."]}),
    ({"name": "x", "platform": "p" * 51}, {"platform": ["Ensure this field has no more than 50 characters."]}),
    ({"name": "x", "platform": 1}, {"platform": ["Must be a text."]}),
]
