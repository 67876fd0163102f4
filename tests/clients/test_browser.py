"""Pages of another site that send with Sentry's SDKs, in Chromium."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from tests.clients.browser import visit
from tests.clients.live import IntakeService, Sender
from tests.proxy import Proxy

pytestmark = pytest.mark.once

MESSAGES = 5
EVENTS = MESSAGES + 1
"""The messages, and an exception."""
LATER = 4
"""Messages after the refusal."""

Facts = dict[tuple[str, str, str], int]

IGNORES: Facts = {("error", "rate_limited", "key_quota"): 1 + LATER}
"""Sends on after a 429: 5.30 looks for a limit of `event`, and the answer names that of `error`, as Sentry's does."""
REPORTS: Facts = {("error", "rate_limited", "key_quota"): 1, ("error", "client_discard", "ratelimit_backoff"): LATER}
"""Waits, and says what it dropped meanwhile."""


class Version(NamedTuple):
    module: str
    sends: set[str]
    """Categories beside error."""
    after_429: Facts


FIVE = Version("/node_modules/sentry-browser-5/build/bundle.min.js", set(), IGNORES)
VERSIONS = [
    Version("sentry-browser-7", {"session"}, REPORTS),
    Version("sentry-browser-10", {"session", "transaction"}, REPORTS),
    Version("@sentry/browser", {"session", "transaction"}, REPORTS),
]


@pytest.mark.parametrize(
    ("version", "tunneled"),
    [(FIVE, False), *((version, tunneled) for version in VERSIONS for tunneled in (False, True))],  # 5 has no tunnel
    ids=lambda value: value.module if isinstance(value, Version) else "tunnel" if value else "direct",
)
def test_sentry_browser_is_counted_and_reports_what_a_429_keeps_back(
    service: IntakeService, chromium: str, version: Version, tunneled: bool
) -> None:
    sender = service.new_sender(limit=EVENTS, window=86400)
    with Proxy(service.port) as wire:
        query = {"sdk": version.module, "dsn": sender.dsn(wire.port), "messages": MESSAGES, "later": LATER}
        if tunneled:
            query["tunnel"] = f"http://127.0.0.1:{wire.port}{sender.path('envelope')}"
        assert visit(chromium, "browser.mjs", query) == {"sent": True}

    # A session is sent when it begins, and again when an error changes it; the versions differ in how often.
    sessions = wire.seen(b'{"type":"session"}')
    assert bool(sessions) == ("session" in version.sends)
    expected = {("error", "accepted", "none"): EVENTS, **version.after_429}
    if sessions:
        expected["session", "accepted", "none"] = sessions
    if "transaction" in version.sends:
        expected["transaction", "accepted", "none"] = 1
    assert service.facts(sender) == expected
    assert service.stat(sender, "generated") == service.stat(sender, "generated", environment="production") == EVENTS
    assert service.stat(sender, "rejected") == service.stat(sender) - EVENTS
    # The credentials stand in the query, or with a tunnel in the envelope. No preflight is needed for this type.
    sent = wire.seen(b"POST ")
    assert wire.seen(b"sentry_key=") == (0 if tunneled else sent)
    assert wire.seen(b"Content-Type: text/plain;charset=UTF-8\r\n") == sent


def test_raven_js_a_beacon_and_a_preflighted_request_are_counted(
    service: IntakeService, sender: Sender, chromium: str
) -> None:
    with Proxy(service.port) as wire:
        said = visit(chromium, "old_browser.mjs", {"dsn": sender.dsn(wire.port), "messages": MESSAGES})

    assert said == {"answered": MESSAGES, "beacon": True, "id": "b" * 32}
    assert service.facts(sender) == {("error", "accepted", "none"): MESSAGES + 2}
    assert service.stat(sender) == MESSAGES + 2
    assert wire.seen(b"POST %s?sentry_version=7&sentry_client=raven-js" % sender.path("store").encode()) == MESSAGES
    assert wire.seen(b"OPTIONS %s " % sender.path("envelope").encode()) == 1
