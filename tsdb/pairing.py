"""The mark that says whose counts a Redis holds: one hash, `ts:installation`, beside the keys of projects."""

from __future__ import annotations

from typing import Any, NamedTuple

from redis.exceptions import ResponseError

from tsdb.protocol import StoreClient

KEY = "ts:installation"

_MAKE = """#!lua
-- KEYS 1 the mark; ARGV 1 name, 2 since, 3 newest
if redis.call('EXISTS', KEYS[1]) == 0 then
    redis.call('HSET', KEYS[1], 'name', ARGV[1], 'since', ARGV[2], 'newest', ARGV[3])
end
"""

_NOTE = """#!lua
-- KEYS 1 the mark; ARGV 1 name, 2 a project's number
local found = redis.call('HMGET', KEYS[1], 'name', 'newest')
if found[1] == ARGV[1] and tonumber(found[2]) < tonumber(ARGV[2]) then
    redis.call('HSET', KEYS[1], 'newest', ARGV[2])
end
"""


class Mark(NamedTuple):
    """What the mark says.

    name: the name of the installation.
    since: when Redis began to hold all counts of the installation, milliseconds since the epoch. 0 means from the
        beginning.
    newest: the number of the installation's newest project.
    """

    name: str
    since: int
    newest: int


def read(client: StoreClient) -> Mark | None:
    """Return the mark; None if there is none. A mark that cannot be read has an empty name."""
    try:
        found: Any = client.hgetall(KEY)
    except ResponseError as error:
        if not str(error).startswith("WRONGTYPE"):
            raise
        return Mark("", 0, 0)
    if not found:
        return None
    try:
        return Mark(found[b"name"].decode(), int(found[b"since"]), int(found[b"newest"]))
    except (KeyError, ValueError):
        return Mark("", 0, 0)


def make(client: StoreClient, mark: Mark) -> None:
    """Write the mark if there is none."""
    client.eval(_MAKE, 1, KEY, *mark)


def replace(client: StoreClient, mark: Mark) -> None:
    """Write the mark in place of whatever is there."""
    client.delete(KEY)
    make(client, mark)


def note(client: StoreClient, name: str, project: int) -> None:
    """Note in the mark that a project with this number exists, if the mark belongs to the installation `name`."""
    client.eval(_NOTE, 1, KEY, name, project)
