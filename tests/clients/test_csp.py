"""Chromium's own reports of what a Content Security Policy forbade, sent by both ways that a page can name."""

from __future__ import annotations

import pytest

from tests.clients.browser import visit
from tests.clients.certificates import Certificate
from tests.clients.live import IntakeService, Sender
from tests.proxy import Proxy

pytestmark = pytest.mark.once

IMAGES = 5
WAYS = {
    "report-uri": {"Content-Security-Policy": "img-src 'none'; report-uri {address}"},
    # The Reporting API: only for pages and addresses of HTTPS, several reports in a body, each body after a preflight.
    "report-to": {
        "Reporting-Endpoints": 'reports="{address}"',
        "Content-Security-Policy": "img-src 'none'; report-to reports",
    },
}


@pytest.mark.parametrize("way", WAYS)
def test_every_report_of_a_content_security_policy_is_counted(
    service: IntakeService, sender: Sender, chromium: str, certificate: Certificate, way: str
) -> None:
    def counted() -> int:
        return sum(service.facts(sender).values())

    with Proxy(service.port, certificate.context) as wire:
        query = f"sentry_key={sender.public}&sentry_environment=production&sentry_release=1.0"
        address = f"https://127.0.0.1:{wire.port}{sender.path('security')}?{query}"
        headers = {name: value.format(address=address) for name, value in WAYS[way].items()}
        said = visit(
            chromium,
            "csp.mjs",
            {"images": IMAGES},
            headers=headers,
            certificate=certificate,
            until=lambda: counted() >= IMAGES,
        )

    assert said == {"refused": IMAGES}
    assert service.facts(sender) == {("error", "accepted", "none"): IMAGES}
    assert service.stat(sender, "generated", environment="production") == IMAGES
