"""Real data of an earlier version, made usable at any later date.

Every ring in Redis expires with real time, so a folder that was kept as it was would be empty in a year. Valkey has a
mode for importing data in which expired keys are neither deleted nor hidden. In that mode each key is given again
what it had left to live at the moment at which the folder was frozen, `clock`. From then on the folder is an ordinary
var/: the embedded server starts on it, and whoever counts or reads with `clock` as the time finds all of it.

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
    """A fresh copy of the frozen folder in `folder`/var; nothing runs on it yet."""
    expected = json.loads(EXPECTED.read_text(encoding="utf-8"))
    var_dir = folder / "var"
    with tarfile.open(ARCHIVE) as tar:
        tar.extractall(var_dir, filter="data")
    var_dir.chmod(0o700)
    prolong(var_dir, expected["clock"])
    return ThawedVar(var_dir, expected["clock"], expected)


def prolong(var_dir: Path, clock: int) -> None:
    """Gives each key of the embedded server's data, from now on, what it had left to live at `clock`."""
    with importing(var_dir) as client:
        for database in (0, 1):
            client.select(database)
            for key in list(client.scan_iter(count=1000)):
                expires = client.pexpiretime(key)
                if expires > 0:
                    client.pexpire(key, max(expires - clock * 1000, 1))


@contextmanager
def importing(var_dir: Path) -> Iterator[redis.Redis]:
    """A client of the server on the folder's data, to which an expired key is there as any other. Ends the server."""
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
    """Every key of the client's database: its type, a digest of its value, and when it expires (ms; -1: never)."""
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
    """What the client answers is bytes always; the types of redis-py allow more."""
    assert isinstance(answer, bytes)
    return answer


def is_ended(var_dir: Path) -> bool:
    """Whether no embedded server runs on the folder, nor its keeper."""
    with (var_dir / "valkey/keeper.lock").open("r+b") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
