"""Stamps: keys whose values readers expect, so that they notice that what they keep in memory has changed.

    stamp:{7}   0123456789abcdef                             a random value. What was loaded under it is still true
                changing <change>:<ends> <change>:<ends> …   changes are under way. Nothing may be kept

Whoever loads something to keep it reads the stamp first (`Stamps.read`), and compares it with every later use. A change
begins before the first row changes and ends after the commit, with a new random value. So what was loaded before the
end of a change stands under a value that never returns. A change that is never ended, because its process died or
rolled back, expires after CHANGE_SECONDS. Two changes at once have a token each, so one does not end the other.

A value expires after LIFE_SECONDS. So nothing is left of what is gone, and a Redis that came back without its last
second makes nobody believe an old row for longer.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from redis.exceptions import RedisError

from tsdb.client import Clients
from tsdb.refusals import refusal
from tsdb.scripts import Call, Script
from tsdb.series import stamp_key

CHANGE_SECONDS = 30
"""Seconds that a change may take, longer than any transaction of a request."""

LIFE_SECONDS = 600
"""Seconds that a value may be relied on. Then everything is loaded anew."""

AWAY_SECONDS = 1.0
"""Seconds for which a stamp on a node that is away is not asked for again. Otherwise each request would wait for it."""

MOST_AWAY = 10_000

_CHANGING = b"changing"


class Outdated(RedisError):
    """Something in memory that was used stands under a stamp that is no longer valid. Load it, and begin again."""


@dataclass
class Stamp:
    """The value that a reader expects under a key. A read of counts can bring it along (Store.get_added)."""

    key: str
    value: bytes | None
    """None: nothing was read yet, or nothing may be kept."""
    is_compared: bool = False

    def compare(self, found: bytes | None) -> None:
        """Note that the key was read. Raises Outdated if it has another value than the expected one."""
        if found is None or found != self.value:
            raise Outdated(f"{self.key} has changed")
        self.is_compared = True


class Stamps:
    """The stamps of any number of things, which are told apart by a number.

    Every method raises redis.exceptions.RedisError if Redis cannot be reached.
    """

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        # allow-oom: with full memory nothing could be deleted, because every deletion is a change.
        self._change = Script("stamp", (), flags="allow-oom")
        self._away: dict[str, float] = {}
        """Until when the stamp is not asked for, by the monotonic clock, because its node was away."""

    def read(self, number: int) -> bytes | None:
        """Return the value to keep things under, which are loaded after this call. None: do not keep them.

        A stamp without a value gets one. A Redis that refuses writes leaves it without. If the node of the stamp in a
        cluster is away, what lies on the others is served, and nothing is kept.
        """
        key = stamp_key(number)
        if self._away and self._away.get(key, 0.0) > time.monotonic():
            return None
        try:
            found = self._read(key)
        except RedisError as error:
            if refusal(error) is None:
                if not self._clients.read.IS_CLUSTER:
                    raise
                self._note_away(key)
            return None
        return None if found is None or found.startswith(_CHANGING) else found

    def _read(self, key: str) -> bytes | None:
        [found] = self._clients.read.get_many([key])
        if found is None:
            fresh = secrets.token_hex(8)
            self._clients.write.execute_command("SET", key, fresh, "NX", "EX", LIFE_SECONDS)
            [found] = self._clients.read.get_many([key])
        return found

    def without(self, stamp: Stamp) -> Outdated:
        """Return the error to raise if counts could not be read together with a stamp, on a cluster.

        Either may lie on the node that is away. So the reader begins anew without the stamp.
        """
        self._note_away(stamp.key)
        return Outdated(f"{stamp.key} cannot be compared")

    def _note_away(self, key: str) -> None:
        if len(self._away) >= MOST_AWAY:
            self._away.clear()
        self._away[key] = time.monotonic() + AWAY_SECONDS

    def begin(self, number: int) -> str:
        """Begin a change and return its token, for `end`. Raises RedisError if Redis refuses, and nothing has begun."""
        change = secrets.token_hex(8)
        self._run(number, change, "begin")
        return change

    def end(self, number: int, change: str) -> None:
        """End a change."""
        self._run(number, change, "end")

    def _run(self, number: int, change: str, what: str) -> None:
        call = Call([stamp_key(number)], [change, what, CHANGE_SECONDS, secrets.token_hex(8), LIFE_SECONDS])
        self._change.run(self._clients.write, call)

    def forget_all(self) -> None:
        """Delete all stamps, so that everything is loaded anew."""
        for server in self._clients.write.servers():
            for key in list(server.scan_iter(match="stamp:{*", count=1000)):
                server.unlink(key)
