"""The pages of the people who sign in. Memberships say what a person may do. Operators are superusers."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangosUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest

from projects import services
from projects.admin.base import ServiceAdmin
from projects.models import Membership, Organization

# Only superusers enter the admin, so permissions of groups and of staff have no use.
admin.site.unregister([User, Group])


@admin.register(User)
class UserAdmin(ServiceAdmin[User], DjangosUserAdmin):  # type: ignore[type-arg]
    """The list of users, and the page of one user."""

    list_display = ["username", "email", "first_name", "last_name", "is_active", "is_superuser"]
    list_filter = ["is_active", "is_superuser"]
    list_per_page = 50
    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        ("Person", {"fields": ["first_name", "last_name", "email"]}),
        ("Rights", {"fields": ["is_active", "is_superuser"]}),
        ("Dates", {"fields": ["last_login", "date_joined"]}),
    ]
    filter_horizontal = []

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        with services.keeping_owners(Organization.objects.filter(memberships__user=obj)):
            super().save_model(request, obj, form, change)
            if obj.is_superuser and "is_superuser" in form.changed_data:
                # An owner of an organization may have made the account, and have a link or know the password.
                services.void_links(obj)
                self.message_user(request, f"{obj} has no password now: run createuser {obj} for a link to choose one.")

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        with services.keeping_owners(Organization.objects.filter(memberships__user=obj)):
            services.note_departures(obj.memberships.all())
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        with services.keeping_owners(Organization.objects.filter(memberships__user__in=queryset).distinct()):
            services.note_departures(Membership.objects.filter(user__in=queryset))
            super().delete_queryset(request, queryset)
