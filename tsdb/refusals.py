"""A Redis that answers reads and refuses writes: the one place that knows the ways in which it says so.

A request that only reads goes on without what it wanted to keep; a request that writes is answered 503.
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
"""What each of Redis' own codes means."""

# redis-py takes the code away where it has a class for it, and puts the command before it where it sent several.
_CODE = re.compile(rf"(?:^|caused error: )({'|'.join(REFUSALS)})\b")
_CLASSES = {OutOfMemoryError: "OOM", ReadOnlyError: "READONLY"}

PROBE_SECONDS = 60


def refusal(error: BaseException | None) -> str | None:
    """Redis' own code where the error is a refusal to write, else None."""
    for kind, code in _CLASSES.items():
        if isinstance(error, kind):
            return code
    found = _CODE.search(str(error))
    return found[1] if found else None


def try_to_write(client: StoreClient, name: str = "ts:ready") -> str | None:
    """Writes a key that soon expires, on each server; Redis' own code where one refuses. Raises RedisError otherwise.

    A key is written and not only a state asked for: a full disk is not noticed before something is written to it.
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
