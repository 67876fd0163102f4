"""GET /api/0/: who is asking. The only endpoint that answers without credentials; sentry-cli's `info` asks it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from statsapi.api.authentication import caller_of
from statsapi.api.base import ApiView
from statsapi.api.permissions import ORGANIZATION_SCOPES, HasScope
from statsapi.api.schema import resources as schema


class RootPermission(HasScope):
    """Reading is free; any other method is refused as everywhere."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.method in ("GET", "HEAD") or super().has_permission(request, view)


class RootView(ApiView):
    scope_map = ORGANIZATION_SCOPES
    permission_classes = [RootPermission]

    @extend_schema(**schema.ROOT)
    def get(self, request: Request) -> Response:
        caller = caller_of(request)
        auth, user = None, None
        if caller is not None:
            auth = {"scopes": list(caller.token.scopes) if caller.token else []}
            if caller.user:
                who = caller.user
                user = {"id": str(who.pk), "email": who.email, "name": who.get_full_name() or who.get_username()}
        return Response({"version": "0", "auth": auth, "user": user})
