"""The addresses of public links."""

from __future__ import annotations

from django.urls import path

from statsapi.pages.share import public

urlpatterns = [
    path("share/<str:token>/", public.share, name="share"),
    path("share/<str:token>.svg", public.picture, name="share_picture"),
]
