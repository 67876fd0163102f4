"""A program that sends with sentry-sdk. Arguments: what to do, the DSN, the number of messages, settings as JSON."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import sentry_sdk


def send(messages: int) -> None:
    """Send so many messages, an exception, a transaction and a session."""
    for number in range(messages):
        sentry_sdk.capture_message(f"message {number}")
    try:
        raise RuntimeError("it broke")
    except RuntimeError:
        sentry_sdk.capture_exception()
    with sentry_sdk.start_transaction(name="work"):
        pass
    scope = sentry_sdk.get_isolation_scope()
    scope.start_session()
    scope.end_session()
    sentry_sdk.flush(10)


def run_into_the_limit(messages: int) -> None:
    """Run into the quota of the key, and wait until it is over.

    One message is accepted, one is refused, so many are kept back by the SDK, and a last one is accepted again after
    the time that the service gave.
    """
    window = 4
    time.sleep(window - time.time() % window)  # so that the refusal is for more than a moment
    sentry_sdk.capture_message("accepted")
    sentry_sdk.flush(10)
    sentry_sdk.capture_message("refused")
    sentry_sdk.flush(10)
    for number in range(messages):
        sentry_sdk.capture_message(f"kept back {number}")
    sentry_sdk.flush(10)
    time.sleep(window)
    sentry_sdk.capture_message("accepted again")
    sentry_sdk.flush(10)


if __name__ == "__main__":
    what, dsn, number, settings = sys.argv[1:]
    options: dict[str, Any] = json.loads(settings)
    sentry_sdk.init(dsn=dsn, environment="production", release="1.0", traces_sample_rate=1.0, **options)
    {"send": send, "run_into_the_limit": run_into_the_limit}[what](int(number))
