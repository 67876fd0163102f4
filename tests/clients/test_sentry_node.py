"""@sentry/node: the oldest and the newest version of each of its eight majors, from the npm registry.

The key of each takes the events of one run and no more, so that the next is refused, and the SDK is told to wait a day.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import pytest

from tests.clients.live import IntakeService, Sender
from tests.clients.programs import SCENARIOS, run

pytestmark = pytest.mark.once

MESSAGES = 5
EVENTS = MESSAGES + 2
"""The messages, an exception, and a long event."""
LATER = 4
"""Messages after the refusal."""

Facts = dict[tuple[str, str, str], int]

OLD, NEW = "old_node.cjs", "node.cjs"
"""The scenarios, of two generations of the API."""
SPAN = ("transaction",)
ALL = ("transaction", "session")

IGNORES: Facts = {("error", "rate_limited", "key_quota"): 1 + LATER}
"""Sends on after a 429, and is refused each time."""
WAITS: Facts = {("error", "rate_limited", "key_quota"): 1}
REPORTS: Facts = {**WAITS, ("error", "client_discard", "ratelimit_backoff"): LATER}
"""Waits, and says what it dropped meanwhile."""


class Version(NamedTuple):
    package: str
    scenario: str
    sends: tuple[str, ...]
    """Categories beside error."""
    after_429: Facts
    tracing: str = ""
    """The package that adds transactions to it."""


VERSIONS = [
    Version("sentry-node-4-oldest", OLD, (), IGNORES),
    Version("sentry-node-4-newest", OLD, (), IGNORES),
    Version("sentry-node-5-oldest", OLD, (), IGNORES),
    Version("sentry-node-5-newest", OLD, SPAN, WAITS, "@sentry/tracing"),
    Version("sentry-node-6-oldest", OLD, SPAN, WAITS, "@sentry/tracing"),
    Version("sentry-node-6-newest", OLD, ALL, WAITS, "@sentry/tracing"),
    Version("sentry-node-7-oldest", OLD, ALL, WAITS, "sentry-tracing-7-oldest"),
    Version("sentry-node-7-newest", OLD, ALL, WAITS, "@sentry-internal/tracing"),
    Version("sentry-node-8-oldest", NEW, ALL, WAITS),
    Version("sentry-node-8-newest", NEW, ALL, REPORTS),
    Version("sentry-node-9-oldest", NEW, ALL, REPORTS),
    Version("sentry-node-9-newest", NEW, ALL, REPORTS),
    Version("sentry-node-10-oldest", NEW, ALL, REPORTS),
    Version("sentry-node-10-newest", NEW, ALL, REPORTS),
    Version("sentry-node-11-oldest", NEW, ALL, REPORTS),
    Version("@sentry/node", NEW, ALL, REPORTS),
]
each_version = pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.package)


def send(version: Version, node: str, service: IntakeService, sender: Sender) -> None:
    """Run the program of this version to its end."""
    packages = [version.package, version.tracing] if version.scenario == OLD else [version.package]
    run(node, str(SCENARIOS / version.scenario), *packages, sender.dsn(service.port), str(MESSAGES), str(LATER))


@pytest.fixture(scope="module")
def sent(service: IntakeService, node: str) -> Iterator[dict[str, tuple[Sender, Future[None]]]]:
    """Return the sender of each version, and what becomes of its program: two run at a time."""
    senders = {version.package: service.new_sender(limit=EVENTS, window=86400) for version in VERSIONS}
    with ThreadPoolExecutor(2) as pool:
        yield {
            version.package: (sender, pool.submit(send, version, node, service, sender))
            for version, sender in zip(VERSIONS, senders.values(), strict=True)
        }


@pytest.fixture
def sender(version: Version, sent: dict[str, tuple[Sender, Future[None]]]) -> Sender:
    """Return the sender of this version, after its program has ended."""
    sender, program = sent[version.package]
    program.result()
    return sender


@each_version
def test_every_event_transaction_and_session_of_sentry_node_is_counted(
    service: IntakeService, sender: Sender, version: Version
) -> None:
    accepted = {key: number for key, number in service.facts(sender).items() if key[1] == "accepted"}

    assert accepted == {("error", "accepted", "none"): EVENTS} | {
        (category, "accepted", "none"): 1 for category in version.sends
    }
    assert service.stat(sender, "generated") == service.stat(sender, "generated", environment="production") == EVENTS


@each_version
def test_sentry_node_reads_a_429_as_far_as_its_version_does(
    service: IntakeService, sender: Sender, version: Version
) -> None:
    assert {key: number for key, number in service.facts(sender).items() if key[1] != "accepted"} == version.after_429
    refused = version.after_429["error", "rate_limited", "key_quota"]
    assert service.stat(sender, "rejected") == service.stat(sender) - EVENTS == refused
