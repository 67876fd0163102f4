"""Who the caller is: GET /api/0/, which answers without credentials too, /api/0/auth/ and /api/0/users/me/."""

from __future__ import annotations

from typing import Any, TypedDict

from rest_framework.request import Request
from rest_framework.response import Response

from projects.models import ApiToken
from statsapi.api.authentication import caller_of
from statsapi.api.base import ApiView
from statsapi.api.permissions import EVERY_SCOPE, ORGANIZATION_SCOPES, HasScope
from statsapi.api.resources import people
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


class MyselfView(ApiView):
    """The user whose session it is, or a stand-in for a token, which is nobody's."""

    scope_map = EVERY_SCOPE

    @describe("retrieve_user", "The user who is asking", people.Oneself)
    def get(self, request: Request) -> Response:
        token, user, _ = self.caller
        if token is not None:
            return Response(people.stand_in(ApiToken.objects.get(pk=token.id)))
        return Response(people.oneself(user) if user else None)


class AuthView(MyselfView):
    @describe("retrieve_session", "The user who is asking", people.Oneself)
    def get(self, request: Request) -> Response:
        return super().get(request)
