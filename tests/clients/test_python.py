"""sentry-sdk (its oldest and newest of each kind) and raven, in programs that use them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.clients.live import IntakeService, Sender
from tests.clients.programs import SCENARIOS
from tests.clients.wheels import Python
from tests.proxy import Proxy

pytestmark = pytest.mark.once

MESSAGES = 5
OLDEST, OLD, NEWEST = "sentry-sdk-0.20", "sentry-sdk-1.45", ""
"""The newest is in the virtual environment."""

COUNTED = {
    ("error", "accepted", "none"): MESSAGES + 1,
    ("transaction", "accepted", "none"): 1,
    ("session", "accepted", "none"): 1,
}

ATTACHED = {("attachment", "accepted", "none"): MESSAGES * 1000, ("attachment_item", "accepted", "none"): MESSAGES}
"""Each of these messages has one, of 1000 bytes. They are counted by the byte and by the piece."""

ScenarioOf = Callable[..., None]


@pytest.fixture
def sdk(python_of: Callable[[str], Python]) -> ScenarioOf:
    def scenario(version: str, what: str, dsn: str, **settings: object) -> None:
        if version == OLD:
            settings["include_local_variables"] = False  # from Python 3.13 on it fails to copy them
        python_of(version)(str(SCENARIOS / "python_sdk.py"), what, dsn, str(MESSAGES), json.dumps(settings))

    return scenario


@pytest.fixture
def wire(service: IntakeService) -> Iterator[Proxy]:
    with Proxy(service.port) as proxy:
        yield proxy


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_every_event_transaction_and_session_of_sentry_sdk_is_counted(
    service: IntakeService, sender: Sender, wire: Proxy, sdk: ScenarioOf, encoding: str
) -> None:
    sdk(NEWEST, "send", sender.dsn(wire.port), _experiments={"transport_compression_algo": encoding})

    assert service.facts(sender) == COUNTED
    assert service.stat(sender) == service.stat(sender, "generated", environment="production") == MESSAGES + 1
    assert wire.seen(b"Content-Encoding: %s\r\n" % encoding.encode()) == wire.seen(b"POST ") > 0


@pytest.mark.parametrize("version", [OLDEST, OLD])
def test_every_event_transaction_and_session_of_an_old_sentry_sdk_is_counted(
    service: IntakeService, sender: Sender, wire: Proxy, sdk: ScenarioOf, version: str
) -> None:
    sdk(version, "send", sender.dsn(wire.port))

    assert service.facts(sender) == COUNTED
    assert service.stat(sender) == service.stat(sender, "generated", environment="production") == MESSAGES + 1
    # Only the older one sends events to store/ while it traces.
    assert wire.seen(b"POST %s " % sender.path("store").encode()) == (MESSAGES + 1 if version == OLDEST else 0)


def test_sentry_sdk_1_sends_events_to_store_without_tracing(
    service: IntakeService, sender: Sender, wire: Proxy, sdk: ScenarioOf
) -> None:
    sdk(OLD, "send", sender.dsn(wire.port), traces_sample_rate=None)

    assert service.facts(sender) == {what: n for what, n in COUNTED.items() if what[0] != "transaction"}
    assert wire.seen(b"POST %s " % sender.path("store").encode()) == MESSAGES + 1


def test_sentry_sdk_stops_for_the_time_that_a_429_says_and_reports_what_it_kept_back(
    service: IntakeService, sdk: ScenarioOf
) -> None:
    senders = {version: service.new_sender(limit=1, window=8) for version in (OLDEST, OLD, NEWEST)}
    with ThreadPoolExecutor() as threads:  # they wait at the same time
        runs = [
            threads.submit(sdk, version, "run_into_the_limit", one.dsn(service.port))
            for version, one in senders.items()
        ]
    for run in runs:
        run.result()

    kept_back = {("error", "client_discard", "ratelimit_backoff"): MESSAGES}
    for version, sender in senders.items():
        assert service.facts(sender) == {
            ("error", "accepted", "none"): 2,  # the first one, and the one after the wait
            ("error", "rate_limited", "key_quota"): 1,
            **({} if version == OLDEST else kept_back),  # it knows no client reports
        }, version
        assert (service.stat(sender, "rejected"), service.stat(sender, "received")) == (1, 3)


@pytest.mark.parametrize("version", [OLDEST, OLD, NEWEST])
def test_every_event_of_the_logging_module_is_counted_and_no_breadcrumb(
    service: IntakeService, sender: Sender, sdk: ScenarioOf, version: str
) -> None:
    sdk(version, "log_with_logging", sender.dsn(service.port))

    assert service.facts(sender) == {("error", "accepted", "none"): MESSAGES + 1}


@pytest.mark.parametrize("version", [OLDEST, OLD, NEWEST])
def test_an_attachment_is_counted_beside_its_event(
    service: IntakeService, sender: Sender, sdk: ScenarioOf, version: str
) -> None:
    sdk(version, "attach", sender.dsn(service.port))

    assert service.facts(sender) == {("error", "accepted", "none"): MESSAGES, **ATTACHED}


@pytest.mark.parametrize("version", [OLD, NEWEST])
def test_the_begin_and_the_end_of_a_job_are_check_ins(
    service: IntakeService, sender: Sender, sdk: ScenarioOf, version: str
) -> None:
    sdk(version, "check_in", sender.dsn(service.port))

    assert service.facts(sender) == {("monitor", "accepted", "none"): 2 * (MESSAGES + 1)}


def test_logs_are_counted_by_the_line(service: IntakeService, sender: Sender, sdk: ScenarioOf) -> None:
    sdk(NEWEST, "log", sender.dsn(service.port), enable_logs=True)

    assert service.facts(sender) == {("log_item", "accepted", "none"): MESSAGES}
    assert service.stat(sender) == 0


def test_every_event_of_raven_is_counted(
    service: IntakeService, sender: Sender, wire: Proxy, python_of: Callable[[str], Python]
) -> None:
    python_of(NEWEST)(str(SCENARIOS / "old_python.py"), sender.dsn(wire.port), str(MESSAGES))

    assert service.facts(sender) == {("error", "accepted", "none"): MESSAGES + 1}
    assert service.stat(sender, "generated", environment="production") == MESSAGES + 1
    assert wire.seen(b"Content-Encoding: deflate\r\n") == wire.seen(b"POST %s " % sender.path("store").encode())
