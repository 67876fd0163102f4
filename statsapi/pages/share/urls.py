"""The addresses of public links, and of the pages on which they are made and revoked."""

from __future__ import annotations

from django.urls import path

from statsapi.pages.share import manage, public

urlpatterns = [
    path("share/<str:token>/", public.share, name="share"),
    path("share/<str:token>.svg", public.picture, name="share_picture"),
    path("o/<str:organization>/<str:project>/links/", manage.project_links, name="project_links"),
    path(
        "o/<str:organization>/<str:project>/links/<str:link>/revoke/",
        manage.revoke_project_link,
        name="revoke_project_link",
    ),
    path("organization/<str:organization>/links/", manage.organization_links, name="organization_links"),
    path(
        "organization/<str:organization>/links/<str:link>/revoke/",
        manage.revoke_organization_link,
        name="revoke_organization_link",
    ),
]
