"""The addresses of what is changed on pages: settings, members, tokens, links, history."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
