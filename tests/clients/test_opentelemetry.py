"""The exporters of OpenTelemetry for Python, over HTTP, set up with nothing but their environment variables."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.clients.live import IntakeService, Sender
from tests.clients.programs import SCENARIOS
from tests.clients.wheels import Python
from tests.proxy import Proxy

pytestmark = pytest.mark.once

LOGS, SPANS = 600, 700
"""More than the 512 that a batch holds."""


@pytest.mark.parametrize("compression", ["none", "gzip", "deflate"])
def test_every_log_record_and_every_span_is_counted(
    service: IntakeService, sender: Sender, python_of: Callable[[str], Python], compression: str
) -> None:
    with Proxy(service.port) as wire:
        python_of("opentelemetry")(
            *(str(SCENARIOS / "python_opentelemetry.py"), str(LOGS), str(SPANS)),
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{wire.port}/api/{sender.project}/integration/otlp",
            OTEL_EXPORTER_OTLP_HEADERS=f"x-sentry-auth=sentry sentry_key={sender.public}",
            OTEL_EXPORTER_OTLP_COMPRESSION=compression,
            # On a busy machine the usual seconds could pass meanwhile, which would send a batch that is not full.
            OTEL_BLRP_SCHEDULE_DELAY="60000",
            OTEL_BSP_SCHEDULE_DELAY="60000",
        )

    assert service.facts(sender) == {("log_item", "accepted", "none"): LOGS, ("span", "accepted", "none"): SPANS}
    assert service.stat(sender) == 0
    assert wire.seen(b"POST ") == 4  # nothing was sent again
