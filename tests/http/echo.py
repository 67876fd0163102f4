"""An application for a real server. It reads the body as intake does, and answers its length or the refusal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from statsapi.http.bodies import read_body
from statsapi.http.errors import BodyLimit, RequestError

SENT = BodyLimit("SENT_SETTING", 200_000)
UNPACKED = BodyLimit("UNPACKED_SETTING", 1_000_000)


def app(environ: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], object]) -> Iterable[bytes]:
    try:
        status, text = 200, str(len(read_body(environ, sent=SENT, unpacked=UNPACKED)))
    except RequestError as error:
        status, text = error.status, error.detail
    start_response(f"{status} -", [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))])
    return [text.encode()]
