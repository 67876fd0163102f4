"""Intake as an ASGI application of its own, on the event loop (docs/design.md#an-events-way-in).

It shares nothing with Django's requests: no middleware, no routing, no signals. What asks the database runs in threads.
"""

from __future__ import annotations

import time

from django.conf import settings

from statsapi.door import threads
from statsapi.door.body import BodyTooSlow, Receive, Scope, Send
from statsapi.door.holding import TooManyBodies
from statsapi.http.errors import RequestError
from statsapi.http.failures import describe
from statsapi.ingest import answers
from statsapi.ingest.addresses import Endpoint, Found
from statsapi.ingest.answers import Answer
from statsapi.ingest.request import Request
from statsapi.operations import metrics


async def answer(found: Found, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request to an endpoint of intake."""
    endpoint, words = found
    began = time.perf_counter()
    secure: answers.Headers = ()
    try:
        request = Request(scope, receive, words, settings.BODY_TIMEOUT)
        secure = answers.secure_headers() if request.is_secure else ()
        said = await _answer(endpoint, request)
    except RequestError as error:  # a Content-Length that is no number
        said = answers.bad_request(error)
    length = (b"content-length", b"%d" % len(said.body))
    headers = [*said.headers, *answers.usual_headers(), *secure, length]
    await send({"type": "http.response.start", "status": said.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else said.body})
    metrics.answered(endpoint.name, scope["method"], said.status, time.perf_counter() - began)


async def _answer(endpoint: Endpoint, request: Request) -> Answer:
    if settings.SECURE_SSL_REDIRECT and not request.is_secure:
        return answers.over_https(request.path, request.query)
    if request.method not in endpoint.methods:
        allowed = ", ".join((*endpoint.methods, "OPTIONS"))
        if request.method == "OPTIONS":
            return answers.preflight(allowed)
        return answers.wrong_method(request.method, allowed)
    try:
        return await endpoint.answer(request)
    except BodyTooSlow:
        return answers.too_slow()
    except (TooManyBodies, threads.Full):
        return answers.busy()
    except RequestError as error:
        # A client that is still sending, or keeps its connection, would otherwise not see the answer.
        await request.body.drain()
        return answers.bad_request(error)
    except Exception as error:  # describe() decides between 503 and 500; an answer never holds a traceback
        return answers.failed(await threads.in_thread(describe, error))
    finally:
        request.held.release()
