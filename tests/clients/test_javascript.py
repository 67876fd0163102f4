"""@sentry/node, what hands errors to it, the SDK before it, and sentry-cli, all from the npm registry."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients.live import IntakeService, Sender, event
from tests.clients.packages import MODULES
from tests.clients.programs import SCENARIOS, run
from tests.proxy import Proxy

pytestmark = pytest.mark.once

MESSAGES = 5
PROGRAM = str(SCENARIOS / "node.cjs")
CLI = str(MODULES / "@sentry" / "cli" / "bin" / "sentry-cli")
COUNTED = {
    ("error", "accepted", "none"): MESSAGES + 2,
    ("transaction", "accepted", "none"): 1,
    ("session", "accepted", "none"): 1,
}


def test_every_event_transaction_and_session_of_sentry_node_is_counted(
    service: IntakeService, sender: Sender, node: str
) -> None:
    with Proxy(service.port) as wire:
        run(node, PROGRAM, "@sentry/node", sender.dsn(wire.port), str(MESSAGES))

    assert service.facts(sender) == COUNTED
    assert service.stat(sender) == service.stat(sender, "generated", environment="production") == MESSAGES + 2
    assert wire.seen(b"content-encoding: gzip\r\n") == 1  # the long one alone is compressed
    assert wire.seen(b"Transfer-Encoding: chunked\r\n") == wire.seen(b"POST ") == MESSAGES + 4


def test_a_tunnel_hands_on_envelopes_that_hold_their_own_dsn(service: IntakeService, sender: Sender, node: str) -> None:
    with Proxy(service.port) as wire:
        tunnel = f"http://127.0.0.1:{wire.port}{sender.path('envelope')}"
        run(node, PROGRAM, "@sentry/node", sender.dsn(service.port), str(MESSAGES), "0", tunnel)

    assert service.facts(sender) == COUNTED
    assert wire.seen(b"POST ") == MESSAGES + 4
    assert wire.seen(b"sentry_key=") == 0


@pytest.mark.parametrize(
    ("bridge", "categories"),
    [("winston", ["log_item"]), ("pino", ["error", "log_item"]), ("winston-transport-sentry-node", ["error"])],
)
def test_every_line_of_a_logger_is_counted_as_its_bridge_sends_it(
    service: IntakeService, sender: Sender, node: str, bridge: str, categories: list[str]
) -> None:
    run(node, str(SCENARIOS / "logs.cjs"), bridge, sender.dsn(service.port), str(MESSAGES))

    assert service.facts(sender) == {(category, "accepted", "none"): MESSAGES for category in categories}


def test_raven_node_is_counted_and_told_what_was_refused(service: IntakeService, node: str) -> None:
    sender = service.new_sender(limit=MESSAGES, window=86400)
    with Proxy(service.port) as wire:
        said = run(node, str(SCENARIOS / "raven.cjs"), sender.dsn(wire.port), str(MESSAGES))

    assert said == f"{MESSAGES}\n"
    assert service.facts(sender) == {
        ("error", "accepted", "none"): MESSAGES,
        ("error", "rate_limited", "key_quota"): 2,
    }
    assert wire.seen(b"POST %s " % sender.path("store").encode()) == MESSAGES + 2


def test_sentry_cli_sends_an_event(service: IntakeService, sender: Sender, node: str) -> None:
    said = run(CLI, "send-event", "--message", "hello", "--env", "production", SENTRY_DSN=sender.dsn(service.port))

    assert "Event dispatched" in said
    assert service.facts(sender) == {("error", "accepted", "none"): 1}
    assert service.stat(sender, "generated", environment="production") == 1


def test_sentry_cli_sends_an_envelope(service: IntakeService, sender: Sender, node: str, tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).write_bytes(event())
        said = run(CLI, "send-envelope", str(tmp_path / name), SENTRY_DSN=sender.dsn(service.port))
        assert "dispatched" in said

    assert service.facts(sender) == {("error", "accepted", "none"): 2}
    assert service.stat(sender) == 2
