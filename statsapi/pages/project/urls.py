"""The addresses of a project's page."""

from __future__ import annotations

from django.urls import path

from statsapi.pages.project import views

urlpatterns = [
    path("o/<str:organization>/<str:project>/", views.project, name="project"),
]
