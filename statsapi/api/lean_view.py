"""Django REST Framework's view without what has one outcome here.

Of the framework this API uses the order of the checks, the exceptions and their answers, and the description of the
endpoints. There is one format, no parser and no version, so nothing is negotiated, and what keeps nothing of a request
is made once for all requests. Together these steps took a seventh of a read's time in Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, ClassVar

from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from statsapi.api.negotiation import AlwaysJSON

_RENDERER, _NEGOTIATOR = JSONRenderer(), AlwaysJSON()


# A docstring here would be each endpoint's description in the OpenAPI document.
class LeanView(APIView):
    allow: ClassVar[str] = ""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        has_get = hasattr(cls, "get")  # Django answers HEAD with it
        methods = [one for one in cls.http_method_names if hasattr(cls, one) or (one == "head" and has_get)]
        cls.allow = ", ".join(methods).upper()

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {"Allow": self.allow}

    def get_authenticators(self) -> list[Any]:
        return list(_made(tuple(self.authentication_classes)))

    def get_permissions(self) -> Sequence[BasePermission]:
        return _made(tuple(self.permission_classes))

    def initialize_request(self, request: Any, *args: Any, **kwargs: Any) -> Request:
        context = self.get_parser_context(request)
        made: Any = Request(
            request, authenticators=self.get_authenticators(), negotiator=_NEGOTIATOR, parser_context=context
        )
        # The framework's request looks these up in Django's, which takes ten times as long as finding them here.
        made.META, made.method = request.META, request.method
        made.accepted_renderer, made.accepted_media_type = _RENDERER, _RENDERER.media_type
        return made  # type: ignore[no-any-return]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.perform_authentication(request)
        self.check_permissions(request)
        self.check_throttles(request)

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        answer: Any = response
        if isinstance(response, Response):
            answer.accepted_renderer, answer.accepted_media_type = _RENDERER, _RENDERER.media_type
            answer.renderer_context = self.get_renderer_context()
        answer.headers["Allow"] = self.allow
        return answer


@cache
def _made(classes: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return one object of each class, the same for all requests."""
    return tuple(one() for one in classes)
