"""Checks of what a URL or a form asks of the admin: only what the page itself offers is allowed.

Django lets a URL filter a list by any field of its model with any lookup. That reveals hidden fields by trial and lets
a regular expression run for hours. Django also passes values that are no ids to the database.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeVar

from django import forms
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import SuspiciousOperation
from django.db import DataError
from django.db.models import ForeignKey, Model, QuerySet
from django.http import HttpRequest, HttpResponse

from projects.admin.generics import ModelAdmin

M = TypeVar("M", bound=Model)

LONGEST_SEARCH = 200
"""The most characters of a search. No name is longer, and each word adds a condition for each searched field."""

_ID = re.compile("[0-9]{1,18}")
"""Ids that every database accepts, because they fit into 64 bits."""


class NamedFilters(ChangeList):
    """A list that accepts only the parameters of its own filters. Raises DisallowedModelAdminLookup for any other."""

    def get_filters(self, request: HttpRequest) -> tuple[list[Any], bool, dict[str, Any], bool, bool]:
        found = super().get_filters(request)
        unknown = found[2]
        if unknown:
            raise DisallowedModelAdminLookup(f"No filter of this list reads {', '.join(sorted(unknown))}.")
        return found

    def get_results(self, request: HttpRequest) -> None:
        try:
            super().get_results(request)
        except (DataError, OverflowError, ValueError) as error:  # the database refuses a filter's value
            raise IncorrectLookupParameters from error


class _KnownChoice(AutocompleteSelect):
    """A field with suggestions that shows the chosen row, and nothing if the chosen value is not an id."""

    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        return super().optgroups(name, [one for one in value if _ID.fullmatch(str(one))], attr)


class GuardedAdmin(ModelAdmin[M]):
    """A page that checks filters, chosen rows, searches and the initial values of its form."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return NamedFilters

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not all(map(_ID.fullmatch, request.POST.getlist(ACTION_CHECKBOX_NAME))):
            raise SuspiciousOperation("A row is chosen that has no id.")
        return super().changelist_view(request, extra_context)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[M], search_term: str
    ) -> tuple[QuerySet[M], bool]:
        if "\0" in search_term or len(search_term) > LONGEST_SEARCH:
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {}  # a form's URL must not fill in fields

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any], request: HttpRequest, **kwargs: Any) -> Any:
        return known_choice(self, db_field, super().formfield_for_foreignkey(db_field, request, **kwargs))


def known_choice(page: Any, db_field: ForeignKey[Any], formfield: forms.Field | None) -> forms.Field | None:
    """Return the form field of a foreign key. If it has suggestions, a value that is not an id chooses nothing."""
    if formfield is not None and isinstance(formfield.widget, AutocompleteSelect):
        formfield.widget = _KnownChoice(db_field, page.admin_site)
    return formfield
