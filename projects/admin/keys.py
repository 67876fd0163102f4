"""The pages of the keys that SDKs use. The secret half of a key is shown only on the key's own page."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.db.models.functions import Concat
from django.http import HttpRequest
from django.utils.html import format_html

from projects import services
from projects.admin.base import DASH, ServiceAdmin
from projects.admin.generics import TabularInline
from projects.dsn import dsn
from projects.models import Project, ProjectKey

_RATE_LIMIT = ["rate_limit_count", "rate_limit_window"]


def dsn_of(key: ProjectKey) -> str:
    """Return the key's DSN as HTML. One click selects all of it."""
    return format_html('<code class="copyable">{}</code>', dsn(key.public, key.project_id)) if key.pk else DASH


class KeyInline(TabularInline[ProjectKey, Project]):
    """The keys of a project, on the project's page."""

    model = ProjectKey
    fields = ["label", "active", *_RATE_LIMIT, "dsn"]
    readonly_fields = ["dsn"]
    extra = 0
    show_change_link = True
    verbose_name = "key"
    verbose_name_plural = "keys"

    @admin.display(description="DSN")
    def dsn(self, key: ProjectKey) -> str:
        return dsn_of(key)


@admin.register(ProjectKey)
class KeyAdmin(ServiceAdmin[ProjectKey]):
    """The list of all keys, and the page of one key."""

    list_display = ["public", "label", "of", "active", "rate_limit"]
    list_select_related = ["project__organization"]
    list_filter = ["active", "project__organization"]
    search_fields = ["label", "=public", "project__slug", "project__organization__slug"]
    search_help_text = "Label, public half, slug of the project or the organization"
    list_per_page = 50
    readonly_fields = ["project", "dsn", "dsn_with_secret", "created"]
    actions = ["disable", "enable"]

    fieldsets = [
        (None, {"fields": ["project", "label", "active", *_RATE_LIMIT, "dsn", "created"]}),
        (
            "For very old SDKs",
            {
                "fields": ["dsn_with_secret"],
                "classes": ["collapse"],
                "description": "SDKs of before 2018 want the secret half too. Everybody else leaves it out.",
            },
        ),
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # keys are added on the page of their project

    @admin.display(description="project", ordering=Concat("project__organization__slug", "project__slug"))
    def of(self, key: ProjectKey) -> str:
        return f"{key.project.organization} / {key.project}"

    @admin.display(ordering="rate_limit_count")
    def rate_limit(self, key: ProjectKey) -> str:
        if key.rate_limit_count is None:
            return DASH
        return f"{key.rate_limit_count:,} in {key.rate_limit_window:,} s"

    @admin.display(description="DSN")
    def dsn(self, key: ProjectKey) -> str:
        return dsn_of(key)

    @admin.display(description="DSN with the secret")
    def dsn_with_secret(self, key: ProjectKey) -> str:
        return format_html('<code class="copyable">{}</code>', dsn(f"{key.public}:{key.secret}", key.project_id))

    @admin.action(permissions=["change"], description="Disable selected keys")
    def disable(self, request: HttpRequest, queryset: QuerySet[ProjectKey]) -> None:
        self._switch(request, queryset, active=False)

    @admin.action(permissions=["change"], description="Enable selected keys")
    def enable(self, request: HttpRequest, queryset: QuerySet[ProjectKey]) -> None:
        self._switch(request, queryset, active=True)

    def save_model(self, request: HttpRequest, obj: ProjectKey, form: Any, change: Any) -> None:
        services.save_intake(obj.project, obj)

    def delete_model(self, request: HttpRequest, obj: ProjectKey) -> None:
        services.delete_keys([obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ProjectKey]) -> None:
        services.delete_keys(queryset)

    def _switch(self, request: HttpRequest, queryset: QuerySet[ProjectKey], *, active: bool) -> None:
        word = "Enabled" if active else "Disabled"
        keys = list(queryset.filter(active=not active))
        for key in keys:
            key.active = active
            services.save_intake(key.project, key)
            self.log_change(request, key, f"{word}.")
        self.message_user(request, f"{word}: {len(keys)}.", messages.SUCCESS if keys else messages.WARNING)
