"""Loggers for Python whose bridges hand errors to sentry-sdk."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.clients.live import IntakeService, Sender
from tests.clients.programs import SCENARIOS
from tests.clients.wheels import Python

pytestmark = pytest.mark.once

ERRORS = 5


@pytest.mark.parametrize("logger", ["loguru", "structlog"])
def test_every_error_that_is_logged_is_counted_and_nothing_else(
    service: IntakeService, sender: Sender, python_of: Callable[[str], Python], logger: str
) -> None:
    python_of("loggers")(str(SCENARIOS / "python_loggers.py"), logger, sender.dsn(service.port), str(ERRORS))

    assert service.facts(sender) == {("error", "accepted", "none"): ERRORS + 1}
    assert service.stat(sender, "generated", environment="production") == ERRORS + 1
