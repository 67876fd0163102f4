"""The service's URLs and the constant views that they are measured against, for benchmarks/http.py and intake.py."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from statsapi.api.stats.example import EXAMPLE_COUNTS, EXAMPLE_START


class ConstantView(APIView):
    """A view of Django REST Framework that does nothing: it asks for no credentials and looks nothing up.

    It answers as many pairs as the stats of a day by the hour.
    """

    authentication_classes = ()
    permission_classes = ()
    answer: Any = [[float(EXAMPLE_START + 3600 * hour), count] for hour, count in enumerate(EXAMPLE_COUNTS)]

    def get(self, request: Request) -> Response:
        return Response(self.answer)


def constant(request: HttpRequest) -> HttpResponse:
    """Return a constant answer, as a plain Django view."""
    return HttpResponse(b'{"id":"fc6d8c0c43fc4630ad850ee518f1b9d0"}', "application/json")


urlpatterns = [
    path("constant", constant),
    path("api/0/constant/", ConstantView.as_view()),
    path("", include("statsapi.urls")),
]
