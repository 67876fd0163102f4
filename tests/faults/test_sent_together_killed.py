"""Everything is killed, stopped and changed at random while 32 clients send: what was acknowledged is counted, once.

See docs/reliability.md#everything-killed. The seed of a failed run is in its message; SEED_OF_FAULTS repeats it.
"""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
import redis

from tests.clients.live import IntakeService, Sender
from tests.faults.ledger import CLIENTS, ENVIRONMENTS, NOISE, Account, Entry, Ledger
from tests.faults.stage import TSDB_TIMEOUT
from tests.servers import wait_for
from tsdb.embedded import socket_path

pytestmark = pytest.mark.once

LIMIT = 300
DAY = 86400
RESOLUTIONS = ("10s", "1h", "1d")
LONGEST = 15.0
"""Most seconds for an answer: a time-out of Redis twice, the 2 s of a locked row, and time for a busy machine.

A connection that comes while workers start waits for them too, which alone may take 10 s there.
"""


class Storm:
    """What happens to a service while clients send."""

    def __init__(self, folder: Path, ledger: Ledger, choice: Random) -> None:
        self.service, self.ledger, self.choice = ledger.service, ledger, choice
        self.plain, self.remade, *_ = ledger.accounts
        self._socket = str(socket_path(folder / "var"))

    def rage(self) -> None:
        """Let each fault happen, in a random order at random moments."""
        faults = [
            *(self.kill_a_worker, self.kill_valkey, self.hang_valkey),
            *(self.kill_the_main_process, self.kill_everything, self.kill_the_keeper, self.restart),
            *(self.forget_scripts, self.change_the_filter, self.change_the_key, self.make_the_key_anew),
        ]
        self.choice.shuffle(faults)
        for fault in faults:
            self.ledger.wait_for_more(self.choice.randrange(20, 200))
            fault()
        self.ledger.wait_for_more(100)

    def valkey(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=self._socket, socket_timeout=5)

    def pid_of_valkey(self) -> int:
        with self.valkey() as client:
            return int(client.info("server")["process_id"])

    def kill_a_worker(self) -> None:
        before = self.service.workers()
        os.kill(before[0], signal.SIGKILL)  # the oldest: granian ends as a whole if one dies twice within seconds
        self.ledger.wait_for(lambda: set(self.service.workers()) - set(before) != set(), "another worker")

    def kill_the_main_process(self) -> None:
        orphans = self.service.workers()
        self.service.web.stop(signal.SIGKILL)
        self.service.restart()
        self.ledger.wait_for(lambda: not any(map(_lives, orphans)), "the end of the orphans")

    def kill_everything(self) -> None:
        for one in (self.pid_of_valkey(), *self.service.workers()):
            os.kill(one, signal.SIGKILL)
        self.service.web.stop(signal.SIGKILL)
        self.service.restart()

    def kill_valkey(self) -> None:
        self._end_valkey(self.pid_of_valkey())

    def kill_the_keeper(self) -> None:
        valkey = self.pid_of_valkey()
        status = Path(f"/proc/{valkey}/status").read_text()
        keeper = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid:"))
        self._end_valkey(keeper, valkey)

    def _end_valkey(self, killed: int, valkey: int | None = None) -> None:
        os.kill(killed, signal.SIGKILL)

        def is_back() -> bool:
            with suppress(redis.exceptions.RedisError):
                return self.pid_of_valkey() != (valkey or killed)
            return False

        self.ledger.wait_for(is_back, "the return of Valkey")

    def hang_valkey(self) -> None:
        valkey = self.pid_of_valkey()
        os.kill(valkey, signal.SIGSTOP)
        try:
            self.ledger.wait_for_refusals(503, CLIENTS // 2)
        finally:
            os.kill(valkey, signal.SIGCONT)

    def forget_scripts(self) -> None:
        with self.valkey() as client:
            for _ in range(10):
                client.script_flush()
                self.ledger.wait_for_more(10)

    def restart(self) -> None:
        self.service.restart()

    def change_the_filter(self) -> None:
        for globs in (f"*{NOISE}*", "", f"*{NOISE}*"):
            self._in_project(self.plain, f"filters.error_messages = {globs!r}; services.save_intake(project, filters)")
            self.ledger.wait_for_more(30)

    def change_the_key(self) -> None:
        for limit in (10**6, 10**7):
            source = f"key.rate_limit_count, key.rate_limit_window = {limit}, 60; services.save_intake(project, key)"
            self._in_project(self.plain, source)
            self.ledger.wait_for_more(30)

    def make_the_key_anew(self) -> None:
        """Delete the key, and give the clients another one once they have noticed."""
        self._in_project(self.remade, "services.delete_keys([key])")
        self.ledger.wait_for_refusals(403, 5)
        public, secret = self._in_project(
            self.remade, "key = services.create_key(project=project); answer = [key.public, key.secret]"
        )
        self.remade.sender = self.remade.sender._replace(public=public, secret=secret)

    def _in_project(self, account: Account, source: str) -> tuple[str, str]:
        found = f"""
from projects.models import ProjectFilters
project = Project.objects.get(pk={account.sender.project})
key, filters = project.keys.first(), ProjectFilters.objects.get_or_create(project=project)[0]
"""
        answer: tuple[str, str] = self.service.run(found + source)
        return answer


def _lives(process: int) -> bool:
    return Path(f"/proc/{process}").exists()


@pytest.fixture
def folder() -> Iterator[Path]:
    # In memory if possible: on a disk with a slow fsync, Valkey may answer up to two seconds before it hands its data
    # to the kernel (docs/reliability.md#the-promise).
    with TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as name:
        yield Path(name)


@pytest.fixture
def service(folder: Path) -> Iterator[IntakeService]:
    service = IntakeService(folder, workers=2, TSDB_TIMEOUT=str(TSDB_TIMEOUT))
    yield service
    service.stop()


@pytest.fixture
def seed() -> int:
    return int(os.environ.get("SEED_OF_FAULTS") or secrets.randbelow(10**6))


@pytest.fixture
def senders(service: IntakeService) -> list[Sender]:
    """Return two senders without a limit, one with a quota of LIMIT errors on this day, and one with such a budget."""
    wait_for(lambda: time.time() % DAY < DAY - 240, "the new day", 250)  # a window must not begin during the test
    by_budget = service.new_sender()
    service.limit(by_budget, LIMIT, DAY)
    return [service.new_sender(), service.new_sender(), service.new_sender(limit=LIMIT, window=DAY), by_budget]


def rage(service: IntakeService, folder: Path, senders: list[Sender], seed: int, *, repeats: bool) -> Ledger:
    """Return the ledger of what was sent while everything was killed."""
    ledger = Ledger(service, [Account(sender) for sender in senders], repeats=repeats, seed=seed)
    with ledger.sending():
        Storm(folder, ledger, Random(seed)).rage()
    assert max(ledger.seconds) < LONGEST
    return ledger


def agreed(service: IntakeService, sender: Sender, stat: str = "received", **query: str) -> int:
    """Return a stat, on which all resolutions have to agree."""
    sums = {service.stat(sender, stat, resolution, **query) for resolution in RESOLUTIONS}
    assert len(sums) == 1, sums
    return sums.pop()


def check_identities(service: IntakeService, sender: Sender) -> dict[tuple[str, str, str], int]:
    """Check that all that is counted of a project agrees, and return its facts."""
    facts = service.facts(sender)
    for stat, outcomes in {
        "received": ("accepted", "filtered", "rate_limited"),
        "generated": ("accepted",),
        "blacklisted": ("filtered",),
        "rejected": ("rate_limited",),
    }.items():
        expected = sum(n for (category, outcome, _), n in facts.items() if category == "error" and outcome in outcomes)
        assert agreed(service, sender, stat) == expected, (stat, facts)
    environments = [agreed(service, sender, environment=name) for name in ENVIRONMENTS]
    assert sum(environments) == agreed(service, sender)
    return facts


def test_who_repeats_until_it_is_acknowledged_is_counted_exactly_once(
    service: IntakeService, folder: Path, senders: list[Sender], seed: int
) -> None:
    ledger = rage(service, folder, senders, seed, repeats=True)
    for account in ledger.accounts:
        entries = [entry for entry in ledger.entries if entry.account is account]
        refused = [entry for entry in entries if entry.was(429)]
        facts = check_identities(service, account.sender)
        message = f"seed {seed}: {facts}"
        assert facts["transaction", "accepted", "none"] == number_of(entries, "transaction"), message
        counted = agreed(service, account.sender, "generated") + agreed(service, account.sender, "blacklisted")
        assert counted == number_of(entries, "error") - len(refused), message
        if account in ledger.accounts[-2:]:
            assert counted == LIMIT, message
            # A refusal whose answer was lost is another submission than its repeat, and is counted.
            lost = sum(entry.lost + entry.statuses[503] for entry in entries)
            assert 0 < len(refused) <= agreed(service, account.sender, "rejected") <= len(refused) + lost, message
        else:
            assert not refused
            for name in ENVIRONMENTS:
                expected = number_of(entries, "error", name)
                assert agreed(service, account.sender, environment=name) == expected, message


def test_of_what_nobody_repeats_no_less_than_acknowledged_and_no_more_than_sent_is_counted(
    service: IntakeService, folder: Path, senders: list[Sender], seed: int
) -> None:
    ledger = rage(service, folder, senders, seed, repeats=False)
    for account in ledger.accounts:
        sent = [entry for entry in ledger.entries if entry.account is account]
        acknowledged = [entry for entry in sent if entry.was(200)]
        facts = check_identities(service, account.sender)
        message = f"seed {seed}: {facts}"
        transactions = facts["transaction", "accepted", "none"]
        assert number_of(acknowledged, "transaction") <= transactions <= number_of(sent, "transaction"), message
        refused = sum(entry.was(429) for entry in sent)
        received = agreed(service, account.sender)
        assert number_of(acknowledged, "error") + refused <= received <= number_of(sent, "error"), message
        if account in ledger.accounts[-2:]:
            assert agreed(service, account.sender, "generated") == LIMIT, message
            assert 0 < refused <= agreed(service, account.sender, "rejected"), message


def number_of(entries: list[Entry], category: str, environment: str = "") -> int:
    """Return how many events of a category are among the entries, of an environment if one is given."""
    return sum(entry.category == category and environment in ("", entry.environment) for entry in entries)
