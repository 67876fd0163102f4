"""The admin's site and its login form. The admin shows every organization, so only superusers may enter."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django import forms
from django.contrib.admin import AdminSite
from django.contrib.auth.forms import AuthenticationForm, UsernameField
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from projects.acting import acting_as
from projects.services import find_account

V = TypeVar("V", bound=Callable[..., Any])

WHO = "The admin is for operators: superusers alone."


class PersonLogin(AuthenticationForm):
    """A login form for everybody."""

    # Django's own field shows the limit to the browser and does not enforce it. PostgreSQL does, and the sign-in would
    # end in a 500.
    username = UsernameField(
        label="E-mail address or name", max_length=150, widget=forms.TextInput(attrs={"autofocus": True})
    )
    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": "The name or the password is wrong.",
        "inactive": "This account is switched off.",
    }

    def clean_username(self) -> str:
        """Return the account's name as it is written there. In an e-mail address, upper and lower case are the same.

        So wrong passwords are counted for one name, however it is written.
        """
        name: str = self.cleaned_data["username"]
        if "@" not in name:
            return name
        account = find_account(name)
        return account.get_username() if account else name.lower()


class OperatorLogin(PersonLogin):
    """The login form of the admin, which refuses everybody but superusers."""

    required_css_class = "required"

    def confirm_login_allowed(self, user: User) -> None:
        super().confirm_login_allowed(user)
        if not user.is_superuser:
            raise ValidationError(f"{WHO} “{user.get_username()}” is none.", code="no_operator")


class OperatorSite(AdminSite):
    """The admin site, open to active superusers only."""

    site_header = site_title = "Event counts"
    index_title = "Who is counted, and who may ask"
    site_url = "/"
    login_form = OperatorLogin
    login_template = "admin/projects/login.html"

    def has_permission(self, request: HttpRequest) -> bool:
        user: Any = request.user
        return bool(user.is_active and user.is_superuser)

    def admin_view(self, view: V, cacheable: bool = False) -> V:
        checked = super().admin_view(view, cacheable)

        @wraps(checked)
        def named(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            user: Any = request.user
            with acting_as(user.get_username()):
                return checked(request, *args, **kwargs)

        return cast("V", named)
