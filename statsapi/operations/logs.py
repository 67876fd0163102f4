"""Logs. Each record is one line of key=value pairs on stderr, and holds no secret."""

from __future__ import annotations

import re
from typing import Any

import structlog

_SHARED: list[Any] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(allow=["error_id"]),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]

_SECRETS = re.compile(
    r"(?<=\bsta_)[\w-]+"  # the secret of a token
    r"|(?<=\bshl_)[\w-]+"  # the secret of a public link, which is a part of its address
    r"|(?<=://)[^\s/@:]*:[^\s/@]+(?=@)"  # user and password in a URL
    r"|(?<=/password/)[\w-]+/[\w-]{20,}"  # a link to choose a password
    r"|(?<=\bbearer )\S+",
    re.IGNORECASE,
)


def _without_secrets(logger: Any, method: str, line: str) -> str:
    """Replace secrets by ***. The service logs none on purpose, but libraries write the texts of exceptions."""
    return _SECRETS.sub("***", line)


def _on_one_line(logger: Any, method: str, line: str) -> str:
    """Escape unprintable characters, which could begin a line, colour a terminal or change the reading direction."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in line
    )


def configuration(level: str) -> dict[str, Any]:
    """Return Django's LOGGING, which renders the records of the standard library with structlog."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _SHARED,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    structlog.processors.LogfmtRenderer(
                        key_order=["timestamp", "level", "logger", "event"], bool_as_flag=False
                    ),
                    _without_secrets,
                    _on_one_line,
                ],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": level, "propagate": True},
            # A 4xx is not logged: the client has it in the answer.
            "django.request": {"handlers": [], "level": "ERROR", "propagate": True},
            # axes logs every sign-in. statsapi/sign_in/passwords.py logs what matters.
            "axes": {"handlers": [], "level": "WARNING", "propagate": True},
            "django.security.DisallowedHost": {"handlers": [], "level": "CRITICAL", "propagate": True},
            "django.security.DisallowedRedirect": {"handlers": [], "level": "CRITICAL", "propagate": True},
            "django.security.RequestDataTooBig": {"handlers": [], "level": "CRITICAL", "propagate": True},
            "django.security.TooManyFieldsSent": {"handlers": [], "level": "CRITICAL", "propagate": True},
            "django.security.TooManyFilesSent": {"handlers": [], "level": "CRITICAL", "propagate": True},
        },
    }
