"""A program that sends with sentry-sdk, 0.20 or later.

Arguments: what to do, the DSN, the number of messages, settings as JSON.
"""

from __future__ import annotations

import json
import logging
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
    # Before 2.0 a hub did what a scope does now.
    scope = sentry_sdk.get_isolation_scope() if hasattr(sentry_sdk, "get_isolation_scope") else sentry_sdk.Hub.current
    scope.start_session()
    scope.end_session()
    sentry_sdk.flush(10)


def run_into_the_limit(messages: int) -> None:
    """Run into the quota of the key, and wait until it is over.

    One message is accepted, one is refused, so many are kept back by the SDK, and a last one is accepted again after
    the time that the service gave.
    """
    window = 8
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


def attach(messages: int) -> None:
    """Send so many messages, each with an attachment of 1000 bytes."""
    with sentry_sdk.configure_scope() as scope:
        scope.add_attachment(bytes=bytes(range(250)) * 4, filename="log.bin")
    for number in range(messages):
        sentry_sdk.capture_message(f"message {number}")
    sentry_sdk.flush(10)


def check_in(times: int) -> None:
    """Run a job so many times, whose begin and end are check-ins, and once so that it fails."""
    from sentry_sdk.crons import monitor

    for _ in range(times):
        with monitor(monitor_slug="nightly"):
            pass
    try:
        with monitor(monitor_slug="nightly"):
            raise RuntimeError("it broke")
    except RuntimeError:
        pass
    sentry_sdk.flush(10)


def log(lines: int) -> None:
    """Log so many lines as logs, which are no events."""
    from sentry_sdk import logger

    for number in range(lines):
        logger.info(f"line {number}")
    sentry_sdk.flush(10)


def log_with_logging(lines: int) -> None:
    """Log so many errors, an exception, and as many lines that are less than an error, which are only breadcrumbs."""
    logger = logging.getLogger("app")
    logger.setLevel(logging.INFO)
    for number in range(lines):
        logger.info("line %s", number)
        logger.error("error %s", number)
    try:
        raise RuntimeError("it broke")
    except RuntimeError:
        logger.exception("it failed")
    sentry_sdk.flush(10)


SCENARIOS = {one.__name__: one for one in (send, run_into_the_limit, attach, check_in, log, log_with_logging)}

if __name__ == "__main__":
    what, dsn, number, settings = sys.argv[1:]
    options: dict[str, Any] = {"traces_sample_rate": 1.0, **json.loads(settings)}
    sentry_sdk.init(dsn=dsn, environment="production", release="1.0", **options)
    SCENARIOS[what](int(number))
