"""Who is making the changes of the present request or command, for the history.

Every way into the service names the person or the token once (`acting_as`). Passing it to each service and each helper
below would thread one more argument through all of them, so it is kept beside them, for each thread and task by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

COMMAND_LINE = "command line"
"""Who changes something if nobody was named: an operator with a shell."""

Who = str | Callable[[], str]
"""A name, or a function that looks it up. It is called for each change, and never if nothing is changed."""

_who: ContextVar[Who] = ContextVar("who", default=COMMAND_LINE)


@contextmanager
def acting_as(who: Who) -> Iterator[None]:
    """Name who makes the changes inside the block."""
    token = _who.set(who)
    try:
        yield
    finally:
        _who.reset(token)


def who_acts() -> str:
    """Return who makes the present changes: a user's name, a token, a command, or COMMAND_LINE."""
    who = _who.get()
    return who if isinstance(who, str) else who()
