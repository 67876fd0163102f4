"""Signing in and out, and a person's own account."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse_lazy

from projects.admin_site import PersonLogin
from statsapi.pages.access import person
from statsapi.sign_in.passwords import one_at_a_time

login = one_at_a_time(
    LoginView.as_view(
        template_name="pages/accounts/login.html",
        authentication_form=PersonLogin,
        redirect_authenticated_user=True,
        next_page=reverse_lazy("home"),
    )
)
logout = LogoutView.as_view(next_page=reverse_lazy("login"))


@person()
def account(request: HttpRequest, user: User) -> HttpResponse:
    """Show the person's own account."""
    return render(request, "pages/accounts/account.html")
