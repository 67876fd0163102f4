"""Hooks and extensions of drf-spectacular, which makes the OpenAPI document."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerFieldExtension

from statsapi.api.shapes import ecma


def only_the_api(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """Keep the endpoints under /api/0/."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/api/0/")]


def complete_operations(result: Any, generator: Any, request: Any, public: bool) -> Any:
    """Declare what drf-spectacular does not: optional query parameters may be empty, and some bodies must be sent."""
    for operation in (one for operations in result["paths"].values() for one in operations.values()):
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "query" and not parameter.get("required"):
                parameter["allowEmptyValue"] = True
        body = operation.get("requestBody")
        if body and any("required" in one["schema"] for one in body["content"].values()):
            body["required"] = True
    return result


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The credentials that Authentication reads."""

    target_class = "statsapi.api.authentication.Authentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the security scheme."""
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A token; `manage.py createtoken` makes one.",
        }


class TextShape(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """The pattern of a Text, which drf-spectacular does not know."""

    target_class = "statsapi.api.resources.fields.Text"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        """Return the field's JSON schema."""
        field = self.target
        pattern = ecma(field.pattern)
        if field.allow_blank:
            pattern = f"^$|{pattern}"  # generated clients stumble over a choice between a pattern and a constant
        shape = {"type": "string", "pattern": pattern, "maxLength": field.max_length}
        return {name: value for name, value in shape.items() if value is not None}


class WholeOrNoneShape(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """A WholeOrNone, which may be an empty text."""

    target_class = "statsapi.api.resources.fields.WholeOrNone"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        """Return the field's JSON schema."""
        shape = {"type": "integer", "minimum": self.target.min_value, "maximum": self.target.max_value}
        return {"anyOf": [shape, {"const": ""}]}
