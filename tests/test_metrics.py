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


class Redis:
    """A server that can be taken away and comes back with what it had."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server, self.port = start_redis(folder)

    def come_back(self) -> None:
        self.server, _ = start_redis(self.folder, port=self.port)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    redis = Redis(tmp_path_factory.mktemp("redis"))
    yield redis
    redis.server.stop()


@pytest.fixture(scope="module")
def service(redis: Redis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    url = f"redis://127.0.0.1:{redis.port}"
    settings = {"TSDB_URL": f"{url}/0", "CACHE_URL": f"{url}/1", "METRICS_TOKEN": TOKEN, "GRANIAN_WORKERS": "2"}
    service = Service(tmp_path_factory.mktemp("metrics"), **settings)
    yield service
    service.stop()


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


def test_while_redis_is_down_the_health_of_the_service_is_told_all_the_same(service: Service, redis: Redis) -> None:
    service.count(2)
    before = read(service)
    events = {name for name in before if name[0] == "statsapi_events_total"}
    assert events
    redis.server.stop()
    try:
        assert service.stats().status == 503
        down = read(service)
    finally:
        redis.come_back()
    failed = ("statsapi_requests_total", *sorted(("project-stats", "GET", "503")))
    assert down[failed] == before.get(failed, 0) + 1
    assert sum(count for name, count in down.items() if name[0] == "statsapi_redis_errors_total") >= 1
    assert not events & down.keys()
    assert {name: count for name, count in read(service).items() if name in events} == {
        name: before[name] for name in events
    }


def test_a_merged_a_deleted_and_a_renamed_project(service: Service) -> None:
    """Counters never go back: a merge leaves them where they were counted, and only a deletion ends them."""

    def events(project: str) -> float | None:
        return read(service).get(("statsapi_events_total", *sorted(("acme", project, "error", "accepted"))))

    for name in ("one", "two"):
        assert service.ask("POST", "/api/0/organizations/acme/projects/", {"name": name}).status == 201
        rows = {"outcomes": [{"outcome": "accepted", "quantity": 5}]}
        assert service.ask("POST", f"/api/0/projects/acme/{name}/outcomes/", rows).status == 201
    assert service.ask("POST", "/api/0/projects/acme/one/merge/", {"into": "two"}).status == 200
    assert (events("one"), events("two")) == (5, 5)
    assert service.ask("PUT", "/api/0/projects/acme/two/", {"slug": "three"}).status == 200
    assert (events("two"), events("three")) == (None, 5)
    assert service.ask("DELETE", "/api/0/projects/acme/one/").status == 204
    assert events("one") is None
