"""Helpers for all faults: servers that a test can break, and the check of a refusal."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest
import redis

from tests.proxy import Proxy
from tests.servers import Missing, Server, free_port, redis_binary, start_postgresql, wait_for
from tests.service import Answer, Service
from tsdb.embedded import _find_server

TSDB_TIMEOUT = 0.8
"""Seconds that the service of the stage waits for one answer of Redis: the default."""


@contextmanager
def open_folder() -> Iterator[Path]:
    """Yield a temporary folder that other users can enter, as PostgreSQL needs. Folders of pytest do not allow that."""
    with TemporaryDirectory(prefix="statsapi-tests-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def postgresql() -> Iterator[tuple[Server, str]]:
    """Yield a new PostgreSQL server and its URL. Skip the test if PostgreSQL is not installed."""
    with open_folder() as folder:
        try:
            server, url = start_postgresql(folder / "postgresql")
        except Missing as missing:
            pytest.skip(str(missing))
        try:
            yield server, url
        finally:
            server.stop()


def fastest(ask: Callable[[], Answer], enough: float) -> Answer:
    """Ask up to four times until an answer takes at most `enough` seconds, and return the fastest.

    So a busy machine alone fails no test.
    """
    answers: list[Answer] = []
    while len(answers) < 4:
        answers.append(ask())
        if answers[-1].seconds <= enough:
            return answers[-1]
    return min(answers, key=lambda answer: answer.seconds)


def holds_once(check: Callable[[], bool]) -> bool:
    """Return whether the check holds in one of four turns, each with everything new.

    So a busy machine alone fails no test. A fault of the service shows in every turn.
    """
    return any(check() for _ in range(4))


class RedisServer:
    """A Redis server with AOF every second, which can be started again with its port and its data."""

    def __init__(self, folder: Path, *, external: bool, password: str = "") -> None:
        self.folder, self.port, self.password = folder, free_port(), password
        folder.mkdir(exist_ok=True)
        self.binary = redis_binary() if external else str(_find_server())
        self.start()

    def start(self) -> None:
        options = {
            "port": self.port,
            "bind": "127.0.0.1",
            "dir": self.folder,
            "save": "",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
            "requirepass": self.password,
        }
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        self.server = Server([self.binary, *words], self.folder / "redis.log")
        wait_for(self.answers, "the start of Redis")

    def client(self, database: int = 0) -> redis.Redis:
        return redis.Redis(port=self.port, db=database, password=self.password or None, socket_timeout=5)

    def forget_known(self) -> None:
        """Make all workers load anew what they know of organizations."""
        with self.client() as client:
            for key in client.scan_iter("stamp:*"):
                client.delete(key)

    def answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError):
            return False

    def stop(self) -> None:
        self.server.stop()

    def kill(self) -> None:
        self.server.stop(signal.SIGKILL)

    def hang(self) -> None:
        self.server.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.server.process.send_signal(signal.SIGCONT)


class Stage(NamedTuple):
    """A service that reaches its Redis server through a proxy."""

    redis: RedisServer
    proxy: Proxy
    service: Service

    def mend(self) -> None:
        self.proxy.reset()
        if self.redis.server.process.poll() is None:
            self.redis.go_on()
        else:
            self.redis.start()
        with self.redis.client() as client:
            client.config_set("maxmemory", 0)


def is_late(answer: Answer) -> bool:
    """Return whether it is the refusal of a request that waited for Redis until its time was over.

    That happens to a machine that stands still for so long. A refusal that comes earlier has another reason.
    """
    return answer.status == 503 and answer.seconds >= TSDB_TIMEOUT and refuses_for_now(answer)


def in_time(ask: Callable[[], Answer]) -> Answer:
    """Ask until the answer is not late, ten times at most, and return the last answer."""
    for _ in range(9):
        answer = ask()
        if not is_late(answer):
            return answer
    return ask()


def refuses_for_now(answer: Answer) -> bool:
    """Return whether it is a 503 of docs/contract.md#errors: JSON with a detail, Retry-After, and no traceback."""
    detail = answer.json()["detail"]
    return (
        answer.status == 503
        and answer.headers["content-type"] == "application/json"
        and re.fullmatch("[0-9]+", answer.headers["retry-after"]) is not None
        and isinstance(detail, str)
        and "Traceback" not in detail
    )
