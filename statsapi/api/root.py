"""GET /api/0/: who the caller is. It answers without credentials too. sentry-cli's `info` asks it."""

from __future__ import annotations

from typing import Any, TypedDict

from rest_framework.request import Request
from rest_framework.response import Response

from statsapi.api.authentication import caller_of
from statsapi.api.base import ApiView
from statsapi.api.permissions import ORGANIZATION_SCOPES, HasScope
from statsapi.api.schema.operations import describe


class RootPermission(HasScope):
    """A check of scopes that lets everybody read."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.method in ("GET", "HEAD") or super().has_permission(request, view)


class Auth(TypedDict):
    """The scopes of a token. A browser session has none here."""

    scopes: list[str]


class RootUser(TypedDict):
    """The person whose session it is."""

    id: str
    email: str
    name: str


class Root(TypedDict):
    """The answer: both are None without credentials."""

    version: str
    auth: Auth | None
    user: RootUser | None


class RootView(ApiView):
    scope_map = ORGANIZATION_SCOPES
    permission_classes = [RootPermission]

    @describe("retrieve_caller", "Who is asking", Root, auth=[{}, {"bearer": []}])
    def get(self, request: Request) -> Response:
        caller = caller_of(request)
        auth: Auth | None = None
        user: RootUser | None = None
        if caller is not None:
            auth = {"scopes": list(caller.token.scopes) if caller.token else []}
            if caller.user:
                who = caller.user
                user = {"id": str(who.pk), "email": who.email, "name": who.get_full_name() or who.get_username()}
        return Response(Root(version="0", auth=auth, user=user))
