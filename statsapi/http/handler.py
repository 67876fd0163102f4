"""Django's WSGI handler, with requests that no Content-Type can break.

Django parses that header before any middleware runs. Where it cannot, because of a charset that does not exist, say, it
raises what nobody turns into an answer. A charset is not needed: all pages here, and so their forms, are UTF-8.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.http import parse_header_parameters


class Request(WSGIRequest):
    """A request whose Content-Type is none where it cannot be read, and whose charset is not looked at."""

    def _set_content_type_params(self, meta: Mapping[str, Any]) -> None:
        try:
            self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except Exception:  # ValueError, LookupError and TypeError were seen
            self.content_type, self.content_params = "", {}


class Handler(WSGIHandler):
    request_class = Request
