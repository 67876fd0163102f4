"""Answers that the event loop gives itself: short JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping

from statsapi.door.body import Send


async def refuse(send: Send, status: int, content: Mapping[str, object], headers: Mapping[str, str]) -> None:
    """Send an answer with the content as JSON."""
    body = json.dumps(content).encode()
    named = {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
    await answer(send, status, [(name.lower().encode(), value.encode()) for name, value in named.items()], body)


async def refuse_slow_body(send: Send, seconds: float) -> None:
    """Send the answer to a body that did not come within the seconds it has, and have the connection closed."""
    await refuse(send, 408, {"detail": f"The body came too slowly: it has {seconds:g} s."}, {"Connection": "close"})


async def answer(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    """Send a whole answer, in two messages: granian sends it at once then."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
