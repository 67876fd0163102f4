"""Real data of an earlier version, made usable at any later date.

Every ring in Redis expires with real time, so a folder that was only stored would be empty after a year. Valkey has a
mode for importing data in which it neither deletes nor hides expired keys. In that mode, each key gets the time to live
again that it had when the folder was frozen, at `clock`. After that the folder is an ordinary var/: the embedded server
starts on it, and a process that takes `clock` for the time finds all counts.

`freeze.py` says how the folder was made and what is in it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from tests.servers import start_redis
from tsdb import embedded

ARCHIVE = Path(__file__).with_name("var-before-longer-memory.tar.xz")
EXPECTED = Path(__file__).with_name("var-before-longer-memory.json")


@dataclass(frozen=True)
class ThawedVar:
    """`var_dir` as the earlier version left it at `clock` (seconds since the epoch), and what it answered then."""

    var_dir: Path
    clock: int
    expected: dict[str, Any]


def thaw(folder: Path) -> ThawedVar:
    """Unpack a copy of the frozen folder into `folder`/var. No server runs on it yet."""
    expected = json.loads(EXPECTED.read_text(encoding="utf-8"))
    var_dir = folder / "var"
    with tarfile.open(ARCHIVE) as tar:
        tar.extractall(var_dir, filter="data")
    var_dir.chmod(0o700)
    prolong(var_dir, expected["clock"])
    return ThawedVar(var_dir, expected["clock"], expected)


def prolong(var_dir: Path, clock: int) -> None:
    """Give each key of the embedded server's data the time to live that it had at `clock`, beginning now."""
    with importing(var_dir) as client:
        for database in (0, 1):
            client.select(database)
            for key in list(client.scan_iter(count=1000)):
                expires = client.pexpiretime(key)
                if expires > 0:
                    client.pexpire(key, max(expires - clock * 1000, 1))


@contextmanager
def importing(var_dir: Path) -> Iterator[redis.Redis]:
    """Run a server on the folder's data, and yield a client that sees expired keys like any others."""
    home = var_dir / "valkey"
    server, port = start_redis(home, "--import-mode", "yes", binary=str(embedded._find_server()))
    client = redis.Redis(port=port, single_connection_client=True)
    try:
        client.execute_command("CLIENT", "IMPORT-SOURCE", "ON")  # type: ignore[no-untyped-call]
        yield client
    finally:
        client.close()
        server.stop()


def keys_of(client: redis.Redis) -> dict[str, list[Any]]:
    """Return the type, a digest of the value, and the expiry (ms since the epoch, -1: never) of every key."""
    names = sorted(map(_raw, client.scan_iter(count=1000)))
    return {name.decode(): [*_value(client, name), client.pexpiretime(name.decode())] for name in names}


def _value(client: redis.Redis, key: bytes) -> tuple[str, str]:
    kind = _raw(client.type(key)).decode()
    value: object
    if kind == "string":
        value = client.get(key)
    elif kind == "set":
        value = sorted(map(_raw, client.smembers(key)))
    else:
        value = sorted((_raw(field), _raw(content)) for field, content in client.hgetall(key).items())
    return kind, hashlib.sha256(repr(value).encode()).hexdigest()[:16]


def _raw(answer: object) -> bytes:
    """Return the client's answer, which is always bytes. The types of redis-py allow more."""
    assert isinstance(answer, bytes)
    return answer


def is_ended(var_dir: Path) -> bool:
    """Return whether neither an embedded server nor its keeper runs on the folder."""
    with (var_dir / "valkey/keeper.lock").open("r+b") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
