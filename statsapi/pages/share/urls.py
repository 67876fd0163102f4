"""The addresses of public links, and of the pages on which they are made and revoked."""

from __future__ import annotations

from django.urls import path

from statsapi.pages.share import manage, public

# A token has letters that a slug has too, and no dot. So the page's address never takes the picture's.
urlpatterns = [
    path("share/<slug:token>/", public.share, name="share"),
    path("share/<slug:token>.svg", public.picture, name="share-picture"),
    path("o/<str:organization>/<str:project>/links/", manage.project_links, name="project-links"),
    path(
        "o/<str:organization>/<str:project>/links/<str:link>/revoke/",
        manage.revoke_project_link,
        name="project-link-revoke",
    ),
    path("organization/<str:organization>/links/", manage.organization_links, name="organization-links"),
    path(
        "organization/<str:organization>/links/<str:link>/revoke/",
        manage.revoke_organization_link,
        name="organization-link-revoke",
    ),
]
