"""A program that logs with loguru or structlog, which hand errors to sentry-sdk.

Arguments: what to log with, the DSN, the number of errors. As many lines that are less than an error are no events.
"""

from __future__ import annotations

import sys

import sentry_sdk


def loguru(errors: int) -> None:
    from loguru import logger

    logger.remove()
    # sentry-sdk adds its bridge by itself where loguru is installed, but `remove` takes away that too.
    sentry_sdk.init(dsn=dsn, environment="production")
    for number in range(errors):
        logger.info("line {}", number)
        logger.error("error {}", number)
    try:
        raise RuntimeError("it broke")
    except RuntimeError:
        logger.exception("it failed")


def structlog(errors: int) -> None:
    import logging

    from structlog import configure, get_logger
    from structlog.processors import JSONRenderer, add_log_level
    from structlog_sentry import SentryProcessor

    sentry_sdk.init(dsn=dsn, environment="production")
    configure(processors=[add_log_level, SentryProcessor(event_level=logging.ERROR), JSONRenderer()])
    logger = get_logger()
    for number in range(errors):
        logger.info("line", number=number)
        logger.error("error", number=number)
    try:
        raise RuntimeError("it broke")
    except RuntimeError:
        logger.exception("it failed")


if __name__ == "__main__":
    what, dsn, number = sys.argv[1:]
    {"loguru": loguru, "structlog": structlog}[what](int(number))
    sentry_sdk.flush(10)
