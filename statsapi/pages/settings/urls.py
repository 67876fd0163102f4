"""The addresses of setup, of a project's settings, and of an organization's."""

from __future__ import annotations

from django.urls import path

from statsapi.pages.settings import (
    budgets,
    ending,
    environments,
    filters,
    general,
    history,
    keys,
    organization,
    setup,
    tokens,
)

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
    path(f"{_SETTINGS}/budgets/", budgets.budgets, name="project-budgets"),
    path(f"{_SETTINGS}/budgets/<str:budget>/", budgets.budget, name="project-budget"),
    path(f"{_SETTINGS}/budgets/<str:budget>/delete/", budgets.delete, name="project-budget-delete"),
    path(f"{_SETTINGS}/filters/", filters.filters, name="project-filters"),
    path(f"{_SETTINGS}/filters/undo/", filters.undo, name="project-filters-undo"),
    path(f"{_SETTINGS}/environments/", environments.environments, name="project-environments"),
    path(f"{_SETTINGS}/merge/", ending.merge, name="project-merge"),
    path(f"{_SETTINGS}/delete/", ending.delete, name="project-delete"),
    path(f"{_ORGANIZATION}/projects/new/", general.new_project, name="project-new"),
    path(f"{_ORGANIZATION}/settings/", organization.organization, name="organization-settings"),
    path(f"{_ORGANIZATION}/settings/delete/", organization.delete, name="organization-delete"),
    path(f"{_ORGANIZATION}/history/", history.history, name="history"),
    path(f"{_ORGANIZATION}/tokens/", tokens.tokens, name="tokens"),
    path(f"{_ORGANIZATION}/tokens/<str:token>/revoke/", tokens.revoke, name="token-revoke"),
    path(f"{_ORGANIZATION}/tokens/<str:token>/rotate/", tokens.rotate, name="token-rotate"),
]
