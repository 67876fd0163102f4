"""Prometheus, as Debian packages it, scrapes the metrics."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.clients.live import METRICS_TOKEN, IntakeService, Sender, event
from tests.servers import Server, answers, ask, free_port, wait_for

pytestmark = pytest.mark.once

EVENTS, REFUSED = 5, 3

CONFIGURATION = """
scrape_configs:
  - job_name: statsapi
    scrape_interval: 1s
    authorization: {{credentials: {token}}}
    static_configs:
      - targets: ["127.0.0.1:{port}"]
"""


class Prometheus:
    def __init__(self, program: str, folder: Path, port: int) -> None:
        configuration = folder / "prometheus.yml"
        configuration.write_text(CONFIGURATION.format(token=METRICS_TOKEN, port=port))
        listen = f"127.0.0.1:{free_port()}"
        self.url = f"http://{listen}"
        self.server = Server(
            [
                program,
                f"--config.file={configuration}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={listen}",
            ],
            folder / "log",
        )
        self.server.wait_until(lambda: answers(self.url, "/-/ready"), "Prometheus")

    def value(self, query: str) -> float | None:
        """Return the value of the one series that the query finds now, or None if it finds none."""
        answer = ask(self.url, f"/api/v1/query?{urlencode({'query': query})}")
        assert answer.status == 200, answer
        found = json.loads(answer.body)["data"]["result"]
        assert len(found) <= 1, found
        return float(found[0]["value"][1]) if found else None

    def wait_for_value(self, query: str, value: float) -> None:
        wait_for(lambda: self.value(query) == value, f"a scrape with {value} for {query}")


@pytest.fixture
def prometheus(service: IntakeService, tmp_path: Path) -> Iterator[Prometheus]:
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("Prometheus is not installed; on Debian: apt-get install prometheus")
    prometheus = Prometheus(program, tmp_path, service.port)
    yield prometheus
    prometheus.server.stop()


def test_the_first_events_of_a_project_and_its_first_drops_are_an_increase(
    service: IntakeService, prometheus: Prometheus
) -> None:
    open_, shut = service.new_sender(), service.new_sender(limit=0, window=86400)
    accepted = f'statsapi_events_total{{project="{open_.slug}",category="error",outcome="accepted"}}'
    dropped = f'statsapi_dropped_events_total{{project="{shut.slug}",category="error",reason="key_quota"}}'
    for series in (accepted, dropped):
        prometheus.wait_for_value(series, 0)  # so the series is there before anything happens

    with service.connect() as connection:
        for _ in range(EVENTS):
            assert connection.send(open_, event()).status == 200
        for _ in range(REFUSED):
            assert connection.send(shut, event()).status == 429

    for series, number in ((accepted, EVENTS), (dropped, REFUSED)):
        prometheus.wait_for_value(series, number)
        # Prometheus extends what it saw between its scrapes over the whole range, so it may say more.
        increase = prometheus.value(f"increase({series}[1m])")
        assert increase is not None
        assert increase >= number


def test_it_takes_every_line(service: IntakeService, sender: Sender, prometheus: Prometheus) -> None:
    reason = 'a "quoted" reason with a \\ and an é'
    rows = [{"outcome": "client_discard", "category": "session", "reason": reason, "quantity": 4}]
    assert service.ask("POST", f"/api/0/projects/acme/{sender.slug}/outcomes/", {"outcomes": rows}).status == 201

    prometheus.wait_for_value(f'sum(statsapi_dropped_events_total{{project="{sender.slug}",category="session"}})', 4)
    prometheus.wait_for_value('up{job="statsapi"}', 1)  # on a busy machine a scrape may come too late
    log = prometheus.server.log.read_text()
    assert "level=warn" not in log.lower().replace("level=warning", "level=warn"), log
    assert "level=error" not in log.lower(), log
