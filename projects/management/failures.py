"""Errors of commands: failures that a user can do something about become one line on stderr, and status 1."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import CommandError
from django.db import DatabaseError
from redis.exceptions import RedisError

from projects import installation, start_lock
from projects.database_outage import READ_ONLY, database_outage
from tsdb.embedded import EmbeddedServerError


@contextmanager
def command_errors() -> Iterator[None]:
    """Turn an error of the input, the database or Redis into a CommandError with a text of one line."""
    try:
        yield
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from error
    except DatabaseError as error:
        if start_lock.is_held(settings.VAR_DIR):
            raise CommandError(
                f"A start is under way in {settings.VAR_DIR}, and the database is not ready. Try again when it is up."
            ) from error
        outage = database_outage(error)
        if outage == READ_ONLY:
            raise CommandError(f"{outage} It said: {one_line(error)}") from error
        raise CommandError(f"The database refused: {one_line(error)}. A new one needs: manage.py migrate") from error
    except RedisError as error:
        raise CommandError(f"Redis does not answer as it should: {one_line(error)}") from error
    except EmbeddedServerError as error:
        raise CommandError(str(error)) from error


def refuse_foreign_counts() -> None:
    """Raise CommandError if Redis holds the counts of another installation. Counting into it would make things worse.

    Raises DatabaseError, RedisError.
    """
    for finding in installation.look():
        if finding.kind is installation.Kind.FOREIGN:
            raise CommandError(f"{finding.text} {finding.hint}")


def one_line(error: Exception) -> str:
    """Return the error's text on one line. Some databases write it on several."""
    return " ".join(str(error).split())
