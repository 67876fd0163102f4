"""Clients that break, or do something else, between two commands of a test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError

from tsdb.client import Client, Clients
from tsdb.protocol import Command
from tsdb.scripts import Script
from tsdb.store import Store

NEVER = 0


class BreakingClient(Client):
    """A client whose connection breaks at the n-th command, before the command arrives or before its answer does.

    After that no command arrives, as if the process of this client had died.
    """

    left = NEVER
    carried_out = False

    def break_at(self, command: int, *, carried_out: bool) -> None:
        self.left, self.carried_out = command, carried_out

    def execute_command(self, *args: Any, **options: Any) -> Any:
        self._arrive()
        answer = super().execute_command(*args, **options)
        self._answer()
        return answer

    def together(self, commands: Sequence[Command]) -> list[Any]:
        self._arrive()
        answers = super().together(commands)
        self._answer()
        return answers

    def _arrive(self) -> None:
        self.left -= 1
        if self.left < 0 or (self.left == 0 and not self.carried_out):
            raise RedisConnectionError("cut")

    def _answer(self) -> None:
        if self.left == 0:
            raise RedisConnectionError("cut")

    @property
    def has_broken(self) -> bool:
        return self.left <= 0


class MeddlingClient(Client):
    """A client that calls a function just before one of its commands: the n-th, or the first that runs a script."""

    left = NEVER
    sha = ""
    act: Callable[[], object] = list

    def meddle_at(self, command: int, act: Callable[[], object]) -> None:
        self.left, self.sha, self.act = command, "", act

    def meddle_before(self, script: Script, act: Callable[[], object]) -> None:
        self.left, self.sha, self.act = NEVER, script.sha, act

    def execute_command(self, *args: Any, **options: Any) -> Any:
        self._meddle(self.sha in args)
        return super().execute_command(*args, **options)

    def together(self, commands: Sequence[Command]) -> list[Any]:
        self._meddle(any(self.sha in command for command in commands))
        return super().together(commands)

    def _meddle(self, names_the_script: bool) -> None:
        self.left -= 1
        if self.left == 0 or (self.sha and names_the_script):
            self.sha = ""
            self.act()


def breaking(store: Store) -> tuple[Store, BreakingClient]:
    """Return a store with the same server, and its client that breaks when it is told to."""
    [server] = store.clients.write.servers()
    client = BreakingClient(connection_pool=server.connection_pool)
    return Store(Clients(store.clients.read, client), store.rollups), client


def meddling(store: Store) -> tuple[Store, MeddlingClient]:
    """Return a store with the same server, and its client that calls a function when it is told to."""
    [server] = store.clients.write.servers()
    client = MeddlingClient(connection_pool=server.connection_pool)
    return Store(Clients(store.clients.read, client), store.rollups), client


def cut() -> None:
    raise RedisConnectionError("cut")
