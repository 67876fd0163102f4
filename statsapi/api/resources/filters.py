"""The inbound filters of a project: switches by their names, and lists among the options of the project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from django.core.exceptions import ValidationError as DjangoValidationError
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from projects import selectors, services
from projects.legacy_browsers import LEGACY_BROWSERS
from projects.lines import lines_of
from projects.models import LONGEST_LIST, Project, ProjectFilters
from statsapi.api.base import ApiView
from statsapi.api.errors import Missing
from statsapi.api.json_body import read_object
from statsapi.api.objects import get_project
from statsapi.api.permissions import PROJECT_SCOPES
from statsapi.api.resources.fields import Flag
from statsapi.api.schema.operations import describe

LEGACY = "legacy-browsers"
SWITCHES = {
    "browser-extensions": "browser_extensions",
    "invalid-csp": "invalid_csp",
    LEGACY: "legacy_browsers",
    "localhost": "localhost",
    "web-crawlers": "web_crawlers",
}
"""The field of ProjectFilters by the filter's name, for the filters that are on or off."""
LISTS = {"error-message": "error_messages", "ip-address": "ip_addresses", "release-version": "release_versions"}
"""The field of ProjectFilters by the filter's name, for the filters that are lists of texts."""
OPTIONS = {
    "filters:blacklisted_ips": "ip_addresses",
    "filters:releases": "release_versions",
    "filters:error_messages": "error_messages",
}
"""The field of ProjectFilters by the option of a project that sets the list."""


class Filter(TypedDict):
    """A filter: whether it is on, or which of its subfilters are."""

    id: str
    active: bool | list[str]


@extend_schema_field({"type": "array", "items": {"type": "string", "enum": LEGACY_BROWSERS}})
class Subfilters(serializers.Field[list[str], Any, list[str], Any]):
    """Names of legacy browsers."""

    def to_internal_value(self, data: Any) -> list[str]:
        """Return the names, each once. Raises ValidationError."""
        if not isinstance(data, list):
            raise serializers.ValidationError("Must be a list of texts.")
        if not all(isinstance(name, str) and name in LEGACY_BROWSERS for name in data):
            raise serializers.ValidationError(f"Each must be one of {', '.join(LEGACY_BROWSERS)}.")
        return [name for name in LEGACY_BROWSERS if name in data]


class FilterSerializer(serializers.Serializer[ProjectFilters]):
    """Whether a filter is on. For `legacy-browsers` also which of its subfilters are; an empty list means none."""

    active = Flag(required=False)
    subfilters = Subfilters(required=False, allow_null=True)


_TEXT = {"type": "string", "maxLength": LONGEST_LIST}


@extend_schema_field({"type": "object", "additionalProperties": False, "properties": dict.fromkeys(OPTIONS, _TEXT)})
class Options(serializers.Field[dict[str, str], Any, dict[str, str], Any]):
    """The lists of filters, each a text with an entry a line."""

    def to_internal_value(self, data: Any) -> dict[str, str]:
        """Return the lists by their options. Raises ValidationError."""
        if not isinstance(data, dict):
            raise serializers.ValidationError("Must be an object.")
        errors = {}
        for name, text in data.items():
            if name not in OPTIONS:
                errors[name] = [f"Is not an option here; there are {', '.join(OPTIONS)}."]
            elif not isinstance(text, str) or "\0" in text:
                errors[name] = ["Must be a text with an entry a line."]
            elif len(text) > LONGEST_LIST:
                errors[name] = [f"Keep to {LONGEST_LIST} characters."]
        if errors:
            raise serializers.ValidationError(errors)
        return {name: "\n".join(lines_of(text)) for name, text in data.items()}


class FiltersView(ApiView):
    scope_map = PROJECT_SCOPES

    @describe("list_filters", "List a project's inbound filters", list[Filter])
    def get(self, request: Request, organization_slug: str, project_slug: str) -> Response:
        project = get_project(self, organization_slug, project_slug)
        filters = selectors.filters_of(project.id)
        return Response([_shown(filters, name) for name in sorted(SWITCHES | LISTS)])


class FilterView(ApiView):
    scope_map = PROJECT_SCOPES

    @describe("change_filter", "Switch an inbound filter", status=204, says="It is switched.", body=FilterSerializer)
    def put(self, request: Request, organization_slug: str, project_slug: str, filter_id: str) -> Response:
        project = get_project(self, organization_slug, project_slug)
        if filter_id not in SWITCHES | LISTS:
            raise Missing
        wanted = FilterSerializer(data=read_object(request))
        wanted.is_valid(raise_exception=True)
        changes = _changes(filter_id, wanted.validated_data)
        with services.changing_project(project.id) as row:
            save_filters(row, changes)
        return Response(status=204)


def options_of(project: int) -> dict[str, str]:
    """Return the lists of a project's filters by their options."""
    filters = selectors.filters_of(project)
    return {name: "\n".join(lines_of(getattr(filters, field))) for name, field in OPTIONS.items()}


def save_options(project: Project, options: Mapping[str, str]) -> None:
    """Save lists of a project's filters, given by their options. Raises ValidationError by the option."""
    try:
        save_filters(project, {OPTIONS[name]: text for name, text in options.items()})
    except services.LimitReached:
        raise
    except DjangoValidationError as error:
        messages = error.message_dict
        named = {name: messages[field] for name, field in OPTIONS.items() if field in messages}
        if not named:
            raise
        raise serializers.ValidationError({"options": named}) from None


def save_filters(project: Project, changes: Mapping[str, Any]) -> None:
    """Save fields of a project's filters. Call this inside of changing_project. Raises as services.save_intake does."""
    filters = selectors.filters_of(project.pk)
    for field, value in changes.items():
        setattr(filters, field, value)
    services.save_intake(project, filters)


def _shown(filters: ProjectFilters, name: str) -> Filter:
    active: bool | list[str] = bool(getattr(filters, SWITCHES.get(name) or LISTS[name]))
    if name == LEGACY and active:
        active = lines_of(filters.legacy_browser_subfilters) or True
    return {"id": name, "active": active}


def _changes(name: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields to change, with their values. Raises ValidationError."""
    active, subfilters = wanted.get("active"), wanted.get("subfilters")
    if name in LISTS:
        [option] = [option for option, field in OPTIONS.items() if field == LISTS[name]]
        raise serializers.ValidationError({"active": [f"This filter is a list. Set the project's option {option}."]})
    if subfilters is not None and name != LEGACY:
        raise serializers.ValidationError({"subfilters": ["This filter has none."]})
    if active is None and subfilters is None:
        raise serializers.ValidationError({"active": ["This field is required."]})
    if name != LEGACY:
        return {SWITCHES[name]: active}
    on = bool(subfilters) if subfilters is not None and active is not False else active
    return {"legacy_browsers": on, "legacy_browser_subfilters": "\n".join(subfilters or []) if on else ""}
