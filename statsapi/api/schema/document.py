"""GET /api/schema/: the OpenAPI document. It is the same for all callers and takes long to make, so it is made once."""

from __future__ import annotations

import threading
from hashlib import sha256
from typing import NamedTuple

from django.http import HttpResponse
from django.utils.cache import get_conditional_response
from drf_spectacular.generators import SchemaGenerator
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView


class Document(NamedTuple):
    """The document as JSON, and its ETag."""

    body: bytes
    etag: str


_lock = threading.Lock()
_made: list[Document] = []


def document() -> Document:
    """Return the document. The first request makes it; requests that come meanwhile wait for it."""
    with _lock:
        if not _made:
            content = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
            # Without indentation it has three quarters of the size. It is held for each client that does not read it.
            body: bytes = JSONRenderer().render(content)
            _made.append(Document(body, f'"{sha256(body).hexdigest()[:32]}"'))
        return _made[0]


class SchemaView(APIView):
    authentication_classes = []
    permission_classes = []

    def get(self, request: Request) -> HttpResponse:
        made = document()
        # A browser may store it, and asks each time whether it is still the same.
        headers = {"ETag": made.etag, "Cache-Control": "no-cache"}
        response = HttpResponse(made.body, "application/json", headers=headers)
        return get_conditional_response(request._request, etag=made.etag, response=response) or response
