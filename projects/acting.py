"""Who is making the changes of the present request or command, for the history.

Every way into the service names the person or the token once (`acting_as`). Passing it to each service and each helper
below would thread one more argument through all of them, so it is kept beside them, for each thread and task by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

COMMAND_LINE = "command line"
"""Who changes something if nobody was named: an operator with a shell."""

_who: ContextVar[str] = ContextVar("who", default=COMMAND_LINE)


@contextmanager
def acting_as(who: str) -> Iterator[None]:
    """Name who makes the changes inside the block."""
    token = _who.set(who)
    try:
        yield
    finally:
        _who.reset(token)


def who_acts() -> str:
    """Return who makes the present changes: a user's name, a token, or COMMAND_LINE."""
    return _who.get()
