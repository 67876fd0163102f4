"""Scopes. A caller needs one of those that the view asks for the method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

ScopeMap = Mapping[str, frozenset[str]]
"""The scopes that each method asks for; any one is enough. A method that is not named asks for those of DELETE."""


def _levels(what: str) -> ScopeMap:
    admin = frozenset((f"{what}:admin",))
    write = admin | {f"{what}:write"}
    read = write | {f"{what}:read"}
    return {"GET": read, "HEAD": read, "POST": write, "PUT": write, "PATCH": write, "DELETE": admin}


PROJECT_SCOPES = _levels("project")
ORGANIZATION_SCOPES = _levels("org")
ANY_READ = {method: PROJECT_SCOPES[method] | ORGANIZATION_SCOPES[method] for method in PROJECT_SCOPES}
"""The scopes for what belongs to both an organization and its projects."""

ORGANIZATION_PROJECTS = {**PROJECT_SCOPES, "GET": ANY_READ["GET"], "HEAD": ANY_READ["HEAD"]}
EVERY_SCOPE = {
    method: PROJECT_SCOPES[method] | ORGANIZATION_SCOPES[method] | _levels("event")[method] for method in PROJECT_SCOPES
}
"""The scopes for what is the caller's own."""

ADMIN_ALONE = dict.fromkeys(PROJECT_SCOPES, PROJECT_SCOPES["DELETE"])


class HasScope(BasePermission):
    """A check of a token's scopes. A user's scopes depend on the organization, so objects.py checks them."""

    def has_permission(self, request: Request, view: Any) -> bool:
        token = view.caller.token
        return token is None or allows(view.needed_scopes, token.scopes)


def allows(needed: frozenset[str], held: frozenset[str] | tuple[str, ...]) -> bool:
    """Return whether one of the needed scopes is held."""
    return not needed.isdisjoint(held)
