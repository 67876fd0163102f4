from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from statsapi.api.permissions import ScopeMap


class ApiView(APIView):
    """A view under /api/0/: the caller, then scope, then method, then object, then query are checked, in this order."""

    scope_map: ScopeMap

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # OPTIONS tells what the endpoint has and needs no credentials.
        if request.method != "OPTIONS":
            super().initial(request, *args, **kwargs)
        else:
            request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        return Response()
