"""What a command says of a failure that its user can do something about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ValidationError
from django.core.management import CommandError
from django.db import DatabaseError
from django_redis.exceptions import ConnectionInterrupted
from redis.exceptions import RedisError

from tsdb.embedded import EmbeddedServerError


@contextmanager
def told_to_the_user() -> Iterator[None]:
    """Raises CommandError, one line, for what is wrong with the input, the database or Redis."""
    try:
        yield
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from error
    except DatabaseError as error:
        raise CommandError(f"The database refused: {one_line(error)}. A new one needs: manage.py migrate") from error
    except (RedisError, ConnectionInterrupted) as error:
        raise CommandError(f"Redis does not answer as it should: {one_line(error)}") from error
    except EmbeddedServerError as error:
        raise CommandError(str(error)) from error


def one_line(error: Exception) -> str:
    """Its text, which some databases write on several lines."""
    return " ".join(str(error).split())
