"""sentry-ruby and sentry-raven, as Debian packages them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.live import IntakeService, Sender
from tests.clients.programs import SCENARIOS, run
from tests.proxy import Proxy

pytestmark = pytest.mark.once

MESSAGES = 5
RUBY = "/usr/bin/ruby"
"""Debian's own, for which it packages libraries."""
SDK, OLD_SDK = "ruby-sentry-ruby-core", "ruby-sentry-raven"
LIBRARIES = {SDK: "sentry-ruby", OLD_SDK: "sentry_raven_without_integrations"}


@pytest.fixture
def ruby() -> Callable[..., str]:
    def with_package(package: str, program: str, *arguments: str) -> str:
        asks = [RUBY, "-e", f"require '{LIBRARIES[package]}'"]
        if not Path(RUBY).exists() or subprocess.run(asks, capture_output=True, check=False).returncode:
            pytest.skip(f"{package} is not installed; on Debian: apt-get install ruby {package}")
        return run(RUBY, str(SCENARIOS / program), *arguments)

    return with_package


def test_every_event_and_transaction_of_sentry_ruby_is_counted(
    service: IntakeService, sender: Sender, ruby: Callable[..., str]
) -> None:
    with Proxy(service.port) as wire:
        ruby(SDK, "sentry_ruby.rb", "send_all", sender.dsn(wire.port), str(MESSAGES))

    assert service.facts(sender) == {
        ("error", "accepted", "none"): MESSAGES + 2,
        ("transaction", "accepted", "none"): 1,
    }
    assert service.stat(sender, "generated", environment="production") == MESSAGES + 2
    assert wire.seen(b"POST %s " % sender.path("envelope").encode()) == MESSAGES + 3
    assert wire.seen(b"Content-Encoding: gzip\r\n") == 1  # the long one alone is compressed


def test_sentry_ruby_stops_for_the_time_that_a_429_says_and_reports_what_it_kept_back(
    service: IntakeService, ruby: Callable[..., str]
) -> None:
    sender = service.new_sender(limit=1, window=8)
    ruby(SDK, "sentry_ruby.rb", "run_into_the_limit", sender.dsn(service.port), str(MESSAGES))

    assert service.facts(sender) == {
        ("error", "accepted", "none"): 2,
        ("error", "rate_limited", "key_quota"): 1,
        ("error", "client_discard", "ratelimit_backoff"): MESSAGES,
        ("error", "client_discard", "network_error"): 1,  # what was refused, as it says itself
    }
    assert service.stat(sender) == 3


def test_every_event_of_sentry_raven_is_counted(
    service: IntakeService, sender: Sender, ruby: Callable[..., str]
) -> None:
    with Proxy(service.port) as wire:
        ruby(OLD_SDK, "sentry_raven.rb", sender.dsn(wire.port), str(MESSAGES))

    assert service.facts(sender) == {("error", "accepted", "none"): MESSAGES + 1}
    assert service.stat(sender, "generated", environment="production") == MESSAGES + 1
    # Base64 of zlib, under the protocol's version 5.
    assert wire.seen(b"Content-Type: application/octet-stream\r\n") == MESSAGES + 1
    assert wire.seen(b"sentry_version=5") == MESSAGES + 1
