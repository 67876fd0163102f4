"""The addresses of signing in and out, of a person's own account and password, and of members of organizations."""

from __future__ import annotations

from django.urls import path

from statsapi.pages.accounts import members, passwords, views

_MEMBERS = "organization/<str:organization>/members"

urlpatterns = [
    path("login/", views.login, name="login"),
    path("logout/", views.logout, name="logout"),
    path("account/", views.account, name="account"),
    path("password/", passwords.password, name="password"),
    path("password/<str:uidb64>/<str:token>/", passwords.password_link, name="password-link"),
    path(f"{_MEMBERS}/", members.members, name="members"),
    path(f"{_MEMBERS}/leave/", members.leave, name="leave"),
    path(f"{_MEMBERS}/<str:member>/", members.member, name="member"),
    path(f"{_MEMBERS}/<str:member>/link/", members.link, name="member-link"),
    path(f"{_MEMBERS}/<str:member>/remove/", members.remove, name="member-remove"),
]
