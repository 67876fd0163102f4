from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from statsapi.api.permissions import ScopeMap


class ApiView(APIView):
    """A view under /api/0/: the caller, then scope, then method, then object, then query are checked, in this order.

    OPTIONS tells what the endpoint has and needs no credentials.
    """

    scope_map: ScopeMap

    def perform_authentication(self, request: Request) -> None:
        if request.method != "OPTIONS":
            super().perform_authentication(request)

    def check_permissions(self, request: Request) -> None:
        if request.method != "OPTIONS":
            super().check_permissions(request)

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        return Response()
