"""A Redis that answers reads and refuses writes, and the ways in which it says so.

A request that only reads goes on without storing what it wanted to store. A request that writes is answered 503.
"""

from __future__ import annotations

import re

from redis.exceptions import OutOfMemoryError, ReadOnlyError

from tsdb.protocol import StoreClient

REFUSALS = {
    "MISCONF": "it cannot write its file: the disk is full or broken",
    "NOREPLICAS": "it has too few replicas that follow",
    "OOM": "its memory is full",
    "READONLY": "it is a replica",
}
"""The codes with which Redis refuses writes, and what each means."""

# redis-py removes the code if it has a class for it, and in a pipeline puts the command in front of it.
_CODE = re.compile(rf"(?:^|caused error: )({'|'.join(REFUSALS)})\b")
_CLASSES = {OutOfMemoryError: "OOM", ReadOnlyError: "READONLY"}

PROBE_SECONDS = 60
"""How long a key lives that was written to see whether Redis takes writes."""


def refusal(error: BaseException | None) -> str | None:
    """Return Redis' code if the error is a refusal to write, else None."""
    for kind, code in _CLASSES.items():
        if isinstance(error, kind):
            return code
    found = _CODE.search(str(error))
    return found[1] if found else None


def try_to_write(client: StoreClient, name: str = "ts:ready") -> str | None:
    """Write a key that soon expires to each server, and return Redis' code if one refuses, else None.

    It writes, because Redis does not notice a full disk before something is written. Raises RedisError for any other
    failure.
    """
    refused = None
    keys = [key for _, key in client.probes(name).values()]
    for answer in client.together([("SET", key, "", "EX", PROBE_SECONDS) for key in keys]):
        if isinstance(answer, Exception):
            code = refusal(answer)
            if code is None:
                raise answer
            refused = code
    return refused
