"""The body of a write, read within bounds. It may have a length or be chunked, and it may be compressed."""

from __future__ import annotations

import io
from typing import Any

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.request import Request

from statsapi.api.errors import BadBody, TooLarge
from statsapi.http import bodies
from statsapi.http.errors import BodyLimit, RequestError

MAX_BYTES = 1024 * 1024
"""The most bytes of a body. A thousand full outcomes take some 300 KB."""


def read_object(request: Request) -> dict[str, Any]:
    """Return the JSON object that was sent; an empty one if there is no body.

    Raises TooLarge, BadBody or ParseError.
    """
    body = read_body(request)
    content = parse_json(body) if body else {}
    if not isinstance(content, dict):
        raise BadBody("The body must be a JSON object.")
    return content


def read_body(request: Request) -> bytes:
    """Return the decompressed body, at most MAX_BYTES. Raises TooLarge or BadBody."""
    limit = BodyLimit("", MAX_BYTES)
    environ: dict[str, Any] = request.META
    django_request = request._request
    if "_body" in vars(django_request):
        # The CSRF check of a session looked for its token in the body of a form, and has read it to the end.
        body = django_request.body
        environ = {**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    try:
        return bodies.read_body(environ, sent=limit, unpacked=limit)
    except RequestError as error:
        if error.status == TooLarge.status_code:
            raise TooLarge(f"The body is larger than {MAX_BYTES} bytes.") from None
        raise BadBody(f"The body cannot be read: {'; '.join(error.causes)}.") from None


def parse_json(body: bytes) -> Any:
    """Return the value of a JSON text.

    Raises ParseError, also for NaN, for bytes that are not UTF-8, and for deep nesting.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ParseError from error
