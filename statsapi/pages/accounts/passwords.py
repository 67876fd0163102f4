"""Choosing a password: on a link, with the old password, or after asking for a mail."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import authenticate, update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.contrib.auth.models import User
from django.contrib.auth.views import PasswordResetConfirmView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from projects.password_links import can_mail, link_days
from statsapi.pages.accounts.mails import mail_new_link
from statsapi.sign_in.passwords import one_at_a_time

RULES = "At least 8 characters. Not digits alone, not a common password, and not like your name."
"""AUTH_PASSWORD_VALIDATORS, in words."""


def _explain(form: forms.Form) -> None:
    """Say the rules in one line, instead of in Django's list, and label the second field."""
    form.fields["new_password1"].help_text = RULES
    form.fields["new_password2"].help_text = ""
    form.fields["new_password2"].label = "New password again"


class ChoosePassword(SetPasswordForm):  # type: ignore[type-arg]
    """A new password, twice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _explain(self)


class ChangePassword(PasswordChangeForm):
    """The old password and a new one. Wrong old ones count as at sign-in, and lock the name likewise."""

    def __init__(self, request: HttpRequest, user: User, data: Any = None) -> None:
        super().__init__(user, data)
        self.request = request
        _explain(self)

    def clean_old_password(self) -> str:
        """Return the old password if it is right."""
        old: str = self.cleaned_data["old_password"]
        if authenticate(self.request, username=self.user.get_username(), password=old) is None:
            raise ValidationError("The old password is wrong.")
        return old


class AskForm(forms.Form):
    """The name of an account whose password was forgotten."""

    name = forms.CharField(
        label="E-mail address or name",
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True}),
    )


@one_at_a_time
@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Change the password of who is signed in. Let others ask for a mail with a link, if mail can be sent."""
    if isinstance(request.user, User):
        return _change(request, request.user)
    form = AskForm(request.POST if request.method == "POST" else None)
    if can_mail() and form.is_valid():
        mail_new_link(form.cleaned_data["name"])
        # The answer is the same whether there is such an account or not.
        messages.success(request, "If there is an account of this name with an address, a link is on its way to it.")
        return redirect("login")
    return render(request, "pages/accounts/forgotten.html", {"form": form, "can_mail": can_mail(), "days": link_days()})


def _change(request: HttpRequest, user: User) -> HttpResponse:
    form = ChangePassword(request, user, request.POST if request.method == "POST" else None)
    if form.is_valid():
        form.save()
        update_session_auth_hash(request, user)  # all other sessions end
        messages.success(request, "Your password is changed. Other browsers are signed out.")
        return redirect("account")
    return render(request, "pages/accounts/password.html", {"form": form})


class PasswordLink(PasswordResetConfirmView):
    """Lets the holder of a link choose a password, and signs them in.

    Django keeps the token in the session and goes on to an address without it.
    """

    form_class = ChoosePassword
    template_name = "pages/accounts/password_link.html"
    success_url = reverse_lazy("home")
    post_reset_login = True
    post_reset_login_backend = "django.contrib.auth.backends.ModelBackend"
    extra_context = {"days": link_days}

    def get_user(self, uidb64: str) -> User | None:
        """Return the account of the link, unless it is switched off."""
        user = super().get_user(uidb64)
        return user if isinstance(user, User) and user.is_active else None

    def render_to_response(self, context: dict[str, Any], **more: Any) -> HttpResponse:
        """Answer 404 to a link that does not work."""
        return super().render_to_response(context, status=200 if self.validlink else 404, **more)


password_link = one_at_a_time(require_http_methods(["GET", "HEAD", "POST"])(PasswordLink.as_view()))
