"""Every answer has the fields that the OpenAPI document says, and no other fields."""

from __future__ import annotations

from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from django.contrib.auth.models import User
from django.test import Client

from projects.models import Organization, Project
from tests.api.schema.operations import ASKS, answer_to, set_up


def closed(shape: Any) -> Any:
    """Return the schema with all properties forbidden that it does not name."""
    if isinstance(shape, list):
        return [closed(one) for one in shape]
    if not isinstance(shape, dict):
        return shape
    inner = {name: closed(value) for name, value in shape.items()}
    return {"additionalProperties": False, **inner} if isinstance(shape.get("properties"), dict) else inner


def described(schema: Any, operation: str) -> tuple[str, Any]:
    """Return the operation's method and its part of the document."""
    [found] = [
        (method, one)
        for operations in schema["paths"].values()
        for method, one in operations.items()
        if one["operationId"] == operation
    ]
    return found


def check(schema: Any, operation: str, response: Any, kind: str = "application/json") -> None:
    """Check that the document has the answer's status, and that the answer is as it says, without other fields."""
    _, one = described(schema, operation)
    content = one["responses"][str(response.status_code)].get("content")
    if content is None:
        assert response.content == b""
        return
    assert response["Content-Type"].partition(";")[0] == kind
    shape = closed(content[kind]["schema"])
    value = response.json() if kind == "application/json" else response.content.decode()
    jsonschema.validate(value, shape, jsonschema.Draft202012Validator)


def test_every_operation_is_tried(schema: Any) -> None:
    named = [one["operationId"] for operations in schema["paths"].values() for one in operations.values()]
    assert sorted(named) == sorted(ASKS)


@pytest.mark.parametrize("operation", ASKS)
def test_an_answer_is_as_it_says(
    schema: Any, operation: str, organization: Organization, project: Project, api: Client
) -> None:
    set_up(organization, project, api)
    method, one = described(schema, operation)
    answer = answer_to(operation, method, api)
    assert answer.status_code < 300, answer.content
    check(schema, operation, answer)
    if "text/csv" in one["responses"][str(answer.status_code)].get("content", ()):
        check(schema, operation, answer_to(operation, method, api, format="csv", download="1"), "text/csv")


def test_an_answer_of_other_shape_is_as_it_says(
    schema: Any, organization: Organization, project: Project, api: Client
) -> None:
    set_up(organization, project, api)
    check(schema, "retrieve_organization_event_counts", answer_to(
        "retrieve_organization_event_counts", "get", api, group="project"
    ))  # fmt: skip
    for group in ("project", "outcome", "key_id", "reason"):
        check(schema, "retrieve_outcomes", answer_to("retrieve_outcomes", "get", api, groupBy=group))
    check(schema, "create_key", answer_to("create_key", "post", api))
    check(schema, "list_keys", answer_to("list_keys", "get", api))


def test_an_answer_to_a_person_is_as_it_says(
    schema: Any, organization: Organization, project: Project, api: Client, viewer: User, log_in: Any
) -> None:
    set_up(organization, project, api)
    for client in (log_in(viewer), Client()):
        check(schema, "retrieve_caller", answer_to("retrieve_caller", "get", client))
    for operation in ("list_keys", "retrieve_key", "list_projects"):
        check(schema, operation, answer_to(operation, "get", log_in(viewer)))


def test_a_refusal_is_as_it_says(schema: Any, api: Client, renamed_project: Project) -> None:
    old = "/api/0/projects/acme/old/"
    check(schema, "retrieve_project", api.get(old))
    check(schema, "change_project", api.put(old, {}, "application/json"))
    check(schema, "retrieve_project", Client().get(old))
    check(schema, "retrieve_project", api.get("/api/0/projects/acme/none/"))
    check(schema, "create_project", api.post("/api/0/organizations/acme/projects/", {}, "application/json"))
    again = {"name": "Web", "slug": "web"}
    check(schema, "create_project", api.post("/api/0/organizations/acme/projects/", again, "application/json"))
    check(schema, "list_projects", api.get("/api/0/projects/", {"cursor": "x"}))


def test_its_check_refuses_a_field_more_or_less() -> None:
    shape = closed({"anyOf": [{"type": "object", "properties": {"a": {}}, "required": ["a"]}, {"type": "null"}]})
    validator = jsonschema.Draft202012Validator(shape)
    assert validator.is_valid({"a": 1})
    assert not validator.is_valid({})
    assert not validator.is_valid({"a": 1, "b": 2})
