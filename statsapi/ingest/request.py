"""One request of intake: what is read of its line and headers, and its body as it comes."""

from __future__ import annotations

import time
from collections.abc import Mapping

from django.conf import settings

from statsapi.door.body import Body, Receive, Scope
from statsapi.door.holding import Held
from statsapi.http.client_address import sender_address

_READ = {
    b"authorization": "authorization",
    b"content-encoding": "content-encoding",
    b"content-type": "content-type",
    b"user-agent": "user-agent",
    b"x-forwarded-for": "x-forwarded-for",
    b"x-forwarded-proto": "x-forwarded-proto",
    b"x-sentry-auth": "x-sentry-auth",
}
"""The headers that intake looks at. SDKs send others too, and copying those would take time for nothing."""


PACE = 32 * 1024
"""The bytes of a body that give it another second. An attachment of 200 MB takes minutes on a slow line, and the event
beside it must not be lost for that."""


class Request:
    """A request to an endpoint of intake. `now` is its one clock, in whole seconds since the epoch."""

    __slots__ = ("_headers", "address", "body", "held", "method", "now", "path", "project", "query", "scheme", "words")

    def __init__(self, scope: Scope, receive: Receive, words: Mapping[str, str], body_seconds: float) -> None:
        self.now = int(time.time())
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: str = scope["query_string"].decode("latin-1")
        self.words = words
        """What the path says, by the names in the endpoint's address. Each may be any text."""
        self.project = words.get("project_id", "")
        """The project's id as the path says it."""
        self._headers = headers = _headers(scope["headers"])
        self.scheme: str = scope["scheme"]
        client = scope.get("client")
        self.address = sender_address(client[0] if client else "", headers.get("x-forwarded-for", ""))
        self.held = Held()
        self.body = Body(scope, receive, body_seconds, PACE)

    @property
    def is_secure(self) -> bool:
        """Whether the client sends over HTTPS, to this service or to a proxy that is trusted."""
        if settings.TRUST_PROXY and self.header("x-forwarded-proto") is not None:
            return self.header("x-forwarded-proto") == "https"
        return self.scheme == "https"

    @property
    def media_type(self) -> str:
        """The Content-Type in lower case, without its parameters; "" without one."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()

    def header(self, name: str) -> str | None:
        """Return the header with this name in lower case; None if it was not sent or is not one that is read."""
        return self._headers.get(name)


def _headers(sent: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers that are read. A header that was sent twice has both values, joined with a comma."""
    found: dict[str, str] = {}
    for raw, value in sent:
        name = _READ.get(raw)
        if name is not None:
            text = value.decode("latin-1")
            found[name] = f"{found[name]},{text}" if name in found else text
    return found
