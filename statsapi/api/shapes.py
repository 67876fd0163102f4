"""JSON schemas of the types that the API's answers are declared with."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

from projects.models import HEX_PATTERN

_BASIC = {str: "string", bool: "boolean", int: "integer", float: "number"}


def ecma(pattern: str) -> str:
    r"""Return a Python pattern as JavaScript writes it, which has no `\Z` and whose `$` matches at the end alone."""
    return pattern.replace(r"\Z", "$")


class More:
    """What the JSON schema of an Annotated type says beside the type."""

    def __init__(self, **schema: Any) -> None:
        self.schema = schema


Date = Annotated[str, More(format="date-time")]
Hex = Annotated[str, More(pattern=ecma(HEX_PATTERN))]
Count = Annotated[int, More(minimum=0)]


def shape_of(hint: Any) -> dict[str, Any]:
    """Return the JSON schema of a type.

    The type is a TypedDict, a list, dictionary or tuple of types, a union, a Literal, a basic type, Any, or one of
    these Annotated with More.
    """
    origin, args = get_origin(hint), get_args(hint)
    if hint is Any:
        return {}
    if is_typeddict(hint):
        return _object(get_type_hints(hint, include_extras=True))
    if origin is Annotated:
        return {**shape_of(args[0]), **args[1].schema}
    if origin is NotRequired:
        return shape_of(args[0])
    if origin in (Union, UnionType):
        shapes = [shape_of(arg) for arg in args if arg is not NoneType]
        if NoneType not in args:
            return {"anyOf": shapes}
        [shape] = shapes
        return {**shape, "type": [shape["type"], "null"]}
    if origin is list:
        return {"type": "array", "items": shape_of(args[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": shape_of(args[1])}
    if origin is tuple:
        length = len(args)
        items = {"items": {"type": "number"}}  # for tools that do not know prefixItems
        return {
            "type": "array", "minItems": length, "maxItems": length, "prefixItems": [*map(shape_of, args)], **items
        }  # fmt: skip
    if origin is Literal:
        return {"enum": [*args]}
    return {"type": _BASIC[hint]}


def _object(hints: dict[str, Any]) -> dict[str, Any]:
    required = [name for name, hint in hints.items() if get_origin(hint) is not NotRequired]
    properties = {name: shape_of(hint) for name, hint in hints.items()}
    return {"type": "object", "properties": properties, "required": required}
