"""The addresses of public links."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
