"""sentry-sdk and raven, in programs that use them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import pytest

from tests.clients.live import IntakeService, Sender
from tests.clients.programs import SCENARIOS, run
from tests.proxy import Proxy

pytestmark = pytest.mark.once

MESSAGES = 5


def python_sdk(what: str, dsn: str, **settings: object) -> None:
    run(sys.executable, str(SCENARIOS / "python_sdk.py"), what, dsn, str(MESSAGES), json.dumps(settings))


@pytest.fixture
def wire(service: IntakeService) -> Iterator[Proxy]:
    with Proxy(service.port) as proxy:
        yield proxy


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_every_event_transaction_and_session_of_sentry_sdk_is_counted(
    service: IntakeService, sender: Sender, wire: Proxy, encoding: str
) -> None:
    python_sdk("send", sender.dsn(wire.port), _experiments={"transport_compression_algo": encoding})

    assert service.facts(sender) == {
        ("error", "accepted", "none"): MESSAGES + 1,
        ("transaction", "accepted", "none"): 1,
        ("session", "accepted", "none"): 1,
    }
    assert service.stat(sender) == service.stat(sender, "generated", environment="production") == MESSAGES + 1
    assert wire.seen(b"Content-Encoding: %s\r\n" % encoding.encode()) == wire.seen(b"POST ") > 0


def test_sentry_sdk_stops_for_the_time_that_a_429_says_and_reports_what_it_kept_back(service: IntakeService) -> None:
    sender = service.new_sender(limit=1, window=4)
    python_sdk("run_into_the_limit", sender.dsn(service.port))

    assert service.facts(sender) == {
        ("error", "accepted", "none"): 2,  # the first one, and the one after the wait
        ("error", "rate_limited", "key_quota"): 1,
        ("error", "client_discard", "ratelimit_backoff"): MESSAGES,
    }
    assert (service.stat(sender, "rejected"), service.stat(sender, "received")) == (1, 3)


def test_every_event_of_raven_is_counted(service: IntakeService, sender: Sender, wire: Proxy) -> None:
    run(sys.executable, str(SCENARIOS / "old_python.py"), sender.dsn(wire.port), str(MESSAGES))

    assert service.facts(sender) == {("error", "accepted", "none"): MESSAGES + 1}
    assert service.stat(sender, "generated", environment="production") == MESSAGES + 1
    assert wire.seen(b"Content-Encoding: deflate\r\n") == wire.seen(b"POST %s " % sender.path("store").encode())
