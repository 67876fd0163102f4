"""Work on large bodies takes turns, so that it never takes more than half of a worker's time.

Parsing a megabyte of brackets takes thirty milliseconds, in which the interpreter does nothing else, in whatever thread
it runs. So large bodies are parsed one at a time, and after each of them everybody else gets as long.
"""

from __future__ import annotations

from asyncio import Lock, get_running_loop, sleep
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

LARGE_BYTES = 64 * 1024
"""A body of up to this many bytes is parsed at once, within some two milliseconds."""

_turn = Lock()


async def in_turn(size: int, function: Callable[..., T], *arguments: Any) -> T:
    """Return what the function returns, which has so many bytes to parse."""
    return function(*arguments) if size <= LARGE_BYTES else await one_by_one(function, *arguments)


async def one_by_one(function: Callable[..., T], *arguments: Any) -> T:
    """Return what the function returns, which may take milliseconds."""
    clock = get_running_loop().time
    async with _turn:
        began = clock()
        try:
            return function(*arguments)
        finally:
            await sleep(clock() - began)
