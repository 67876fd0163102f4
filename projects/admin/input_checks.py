"""What the address and the form of a page may ask: what the page itself would, and nothing that one could type besides.

Django lets an address filter a list by any field of its model, with any lookup: so it told hidden fields by trial, and
let a regular expression run for hours. And it hands ids that are none to the database.
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
"""Characters. No name is longer, and each word of it is another condition for each field that is searched."""

_ID = re.compile("[0-9]{1,18}")
"""What any database takes for an integer of 64 bits."""


class NamedFilters(ChangeList):
    """A list that is filtered by the parameters of its filters. Raises DisallowedModelAdminLookup for any other."""

    def get_filters(self, request: HttpRequest) -> tuple[list[Any], bool, dict[str, Any], bool, bool]:
        found = super().get_filters(request)
        nobodys = found[2]
        if nobodys:
            raise DisallowedModelAdminLookup(f"No filter of this list reads {', '.join(sorted(nobodys))}.")
        return found

    def get_results(self, request: HttpRequest) -> None:
        try:
            super().get_results(request)
        except (DataError, OverflowError, ValueError) as error:  # the database cannot take what a filter was given
            raise IncorrectLookupParameters from error


class _KnownChoice(AutocompleteSelect):
    """Shows what was chosen, unless that is no id."""

    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        return super().optgroups(name, [one for one in value if _ID.fullmatch(str(one))], attr)


class GuardedAdmin(ModelAdmin[M]):
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
        return {}  # the address of a form fills in none of its fields

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any], request: HttpRequest, **kwargs: Any) -> Any:
        return known_choice(self, db_field, super().formfield_for_foreignkey(db_field, request, **kwargs))


def known_choice(page: Any, db_field: ForeignKey[Any], formfield: forms.Field | None) -> forms.Field | None:
    """The field of a form; where its choices come as one types, an odd value chooses nothing."""
    if formfield is not None and isinstance(formfield.widget, AutocompleteSelect):
        formfield.widget = _KnownChoice(db_field, page.admin_site)
    return formfield
