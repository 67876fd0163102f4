"""Fields that Sentry's clients may send, and that have no effect here.

A field that asks for something is refused, because a success would say that it was done. A value that asks for nothing
is ignored: one that is empty, or Sentry's default. So is every other field, such as those that an answer shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

_NO_ISSUES = "There are no issues here."
_NO_ALERTS = "There are no alerts here."
_NO_GROUPS = "Events are counted and not grouped here."
_NO_FETCHES = "Nothing is fetched from your servers here."
_NO_LOADER = "The loader of SDKs has no options here."

OF_PROJECT = {
    "isBookmarked": "There are no bookmarks here.",
    "resolveAge": _NO_ISSUES,
    "highlightTags": _NO_ISSUES,
    "highlightContext": _NO_ISSUES,
    "subjectPrefix": _NO_ALERTS,
    "subjectTemplate": _NO_ALERTS,
    "digestsMinDelay": _NO_ALERTS,
    "digestsMaxDelay": _NO_ALERTS,
    "groupingConfig": _NO_GROUPS,
    "groupingEnhancements": _NO_GROUPS,
    "fingerprintingRules": _NO_GROUPS,
    "securityToken": _NO_FETCHES,
    "securityTokenHeader": _NO_FETCHES,
    "symbolSources": _NO_FETCHES,
    "allowedDomains": "Events of all domains are counted here.",
    "defaultEnvironment": "There is no default environment here.",
}
"""Why a field of a project cannot be obeyed, by the field."""

OF_KEY = {"browserSdkVersion": _NO_LOADER, "dynamicSdkLoaderOptions": _NO_LOADER}
"""Why a field of a key cannot be obeyed, by the field."""

_DEFAULTS: dict[str, Any] = {"allowedDomains": ["*"], "browserSdkVersion": "latest"}


def refuse_wishes(body: Mapping[str, Any], reasons: Mapping[str, str]) -> None:
    """Raise ValidationError if the body asks for something that is not done here."""
    wished = [field for field in reasons if not _asks_for_nothing(body.get(field), _DEFAULTS.get(field))]
    if wished:
        raise serializers.ValidationError({field: [f"{reasons[field]} Leave the field out."] for field in wished})


def _asks_for_nothing(value: Any, default: Any) -> bool:
    if isinstance(value, dict):
        return not any(value.values())
    return not value or value == default
