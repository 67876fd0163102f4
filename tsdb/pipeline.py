"""Sending many commands in one piece, to one server or to several at the same time, and reading the answers."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import redis
from hiredis import pack_command
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

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


class NotAsked(RedisTimeoutError):
    """A server was not asked, because another one did not answer in time."""


class Question(NamedTuple):
    """Commands for one server."""

    client: redis.Redis
    commands: Sequence[Command]

    @property
    def is_connected(self) -> bool:
        """Whether the commands can be sent without waiting for the server to take a connection."""
        pool: Any = self.client.connection_pool
        return bool(pool.has_connection)


def ask_all(questions: Sequence[Question], options: Mapping[str, Any], patience: float) -> list[list[Any] | RedisError]:
    """Return the answers to each question. All are sent before the first answer is read.

    The error of a server stands in the place of all its answers. Each server has `patience` seconds to answer. After
    the first time-out no connection is made, and only answers that are there are taken.
    """
    found: list[list[Any] | RedisError] = []
    under_way: deque[tuple[int, Any]] = deque()  # the number of each question that was sent, and its connection
    late = False
    try:
        for number, (client, commands) in enumerate(questions):
            try:
                if late and not questions[number].is_connected:
                    raise NotAsked("not asked, since another server did not answer in time")
                under_way.append((number, client.connection_pool.get_connection()))
                send(under_way[-1][1], commands)
                found.append([])
            except RedisError as error:
                found.append(error)
                late = late or isinstance(error, RedisTimeoutError)
        until = time.monotonic() + (0.0 if late else patience)
        while under_way:
            number, connection = under_way[0]
            client, commands = questions[number]
            if not isinstance(found[number], RedisError):
                try:
                    found[number] = read(client, connection, commands, options, until)
                except RedisError as error:
                    found[number] = error
            under_way.popleft()
            client.connection_pool.release(connection)
    finally:
        for number, connection in under_way:  # nobody reads the answers
            connection.disconnect()
            questions[number].client.connection_pool.release(connection)
    return found
