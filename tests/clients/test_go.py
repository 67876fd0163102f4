"""sentry-go, as Debian packages it, in a program that uses it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.clients.live import IntakeService, Sender
from tests.clients.programs import SCENARIOS, run
from tests.proxy import Proxy

pytestmark = pytest.mark.once

MESSAGES = 5
SOURCES = Path("/usr/share/gocode")
"""Where Debian puts the sources of libraries."""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the path of the program, after building it: some seconds, or less where Go has its cache."""
    go = shutil.which("go")
    if go is None or not (SOURCES / "src/github.com/getsentry/sentry-go").is_dir():
        packages = "golang-go golang-github-getsentry-sentry-go-dev"
        pytest.skip(f"sentry-go is not installed; on Debian: apt-get install {packages}")
    built = str(tmp_path_factory.mktemp("go") / "program")
    run(go, "build", "-o", built, str(SCENARIOS / "sentry_go/main.go"), GO111MODULE="off", GOPATH=str(SOURCES))
    return built


def test_every_event_panic_and_transaction_of_sentry_go_is_counted(
    service: IntakeService, sender: Sender, program: str
) -> None:
    with Proxy(service.port) as wire:
        run(program, "send", sender.dsn(wire.port), str(MESSAGES))

    assert service.facts(sender) == {
        ("error", "accepted", "none"): MESSAGES + 2,
        ("transaction", "accepted", "none"): 1,
    }
    assert service.stat(sender) == service.stat(sender, "generated", environment="production") == MESSAGES + 2
    assert wire.seen(b"POST ") == MESSAGES + 3


def test_sentry_go_stops_for_the_time_that_a_429_says(service: IntakeService, program: str) -> None:
    sender = service.new_sender(limit=1, window=8)
    run(program, "run_into_the_limit", sender.dsn(service.port), str(MESSAGES))

    # What it keeps back is told to nobody: it knows no client reports.
    assert service.facts(sender) == {("error", "accepted", "none"): 2, ("error", "rate_limited", "key_quota"): 1}
    assert (service.stat(sender, "rejected"), service.stat(sender)) == (1, 3)
