"""The WSGI environment of a request, from its ASGI scope."""

from __future__ import annotations

import sys
from typing import Any, BinaryIO
from urllib.parse import unquote_to_bytes

from statsapi.door.body import Scope

ALWAYS = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
    "wsgi.input_terminated": True,
}
WITHOUT_PREFIX = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}
LEFT_OUT = b"transfer-encoding"
"""The body has a length here, even if it came in chunks."""


def environ_of(scope: Scope, body: BinaryIO, length: int | None) -> dict[str, Any]:
    """Return the environment. `length` is the number of bytes to announce, None if there is no body.

    A header that is sent several times becomes one. A header with an underscore in its name is left out, since it would
    look like the one with a hyphen, which a proxy may have set. Values are Latin-1, as WSGI has them: a cookie of
    another site on the domain may hold any bytes, and must not hide the session beside it.
    """
    host, port = scope.get("server") or ("", 0)
    client = scope.get("client") or ("", 0)
    environ = {
        **ALWAYS,
        "REQUEST_METHOD": scope["method"],
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": body,
    }
    for name, value in scope["headers"]:
        if name == LEFT_OUT or b"_" in name:
            continue
        key = WITHOUT_PREFIX.get(name) or "HTTP_" + name.decode("latin-1").upper().replace("-", "_")
        text = value.decode("latin-1")
        if key in environ:
            text = f"{environ[key]}{';' if name == b'cookie' else ','}{text}"
        environ[key] = text
    if length is not None:
        environ["CONTENT_LENGTH"] = str(length)
    return environ
