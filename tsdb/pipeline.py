"""Commands that are sent to one server in one piece, and their answers, which are read later."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import redis
from hiredis import pack_command
from redis.exceptions import ResponseError

from tsdb.protocol import Command


def send(connection: Any, commands: Sequence[Command]) -> None:
    """Send the commands over a connection of a pool. Raises RedisError, and then the connection is closed."""
    # redis-py looks at each argument first, for it may be of a kind that is never sent here.
    connection.send_packed_command([b"".join([pack_command(tuple(command)) for command in commands])])


def read(
    client: redis.Redis,
    connection: Any,
    commands: Sequence[Command],
    options: Mapping[str, Any],
    until: float | None = None,
) -> list[Any]:
    """Return the server's answer to each command that was sent. An error stands in the place of what it refused.

    `options` are those of redis-py for turning Redis' answer into Python's. At `until`, by the monotonic clock, only
    answers that are there are taken; None waits for each as long as the connection does. Raises RedisError if an answer
    is missing, and then the connection is closed.
    """
    answers: list[Any] = []
    callbacks: Any = client.response_callbacks
    try:
        for command in commands:
            try:
                if until is None:
                    answer = connection.read_response()
                else:
                    answer = connection.read_response(timeout=max(0.0, until - time.monotonic()))
            except ResponseError as error:
                answers.append(error)
            else:
                callback = callbacks.get(command[0])
                answers.append(callback(answer, **options) if callback else answer)
    except BaseException:
        connection.disconnect()  # whoever is lent it next would take an answer that is left for its own
        raise
    return answers
