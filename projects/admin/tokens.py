"""The pages of API tokens.

A token's secret is shown on one page only: the response to the request that created it. No message, cookie or session
carries it there, so it needs to be removed from none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from projects import services
from projects.admin.base import ServiceAdmin
from projects.admin.generics import ModelForm
from projects.models import OFFERED_SCOPES, SCOPES, ApiToken
from projects.services import NewToken


class TokenForm(ModelForm[ApiToken]):
    """The form of a token, with a checkbox for each scope that opens something or that the token has."""

    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in SCOPES], widget=forms.CheckboxSelectMultiple, initial=["project:read"]
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        shown = [scope for scope in SCOPES if scope in OFFERED_SCOPES or scope in self.instance.scopes]
        self.fields["scopes"].widget.choices = [(scope, scope) for scope in shown]

    def clean_expires(self) -> datetime | None:
        expires: datetime | None = self.cleaned_data["expires"]
        if expires and "expires" in self.changed_data and expires <= datetime.now(UTC):
            raise ValidationError("That is over already; times are UTC.")
        return expires


class StateFilter(admin.SimpleListFilter):
    """The filter of the list: active, expired or revoked tokens."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state, state) for state in ("active", "expired", "revoked")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> QuerySet[ApiToken]:
        over = Q(expires__lte=datetime.now(UTC))
        if self.value() == "active":
            return queryset.filter(revoked=None).exclude(over)
        if self.value() == "expired":
            return queryset.filter(over, revoked=None)
        if self.value() == "revoked":
            return queryset.exclude(revoked=None)
        return queryset


@admin.register(ApiToken)
class TokenAdmin(ServiceAdmin[ApiToken]):
    """The list of tokens, the page of one token, and the actions that revoke and rotate tokens."""

    form = TokenForm
    list_display = ["__str__", "state", "may", "organization", "expires", "last_used"]
    list_select_related = ["organization"]
    list_filter = [StateFilter, "organization"]
    search_fields = ["name", "=last_four", "organization__slug"]
    search_help_text = "Name, last four characters, slug of the organization"
    list_per_page = 50
    autocomplete_fields = ["organization"]
    actions = ["revoke", "rotate"]

    def get_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> list[Any]:
        fields = ["organization", "name", "scopes", "expires"]
        return fields if obj is None else [*fields, "state", "created", "last_used", "revoked"]

    def get_readonly_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> list[str]:
        # The organization cannot be changed: the holder was given the token for this one.
        return [] if obj is None else ["organization", "state", "created", "last_used", "revoked"]

    def has_change_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.revoked is None)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        only_save = {"show_save_and_continue": False, "show_save_and_add_another": False}
        return super().add_view(request, form_url, {**only_save, **(extra_context or {})})

    # --- columns ---------------------------------------------------------------------------------------------

    @admin.display(description="scopes")
    def may(self, token: ApiToken) -> str:
        return "all" if set(SCOPES) <= set(token.scopes) else ", ".join(token.scopes)

    @admin.display
    def state(self, token: ApiToken) -> str:
        if token.revoked:
            return "revoked"
        return "expired" if _is_over(token) else "active"

    # --- writes ----------------------------------------------------------------------------------------------

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: Any) -> None:
        if change:
            services.update_token(token=obj)
            return
        made = services.create_token(
            organization=obj.organization, scopes=obj.scopes, name=obj.name, expires=obj.expires
        )
        obj.pk, obj.last_four = made.token.pk, made.token.last_four
        request._made = made  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: ApiToken, post_url_continue: str | None = None) -> HttpResponse:
        return self._show_once(request, [request._made])  # type: ignore[attr-defined]

    def delete_model(self, request: HttpRequest, obj: ApiToken) -> None:
        services.delete_tokens([obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        services.delete_tokens(queryset)

    @admin.action(permissions=["change"], description="Revoke selected tokens")
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        with transaction.atomic():
            tokens = _locked(queryset)
            services.revoke_tokens(tokens)
            for token in tokens:
                self.log_change(request, token, "Revoked.")
        level = messages.SUCCESS if tokens else messages.WARNING
        self.message_user(request, f"Revoked: {len(tokens)}.", level)

    @admin.action(permissions=["change", "add"], description="Rotate selected tokens")
    def rotate(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> HttpResponse | None:
        made = []
        with transaction.atomic():
            for token in _locked(queryset):
                if _is_over(token):
                    continue
                new = services.rotate_token(token=token)
                self.log_change(request, token, f"Rotated: revoked, and {new.token} made instead.")
                self.log_addition(request, new.token, f"Made instead of {token}.")
                made.append(new)
        if not made:
            self.message_user(
                request, "Nothing to rotate: revoked and expired tokens stay as they are.", messages.WARNING
            )
            return None
        return self._show_once(request, made)

    def _show_once(self, request: HttpRequest, made: Sequence[NewToken]) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "The new token" if len(made) == 1 else "The new tokens",
            "opts": self.opts,
            "media": self.media,
            "made": made,
        }
        return TemplateResponse(request, "admin/projects/shown_once.html", context)


def _locked(queryset: QuerySet[ApiToken]) -> list[ApiToken]:
    """Lock and return the tokens that are not revoked. So two requests that rotate one token make one new token."""
    return list(queryset.select_for_update(of=("self",)).filter(revoked=None))


def _is_over(token: ApiToken) -> bool:
    return token.expires is not None and token.expires <= datetime.now(UTC)
