"""Django's WSGI handler, with requests that no Content-Type can break.

Django parses that header before any middleware runs. If it fails, because of an unknown charset for example, it raises
an exception that nothing turns into an answer. The charset is not needed: all pages and their forms are UTF-8.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.http import parse_header_parameters


class Request(WSGIRequest):
    """A request whose charset is ignored, and whose Content-Type is empty if it cannot be read."""

    def _set_content_type_params(self, meta: Mapping[str, Any]) -> None:
        try:
            self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except Exception:  # ValueError, LookupError and TypeError were seen
            self.content_type, self.content_params = "", {}


class Handler(WSGIHandler):
    """Django's handler, which makes the requests of this module."""

    request_class = Request
