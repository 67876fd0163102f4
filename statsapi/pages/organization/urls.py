"""The addresses of an organization's page."""

from __future__ import annotations

from django.urls import path

from statsapi.pages.organization import views

urlpatterns = [
    path("o/<str:organization>/", views.organization, name="organization"),
]
