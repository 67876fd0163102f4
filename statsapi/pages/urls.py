"""The addresses of the pages for people.

A slug has no dot and no slash, but it may be any word. So what belongs to an organization beside its projects stands
under /organization/, and not beside them.
"""

from __future__ import annotations

from django.urls import include, path

from statsapi.pages import home

urlpatterns = [
    path("", home.home, name="home"),
    path("theme/", home.theme, name="theme"),
    path("favicon.ico", home.favicon, name="favicon"),
    path("", include("statsapi.pages.accounts.urls")),
    path("", include("statsapi.pages.organization.urls")),
    path("", include("statsapi.pages.project.urls")),
    path("", include("statsapi.pages.settings.urls")),
    path("", include("statsapi.pages.share.urls")),
]
