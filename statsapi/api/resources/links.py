"""Links of the OpenAPI document: where an answer has the slugs and keys that other operations take in their paths."""

from __future__ import annotations

from typing import Any

from statsapi.api.resources import representations
from statsapi.api.resources.budgets import ShownBudget
from statsapi.api.schema.operations import OPERATIONS

NAMES: dict[Any, dict[str, str]] = {
    representations.OrganizationDetails: {"organization_slug": "slug"},
    representations.ProjectDetails: {"project_slug": "slug", "organization_slug": "organization/slug"},
    representations.Key: {"public_key": "public"},
    ShownBudget: {"budget_id": "id"},
}
"""By an answer's type: path parameters, and where in it their values are. The first one names the object itself.

A list is not here, because a link must lead to something, and a list may be empty.
"""


def add_links(result: Any, generator: Any, request: Any, public: bool) -> Any:
    """Link each answer that shows an object to the operations on this object."""
    for operations in result["paths"].values():
        for operation in operations.values():
            found = links_of(operation["operationId"])
            if found:
                [status] = [status for status in operation["responses"] if status.startswith("2")]
                operation["responses"][status]["links"] = found
    return result


def links_of(operation_id: str) -> dict[str, Any]:
    """Return the links of an operation's successful answer by the ids of the operations that they lead to.

    Values that the answer does not show are taken from the request's path.
    """
    answer, path = OPERATIONS[operation_id]
    if answer not in NAMES:
        return {}
    names = NAMES[answer]
    values = {
        **{name: f"$request.path.{name}" for name in path},
        **{name: f"$response.body#/{pointer}" for name, pointer in names.items()},
    }
    own = next(iter(names))
    return {
        target: {"operationId": target, "parameters": {name: values[name] for name in sorted(names_of_target)}}
        for target, (_, names_of_target) in OPERATIONS.items()
        if target != operation_id and own in names_of_target and names_of_target <= values.keys()
    }
