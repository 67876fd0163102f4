"""The pages of the people who sign in. Memberships say what a person may do. Operators are superusers."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangosUserAdmin
from django.contrib.auth.models import Group, User

from projects.admin.input_checks import GuardedAdmin

# Only superusers enter the admin, so permissions of groups and of staff have no use.
admin.site.unregister([User, Group])


@admin.register(User)
class UserAdmin(GuardedAdmin[User], DjangosUserAdmin):  # type: ignore[type-arg]
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
