"""The project's addresses, and beside them what they are measured against; used by benchmarks/http.py and intake.py."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


class ConstantView(APIView):
    """What Django REST Framework costs when it has nothing to do: it asks for no credentials and looks nothing up."""

    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request) -> Response:
        return Response({"detail": "always the same"})


def constant(request: HttpRequest) -> HttpResponse:
    """What Django costs when it has nothing to do."""
    return HttpResponse(b'{"id":"fc6d8c0c43fc4630ad850ee518f1b9d0"}', "application/json")


urlpatterns = [
    path("constant", constant),
    path("api/0/constant/", ConstantView.as_view()),
    path("", include("statsapi.urls")),
]
