"""Base classes of the admin's pages. They write through projects.services and show on the page what was refused."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from redis.exceptions import RedisError

from projects.admin.input_checks import GuardedAdmin

M = TypeVar("M", bound=Model)

# Errors that are shown on the page instead of a 500.
REFUSALS = (ValidationError, IntegrityError, ObjectDoesNotExist, RedisError)
UNREACHABLE = "Redis cannot be reached right now. Look at what was done, and try again in a moment."
OVERTAKEN = "The database refused this: something was added, changed or deleted at this moment."
DASH = "–"


class ServiceAdmin(GuardedAdmin[M]):
    """A page whose subclasses write through services. It shows what a service refuses (REFUSALS) as a message."""

    class Media:
        css = {"all": ["projects/admin.css"]}

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except REFUSALS as error:
            if request.method != "POST":
                raise
            # Everything was rolled back. Show the same form again, with the refusal as its error.
            request._refusal = _as_validation_error(error)  # type: ignore[attr-defined]
        return super().changeform_view(request, object_id, form_url, extra_context)

    def get_form(
        self, request: HttpRequest, obj: M | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm[M]]:
        form = super().get_form(request, obj, change=change, **kwargs)
        refusal: ValidationError | None = getattr(request, "_refusal", None)
        return form if refusal is None else _refused(form, refusal)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except REFUSALS as error:
            self._show_refusal(request, error)
            change = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
            return HttpResponseRedirect(reverse(change, args=[object_id]))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.method != "POST":
            return super().changelist_view(request, extra_context)
        try:
            # An action's changes and its lines in the log are saved together or not at all.
            with transaction.atomic():
                return super().changelist_view(request, extra_context)
        except REFUSALS as error:
            self._show_refusal(request, error)
            return HttpResponseRedirect(request.get_full_path())

    def _show_refusal(self, request: HttpRequest, error: Exception) -> None:
        self.message_user(request, " ".join(_as_validation_error(error).messages), messages.ERROR)


class CountedAdmin(ServiceAdmin[M]):
    """A page of a model with a name, a slug, and counts that are deleted with it: projects and organizations."""

    prepopulated_fields = {"slug": ["name"]}
    delete_confirmation_template = "admin/projects/delete_with_counts.html"
    delete_selected_confirmation_template = "admin/projects/delete_selected_with_counts.html"
    slug_help = ""

    def get_form(
        self, request: HttpRequest, obj: M | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm[M]]:
        return super().get_form(request, obj, change, help_texts={"slug": self.slug_help}, **kwargs)

    def get_prepopulated_fields(self, request: HttpRequest, obj: M | None = None) -> dict[str, Any]:
        # When a name is corrected, a slug that is in use must stay as it is.
        return self.prepopulated_fields if obj is None else {}

    def condemn(self, rows: Iterable[M]) -> list[int]:
        """Condemn the rows, all or none, so that they will be deleted. Return their ids."""
        raise NotImplementedError

    def finish(self, numbers: list[int]) -> int:
        """Delete the condemned rows with these ids. Return how many keys of Redis were deleted."""
        raise NotImplementedError

    def delete_model(self, request: HttpRequest, obj: M) -> None:
        self._delete(request, [obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[M]) -> None:
        self._delete(request, queryset)

    def _delete(self, request: HttpRequest, rows: Iterable[M]) -> None:
        numbers = self.condemn(rows)
        # After the page's transaction, because deleting keys may take seconds, which is too long to hold a lock.
        transaction.on_commit(lambda: self._report_deleted_keys(request, self.finish(numbers)))

    def _report_deleted_keys(self, request: HttpRequest, keys: int) -> None:
        what = "1 key" if keys == 1 else f"{keys:,} keys"
        self.message_user(request, f"The counts are gone too: {what} of Redis.", messages.INFO)


def safe(markup: str) -> SafeString:
    """Mark markup as safe. Every variable part of it must have been escaped where the markup was made."""
    return SafeString(markup)


def _as_validation_error(error: Exception) -> ValidationError:
    """Return one of REFUSALS as an error whose messages users understand."""
    if isinstance(error, ValidationError):
        return error
    return ValidationError(UNREACHABLE if isinstance(error, RedisError) else OVERTAKEN)


def _refused(form: type[forms.ModelForm[M]], refusal: ValidationError) -> type[forms.ModelForm[M]]:
    """Return a form class that is never valid, because it has the errors of the refusal."""

    def clean(self: forms.ModelForm[M]) -> dict[str, Any] | None:
        cleaned = form.clean(self)
        by_field = refusal.error_dict if hasattr(refusal, "error_dict") else {None: refusal.error_list}
        for field, errors in by_field.items():
            # An error of a field that is not on the page becomes one of the whole form.
            self.add_error(field if field in self.fields else None, cast("Any", errors))
        return cleaned

    return cast("type[forms.ModelForm[M]]", type(form.__name__, (form,), {"clean": clean}))
