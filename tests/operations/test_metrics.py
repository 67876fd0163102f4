"""/metrics of a service with two workers, read by Prometheus' own parser."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import resolve
from prometheus_client.parser import text_string_to_metric_families

from statsapi.operations.metrics import USUAL_ERRORS
from tests.servers import ROOT, start_redis
from tests.service import PATIENT, Service
from tsdb.outcomes import FILTERS, Outcome

TOKEN = "let-me-see"

UNFINISHED = """
from projects.connections import get_store
from tsdb.series import state_key
get_store().clients.write.set(state_key({number}), "emptying - 0123456789abcdef -")
"""


class Redis:
    """A Redis that can be stopped and comes back with its data."""

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
    stores = {"TSDB_URL": f"{url}/0", "CACHE_URL": f"{url}/1"}
    settings = {**PATIENT, **stores, "METRICS_TOKEN": TOKEN, "WEB_WORKERS": "2"}
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


def counters(service: Service, project: str, name: str = "statsapi_events_total") -> dict[tuple[str, ...], float]:
    """Return a project's counters of one name: values by (category, outcome) or (category, outcome, reason)."""
    answer = service.ask("GET", "/metrics", authorization=f"Bearer {TOKEN}")
    return {
        tuple(value for label, value in sample.labels.items() if label not in ("organization", "project")): sample.value
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
        if sample.name == name and sample.labels["project"] == project
    }


def dropped(service: Service, project: str) -> dict[tuple[str, ...], float]:
    return counters(service, project, "statsapi_dropped_events_total")


def create_project(service: Service, name: str) -> tuple[int, str]:
    """Make a project. Return its id and the public half of its key."""
    made = service.ask("POST", "/api/0/organizations/acme/projects/", {"name": name})
    assert made.status == 201
    return int(made.json()["id"]), service.ask("GET", f"/api/0/projects/acme/{name}/keys/").json()[0]["public"]


def increase(before: dict[tuple[str, ...], float], after: dict[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
    """Return the increase that Prometheus sees: a counter that is missing in the first scrape has none."""
    return {labels: after[labels] - value for labels, value in before.items() if after[labels] != value}


def test_a_project_has_zeros_from_its_creation_on(service: Service) -> None:
    create_project(service, "created")
    assert counters(service, "created") == {("error", outcome): 0 for outcome in Outcome}
    assert dropped(service, "created") == {
        **{("error", "filtered", name): 0 for name in FILTERS},
        ("error", "rate_limited", "key_quota"): 0,
        ("error", "rate_limited", "project_quota"): 0,
    }


def test_a_burst_on_a_project_that_was_never_counted_into_is_an_increase(service: Service) -> None:
    create_project(service, "burst")
    events, drops = counters(service, "burst"), dropped(service, "burst")
    quantities = {outcome: 100 + place for place, outcome in enumerate(Outcome)}
    filtered = {name: 200 + place for place, name in enumerate(FILTERS)}
    rows: list[dict[str, Any]] = [{"outcome": outcome, "quantity": count} for outcome, count in quantities.items()]
    rows += [{"outcome": "filtered", "reason": name, "quantity": count} for name, count in filtered.items()]
    assert service.ask("POST", "/api/0/projects/acme/burst/outcomes/", {"outcomes": rows}).status == 201

    quantities[Outcome.FILTERED] += sum(filtered.values())
    assert increase(events, counters(service, "burst")) == {("error", name): n for name, n in quantities.items()}
    assert increase(drops, dropped(service, "burst")) == {
        ("error", "filtered", name): n for name, n in filtered.items()
    }


def test_events_that_a_quota_refuses_are_an_increase(service: Service) -> None:
    number, key = create_project(service, "refused")
    limit = {"rateLimit": {"count": 1, "window": 86400}}
    assert service.ask("PUT", f"/api/0/projects/acme/refused/keys/{key}/", limit).status == 200
    events, drops = counters(service, "refused"), dropped(service, "refused")
    said = f"Sentry sentry_key={key}, sentry_version=7"
    statuses = [
        service.ask("POST", f"/api/{number}/store/", {"message": "counted"}, x_sentry_auth=said).status
        for _ in range(5)
    ]
    assert statuses == [200, 429, 429, 429, 429]
    assert increase(events, counters(service, "refused")) == {("error", "accepted"): 1, ("error", "rate_limited"): 4}
    assert increase(drops, dropped(service, "refused")) == {("error", "rate_limited", "key_quota"): 4}


def test_a_file_that_a_worker_is_just_making_keeps_no_other_figures_back(service: Service) -> None:
    [folder] = {file.parent for file in service.log.parent.rglob("counter_*.db")}
    (folder / "counter_1.db").touch()
    assert service.ask("GET", "/metrics", authorization=f"Bearer {TOKEN}").status == 200


def test_what_is_used_of_a_budget_is_a_gauge(service: Service) -> None:
    create_project(service, "thrifty")
    assert counters(service, "thrifty", "statsapi_budget_used_ratio") == {}
    budgets = "/api/0/projects/acme/thrifty/budgets/"
    for budget in ({"limit": 1000, "window": "31d"}, {"limit": 0, "window": "month", "category": "span"}):
        assert service.ask("POST", budgets, budget).status == 201
    rows = {"outcomes": [{"outcome": "accepted", "quantity": 250}]}
    assert service.ask("POST", "/api/0/projects/acme/thrifty/outcomes/", rows).status == 201
    assert counters(service, "thrifty", "statsapi_budget_used_ratio") == {("error", "31d"): 0.25, ("span", "month"): 1}


def test_a_project_with_an_unfinished_change_keeps_no_other_from_the_gauge(service: Service) -> None:
    numbers = [create_project(service, slug)[0] for slug in ("settled", "unfinished")]
    for slug in ("settled", "unfinished"):
        assert service.ask("POST", f"/api/0/projects/acme/{slug}/budgets/", {"limit": 0, "window": "1h"}).status == 201
    service.run(UNFINISHED.format(number=numbers[1]))
    assert counters(service, "settled", "statsapi_budget_used_ratio") == {("error", "1h"): 1}
    assert counters(service, "unfinished", "statsapi_budget_used_ratio") == {}


def test_the_reasons_of_an_outcome_add_up_to_it(service: Service) -> None:
    """The sums are over all keys and categories, and over known and unknown reasons."""
    _, key = create_project(service, "reasons")
    rows: list[dict[str, Any]] = [
        {"category": category, "outcome": outcome, "reason": reason, "key": of_key, "quantity": 7 * place + 1}
        for place, (category, outcome, reason, of_key) in enumerate(
            product(("error", "transaction"), Outcome, (None, "localhost", "sample_rate", "of my own"), (None, key))
        )
    ]
    assert service.ask("POST", "/api/0/projects/acme/reasons/outcomes/", {"outcomes": rows}).status == 201
    sums: Counter[tuple[str, ...]] = Counter()
    for (category, outcome, _), value in dropped(service, "reasons").items():
        sums[category, outcome] += int(value)
    counted = counters(service, "reasons")
    assert sums == {labels: value for labels, value in counted.items() if labels[1] != "accepted"}
    assert sum(counted.values()) == sum(row["quantity"] for row in rows)


def test_a_reason_may_hold_whatever_a_sender_wrote(service: Service) -> None:
    number, _ = create_project(service, "odd")
    reason = 'said "no": C:\\temp, twice:\nñ'
    service.run(f"""
from projects.services import open_project
from tsdb.outcomes import Category, Outcome
from tsdb.series import fact
open_project({number})
now = 1_700_000_000
get_store().incr([fact({number}, 3, Category.ERROR, Outcome.FILTERED, {reason!r})], now, now=now, amount=6)
answer = None
""")
    assert dropped(service, "odd")["error", "filtered", reason] == 6


def test_requests_are_counted_over_all_workers(service: Service) -> None:
    name = ("statsapi_requests_total", *sorted(("project-stats", "GET", "200")))
    before = read(service).get(name, 0)
    for _ in range(40):
        assert service.stats().status == 200
    for _ in range(5):  # either worker may answer
        assert read(service)[name] == before + 40
    assert read(service)["statsapi_request_seconds_count", "project-stats"] >= before + 40


def test_failures_are_told_before_the_first_of_them(service: Service) -> None:
    assert service.stats().status == 200
    told = read(service)
    for status in ("429", "500", "503"):
        assert ("statsapi_requests_total", *sorted(("project-stats", "GET", status))) in told
    for error in USUAL_ERRORS:
        assert ("statsapi_redis_errors_total", error.__name__) in told
    for outcome in ("accepted", "filtered", "rate_limited", "invalid"):
        assert ("statsapi_intake_outcomes_total", outcome) in told


def test_a_stranger_sees_nothing(service: Service) -> None:
    for said in ("", "Bearer wrong", "Bearer "):
        assert service.ask("GET", "/metrics", authorization=said).status == 403


def test_without_a_token_metrics_are_off(client: Client) -> None:
    response = client.get("/metrics", headers={"authorization": "Bearer "})
    assert (response.status_code, response.json()) == (403, {"detail": "Metrics are off: METRICS_TOKEN is not set."})


def test_while_redis_is_down_the_health_of_the_service_is_told_all_the_same(service: Service, redis: Redis) -> None:
    service.count(2)
    before = read(service)
    of_stores = ("statsapi_events_total", "statsapi_dropped_events_total", "statsapi_budget_used_ratio")
    events = {name for name in before if name[0] in of_stores}
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
    """Counters never decrease. A merge does not move them, and only a deletion ends them."""

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


def test_the_sign_in_keeps_the_name_that_dashboards_know() -> None:
    assert resolve("/admin/login/").view_name == "statsapi.sign_in.one"


def test_every_way_to_start_keeps_its_figures_in_files(tmp_path: Path) -> None:
    """A start that runs the system checks imports all views first, and with them prometheus_client."""
    source = (
        "import django; django.setup()\n"
        "from django.core.management import call_command\n"
        "from prometheus_client import values\n"
        "call_command('check', verbosity=0)\n"
        "print(values.ValueClass.__name__)"
    )
    environment = {"DJANGO_SETTINGS_MODULE": "statsapi.settings", "VAR_DIR": str(tmp_path), "METRICS_TOKEN": TOKEN}
    command = [sys.executable, "-c", source]
    printed = subprocess.check_output(command, cwd=ROOT, env={**os.environ, **environment}, text=True)
    assert printed.split()[-1] == "MmapedValue"
