"""Pages of another site that send with Sentry's SDKs, in Chromium."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.clients.browser import visit
from tests.clients.live import IntakeService, Sender
from tests.proxy import Proxy

pytestmark = pytest.mark.once

MESSAGES = 5


def test_every_event_transaction_and_session_of_sentry_browser_is_counted(
    service: IntakeService, sender: Sender, chromium: str
) -> None:
    with Proxy(service.port) as wire:
        assert visit(chromium, "browser.mjs", dsn=sender.dsn(wire.port), messages=MESSAGES) == {"sent": True}

    # A session is sent when it begins, and again when an error changes it.
    assert wire.seen(b'{"type":"session"}') == 2
    assert service.facts(sender) == {
        ("error", "accepted", "none"): MESSAGES + 1,
        ("transaction", "accepted", "none"): 1,
        ("session", "accepted", "none"): 2,
    }
    assert service.stat(sender) == service.stat(sender, "generated", environment="production") == MESSAGES + 1
    assert wire.seen(b"Content-Type: text/plain;charset=UTF-8\r\n") == wire.seen(b"POST ")


def test_sentry_browser_reads_a_429_and_reports_what_it_kept_back(service: IntakeService, chromium: str) -> None:
    sender = service.new_sender(limit=0, window=86400)
    visit(chromium, "browser.mjs", dsn=sender.dsn(service.port), messages=1, later=MESSAGES)

    facts = Counter(service.facts(sender))
    assert facts["error", "rate_limited", "key_quota"] == 2  # the page sent both before the first answer came
    assert facts["error", "client_discard", "ratelimit_backoff"] == MESSAGES
    assert service.stat(sender, "rejected") == service.stat(sender, "received") == 2


def test_raven_js_a_beacon_and_a_preflighted_request_are_counted(
    service: IntakeService, sender: Sender, chromium: str
) -> None:
    with Proxy(service.port) as wire:
        said = visit(chromium, "old_browser.mjs", dsn=sender.dsn(wire.port), messages=MESSAGES)

    assert said == {"answered": MESSAGES, "beacon": True, "id": "b" * 32}
    assert service.facts(sender) == {("error", "accepted", "none"): MESSAGES + 2}
    assert service.stat(sender) == MESSAGES + 2
    assert wire.seen(b"POST %s?sentry_version=7&sentry_client=raven-js" % sender.path("store").encode()) == MESSAGES
    assert wire.seen(b"OPTIONS %s " % sender.path("envelope").encode()) == 1
