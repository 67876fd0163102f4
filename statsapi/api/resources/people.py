"""Users and members in JSON, as Sentry's clients expect them."""

from __future__ import annotations

from typing import TypedDict

from django.contrib.auth.models import User

from projects import selectors
from projects.models import ApiToken, Membership
from statsapi.api.resources.representations import LETTERS, Avatar, date
from statsapi.api.shapes import Date


class Address(TypedDict):
    """An e-mail address. Nobody verified it."""

    id: str
    email: str
    is_verified: bool


class Person(TypedDict):
    """A user as others of the organization see them."""

    id: str
    name: str
    username: str
    email: str
    avatarUrl: str | None
    avatar: Avatar
    emails: list[Address]
    isActive: bool
    isManaged: bool
    has2fa: bool
    dateJoined: Date


class Oneself(Person):
    """A user as they see themselves, or a token that stands for one."""

    hasPasswordAuth: bool
    isStaff: bool
    isSuperuser: bool
    lastLogin: str | None
    lastActive: str | None


class Member(TypedDict):
    """A member of an organization. `user` is null until they choose a password."""

    id: str
    email: str
    name: str
    user: Person | None
    orgRole: str
    role: str
    roleName: str
    pending: bool
    expired: bool
    flags: dict[str, bool]
    dateCreated: Date
    inviteStatus: str
    inviterName: str | None


def member(row: Membership) -> Member:
    """Return a member. When they came in is not known, so the date is that of their account."""
    user, role = row.user, Membership.Role(row.role)
    pending = not user.has_usable_password()
    return {
        "id": str(row.pk),
        "email": user.email,
        "name": _name(user),
        "user": None if pending else person(user),
        "orgRole": role.value,
        "role": role.value,
        "roleName": str(role.label),
        "pending": pending,
        "expired": False,
        "flags": {},
        "dateCreated": date(user.date_joined),
        "inviteStatus": "approved",
        "inviterName": None,
    }


def person(user: User) -> Person:
    """Return a user without what only they themselves should see."""
    number = str(user.pk)
    return {
        "id": number,
        "name": _name(user),
        "username": user.get_username(),
        "email": user.email,
        "avatarUrl": None,
        "avatar": LETTERS,
        "emails": [{"id": number, "email": user.email, "is_verified": False}] if user.email else [],
        "isActive": user.is_active,
        "isManaged": False,
        "has2fa": False,
        "dateJoined": date(user.date_joined),
    }


def oneself(user: User) -> Oneself:
    """Return the user who asks."""
    seen = date(user.last_login) if user.last_login else None
    return {
        **person(user),
        "hasPasswordAuth": user.has_usable_password(),
        "isStaff": user.is_staff,
        "isSuperuser": user.is_superuser,
        "lastLogin": seen,
        "lastActive": seen,
    }


def stand_in(token: ApiToken) -> Oneself:
    """Return a token that asks as if it were a user, because clients stop without one. It has no address."""
    name = selectors.name_of_token(token)
    return {
        "id": f"token-{token.pk}",
        "name": name,
        "username": name,
        "email": "",
        "avatarUrl": None,
        "avatar": LETTERS,
        "emails": [],
        "isActive": True,
        "isManaged": False,
        "has2fa": False,
        "dateJoined": date(token.created),
        "hasPasswordAuth": False,
        "isStaff": False,
        "isSuperuser": False,
        "lastLogin": None,
        "lastActive": date(token.last_used) if token.last_used else None,
    }


def _name(user: User) -> str:
    return user.get_full_name() or user.get_username()
