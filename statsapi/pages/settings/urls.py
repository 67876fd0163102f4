"""The addresses of setup and of a project's settings."""

from __future__ import annotations

from django.urls import path

from statsapi.pages.settings import general, keys, setup

_PROJECT = "o/<str:organization>/<str:project>"
_SETTINGS = f"{_PROJECT}/settings"
_ORGANIZATION = "organization/<str:organization>"

urlpatterns = [
    path(f"{_PROJECT}/setup/", setup.setup, name="project-setup"),
    path(f"{_SETTINGS}/", general.general, name="project-settings"),
    path(f"{_SETTINGS}/keys/", keys.keys, name="project-keys"),
    path(f"{_SETTINGS}/keys/<str:public>/", keys.key, name="project-key"),
    path(f"{_SETTINGS}/keys/<str:public>/switch/", keys.switch, name="project-key-switch"),
    path(f"{_SETTINGS}/keys/<str:public>/delete/", keys.delete, name="project-key-delete"),
    path(f"{_ORGANIZATION}/projects/new/", general.new_project, name="project-new"),
]
