"""The base of all views under /api/0/."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import TooManyFieldsSent
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from projects import selectors, services
from projects.acting import acting_as
from projects.known import Known
from statsapi.api import rate_limit
from statsapi.api.authentication import AT_ONCE, Caller, caller_of, known_caller_of
from statsapi.api.lean_view import LeanView
from statsapi.api.permissions import ScopeMap
from statsapi.http import clock
from tsdb.stamps import Outdated, Stamp
from tsdb.states import Unsettled

MOST_PARAMETERS = 1000
"""Most parameters of a query. DATA_UPLOAD_MAX_NUMBER_FIELDS is for the admin's forms, which have far more fields."""


# A view under /api/0/. It checks in this order: the caller, the scope, the method, the object, the query. OPTIONS tells
# which methods there are, and needs no credentials. A docstring here would be each endpoint's description in the
# OpenAPI document.
class ApiView(LeanView):
    scope_map: ScopeMap
    _allowance: rate_limit.Allowance | None = None
    _known: Known | None = None

    @property
    def caller(self) -> Caller:
        """Who asks. Raises NotAuthenticated if the request has no credentials."""
        return known_caller_of(self.request)

    @property
    def needed_scopes(self) -> frozenset[str]:
        """The scopes that the view asks for the request's method. Any one suffices."""
        return self.scope_map.get(self.request.method or "", self.scope_map["DELETE"])

    @property
    def stamp(self) -> Stamp | None:
        """What a read of counts should compare, so that it needs no round trip of its own. None: it was compared."""
        return self._known.stamp if self._known else None

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Answer the request.

        A read of a token believes at first what this worker knows of the organization. That must be compared before the
        answer leaves, be it an error. If it was outdated, the whole request is handled once more, and now everything is
        compared first. So it is for writes and where requests are counted, because these cannot be done twice.
        """
        if request.method in ("GET", "HEAD") and settings.API_RATE_LIMIT is None:
            request.META[AT_ONCE] = True
            try:
                response = super().dispatch(request, *args, **kwargs)
                if self._known is not None and response.status_code < 500:
                    self._known.compare()
                return response
            except Outdated:
                del request.META[AT_ONCE]
        if request.method in SAFE_METHODS:
            return super().dispatch(request, *args, **kwargs)
        with acting_as(self._who):
            return super().dispatch(request, *args, **kwargs)

    def _who(self) -> str:
        """Return how the history names the caller. It is asked only if something is changed."""
        token, user, _ = self.caller
        if token is not None:
            return selectors.token_name(token.id)
        return user.get_username() if user else ""

    def perform_authentication(self, request: Request) -> None:
        if request.method != "OPTIONS":
            super().perform_authentication(request)
            caller = caller_of(request)
            self._known = caller.known if caller else None

    def check_permissions(self, request: Request) -> None:
        if request.method != "OPTIONS":
            super().check_permissions(request)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.META.get("QUERY_STRING", "").count("&") >= MOST_PARAMETERS:
            raise TooManyFieldsSent

    def check_throttles(self, request: Request) -> None:
        """Take one request from the token's rate. The framework calls this after the scope was checked."""
        caller = caller_of(request) if request.method != "OPTIONS" else None
        taken = rate_limit.take(caller.token, clock.now(request)) if caller and caller.token else None
        if taken is not None:
            self._allowance, refusal = taken
            if refusal is not None:
                raise refusal

    def handle_exception(self, exc: Exception) -> Response:
        """Return the answer to an error.

        A read that found an unfinished change of a project finishes it and asks again.
        """
        if isinstance(exc, Unsettled) and self.request.method in ("GET", "HEAD"):
            try:
                services.settle(exc.projects)
                answer: Response = services.settled(self._ask_again)
                return answer
            except Exception as error:
                exc = error
        if isinstance(exc, Outdated):
            raise exc  # to dispatch
        return super().handle_exception(exc)

    def _ask_again(self) -> Response:
        if self._known is not None:
            self._known.begin_anew()  # the project may be deleted now
        answer: Response = getattr(self, "get")(self.request, *self.args, **self.kwargs)  # noqa: B009
        return answer

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        if self._allowance is not None:
            for name, value in self._allowance.headers.items():
                response.headers[name] = value
        return response

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        return Response()
