"""/metrics, read by Prometheus' own parser from a service with two workers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from tests.servers import start_redis
from tests.service import Service

TOKEN = "let-me-see"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder: Path = tmp_path_factory.mktemp("metrics")
    redis, port = start_redis(folder / "redis")
    urls = {"TSDB_URL": f"redis://127.0.0.1:{port}/0", "CACHE_URL": f"redis://127.0.0.1:{port}/1"}
    service = Service(folder, METRICS_TOKEN=TOKEN, GRANIAN_WORKERS="2", **urls)
    yield service
    service.stop()
    redis.stop()


def read(service: Service) -> dict[tuple[str, ...], float]:
    answer = service.ask("GET", "/metrics", authorization=f"Bearer {TOKEN}")
    assert answer.status == 200
    samples = {}
    for family in text_string_to_metric_families(answer.body.decode()):
        for sample in family.samples:
            samples[sample.name, *sorted(sample.labels.values())] = sample.value
    return samples


def test_the_counts_are_counters_that_never_go_back(service: Service) -> None:
    name = ("statsapi_events_total", *sorted(("acme", "web", "error", "accepted")))
    service.count(3)
    before = read(service)[name]
    service.count(4)
    assert read(service)[name] == before + 4


def test_requests_are_counted_over_all_workers(service: Service) -> None:
    name = ("statsapi_requests_total", *sorted(("project-stats", "GET", "200")))
    before = read(service).get(name, 0)
    for _ in range(40):
        assert service.stats().status == 200
    for _ in range(5):  # whichever worker answers
        assert read(service)[name] == before + 40
    assert read(service)["statsapi_request_seconds_count", "project-stats"] >= before + 40


def test_a_stranger_sees_nothing(service: Service) -> None:
    for said in ("", "Bearer wrong", "Bearer "):
        assert service.ask("GET", "/metrics", authorization=said).status == 403


def test_without_a_token_metrics_are_off(client: Client) -> None:
    response = client.get("/metrics", headers={"authorization": "Bearer "})
    assert (response.status_code, response.json()) == (403, {"detail": "Metrics are off: METRICS_TOKEN is not set."})
