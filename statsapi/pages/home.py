"""The first page: it leads to the only organization, or lists them, or says what to do when there is none."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.views.decorators.http import require_POST, require_safe

from projects import selectors
from projects.models import Organization
from statsapi.http.theme import THEME_COOKIE, THEMES
from statsapi.pages.access import person

YEAR = 365 * 86400


@person()
def home(request: HttpRequest, user: User) -> HttpResponse:
    """Show the organizations of the person, or go to the only one."""
    numbers = [access.organization for access in selectors.find_accesses(user)]
    organizations = list(Organization.objects.filter(pk__in=numbers))
    if len(organizations) == 1:
        return redirect("organization", organization=organizations[0].slug)
    return render(request, "pages/home.html", {"organizations": organizations})


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the theme that was chosen in a cookie, for browsers without scripts. Go back to the page."""
    chosen = request.POST.get("theme", "")
    response = redirect(_back(request))
    if chosen in THEMES:
        response.set_cookie(THEME_COOKIE, chosen, max_age=YEAR, samesite="Lax", secure=request.is_secure())
    else:
        response.delete_cookie(THEME_COOKIE, samesite="Lax")
    return response


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Lead to the icon. Browsers ask for this address when an answer names none, such as one of the API."""
    return redirect(static("pages/icon.svg"), permanent=True)


def _back(request: HttpRequest) -> str:
    """Return the path to go back to. It is one of this service, whatever the form says."""
    path = request.POST.get("next", "/")
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"
