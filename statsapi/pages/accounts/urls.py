"""The addresses of signing in and out, of a person's own account, and of passwords."""

from __future__ import annotations

from django.urls import path

from statsapi.pages.accounts import passwords, views

urlpatterns = [
    path("login/", views.login, name="login"),
    path("logout/", views.logout, name="logout"),
    path("account/", views.account, name="account"),
    path("password/", passwords.password, name="password"),
    path("password/<str:uidb64>/<str:token>/", passwords.password_link, name="password_link"),
]
