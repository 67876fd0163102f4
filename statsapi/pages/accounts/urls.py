"""The addresses of signing in and out, and of a person's own account."""

from __future__ import annotations

from django.urls import path

from statsapi.pages.accounts import views

urlpatterns = [
    path("login/", views.login, name="login"),
    path("logout/", views.logout, name="logout"),
    path("account/", views.account, name="account"),
]
