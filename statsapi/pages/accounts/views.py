"""Signing in and out, and a person's own account."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.views.decorators.http import require_http_methods

from projects import services
from projects.admin_site import PersonLogin
from projects.models import Preference
from statsapi.pages.access import person
from statsapi.sign_in.passwords import one_at_a_time


class Login(LoginView):
    """Signs a person in, and goes on to the page of this service that they asked for."""

    template_name = "pages/accounts/login.html"
    authentication_form = PersonLogin
    redirect_authenticated_user = True

    def get_redirect_url(self, request: HttpRequest | None = None) -> str:
        """Return the path to go on to if it is one of this service, and not this page, or else an empty text."""
        url = super().get_redirect_url()
        return "" if url.partition("?")[0] == self.request.path else url


login = one_at_a_time(require_http_methods(["GET", "HEAD", "POST"])(Login.as_view(next_page=reverse_lazy("home"))))
logout = LogoutView.as_view(next_page=reverse_lazy("login"))


def _zones() -> list[tuple[str, object]]:
    """Return the choices of time zones: the browser's, UTC, and the names by continent."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for name in sorted(services.zone_names() - {"UTC"}):
        continent, _, place = name.partition("/")
        groups.setdefault(continent if place else "Others", []).append((name, name.replace("_", " ")))
    others = groups.pop("Others")
    return [("", "The browser’s"), ("UTC", "UTC"), *groups.items(), ("Others", others)]


class ZoneForm(forms.Form):
    """The time zone in which a person reads days and times."""

    timezone = forms.ChoiceField(label="Time zone", required=False, choices=_zones)


@person(["GET", "POST"])
def account(request: HttpRequest, user: User) -> HttpResponse:
    """Show the person's own account, and keep the time zone that they choose."""
    kept = Preference.objects.filter(user=user).values_list("timezone", flat=True).first() or ""
    form = ZoneForm(request.POST if request.method == "POST" else None, initial={"timezone": kept})
    if form.is_valid():
        services.keep_timezone(user, form.cleaned_data["timezone"])
        messages.success(request, "Your time zone is kept.")
        return redirect("account")
    memberships = user.memberships.select_related("organization").order_by("organization__name")
    return render(request, "pages/accounts/account.html", {"form": form, "memberships": memberships})
