"""A merge whose process is killed: the next request finishes it, and nothing is lost, doubled or half done.

See docs/reliability.md#interrupted-merge.
"""

from __future__ import annotations

import secrets
import signal
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings

from tests.faults.stage import Stage
from tests.servers import ROOT, Server
from tests.service import SINCE, Answer, Service
from tsdb.scripts import Script

ROWS = [
    {"outcome": "accepted", "quantity": 5, "environment": "production"},
    {"outcome": "filtered", "quantity": 2, "reason": "localhost"},
]


def counted(service: Service, slug: str, **query: str) -> list[int]:
    """Return what was received since the test began at each resolution."""
    sums = []
    for resolution, seconds in {**SINCE, "5m": 7200}.items():
        asked = {"resolution": resolution, "since": str(time.time() - seconds), **query}
        words = "&".join(f"{name}={value}" for name, value in asked.items())
        answer = service.ask("GET", f"/api/0/projects/acme/{slug}/stats/?{words}")
        assert answer.status == 200, answer
        sums.append(sum(count for _, count in answer.json()))
    return sums


def merge(service: Service, source: str, into: str) -> Answer:
    return service.ask("POST", f"/api/0/projects/acme/{source}/merge/", {"into": into})


def send(service: Service, slug: str) -> int:
    return service.ask("POST", f"/api/0/projects/acme/{slug}/outcomes/", {"outcomes": ROWS}).status


MERGE = """
import sys
import django
django.setup()
from projects import services
services.merge_projects(source=int(sys.argv[1]), destination=int(sys.argv[2]))
"""


@pytest.fixture(params=["take", "put", "drop"])
def killed(request: pytest.FixtureRequest, stage: Stage, tmp_path: Path) -> tuple[str, str]:
    """Return the slugs of a source and a destination whose merge was killed after the script ran for the first time."""
    service, name = stage.service, secrets.token_hex(4)
    source, goal = f"source-{name}", f"goal-{name}"
    for slug in (source, goal):
        assert service.ask("POST", "/api/0/organizations/acme/projects/", {"name": slug}).status == 201
    assert send(service, source) == 201
    assert merge(service, source, goal).status == 200  # now Redis has the scripts
    assert send(service, source) == 201

    # The script has done its work. Then the process that waits for its answer is killed.
    sha = Script(request.param, settings.TSDB_ROLLUPS).sha.encode()
    stage.proxy.reset()
    stage.proxy.hold_answer_of = sha
    numbers = [str(service.ask("GET", f"/api/0/projects/acme/{slug}/").json()["id"]) for slug in (source, goal)]
    victim = Server([sys.executable, "-c", MERGE, *numbers], tmp_path / "log", cwd=ROOT, **service._environment)
    victim.wait_until(lambda: stage.proxy.seen(sha) > 0, f"the script {request.param}")
    victim.stop(signal.SIGKILL)
    assert victim.process.returncode == -signal.SIGKILL
    stage.proxy.reset()
    return source, goal


def test_run_again_it_has_lost_nothing_and_doubled_nothing(stage: Stage, killed: tuple[str, str]) -> None:
    service, (source, goal) = stage.service, killed
    assert send(service, source) == 201  # counting goes on
    again = merge(service, source, goal)
    assert again.status == 200, again
    assert counted(service, source) == [0] * 4
    assert counted(service, goal) == [21] * 4
    assert counted(service, goal, stat="generated", environment="production") == [15] * 4
    assert moving(stage) == []


@pytest.mark.parametrize("first", ["source", "goal"])
def test_whoever_reads_either_project_reads_a_whole_and_finishes_it(
    stage: Stage, killed: tuple[str, str], first: str
) -> None:
    service, (source, goal) = stage.service, killed
    assert moving(stage), "it was in the middle of it"
    for slug in (source, goal) if first == "source" else (goal, source):
        assert counted(service, slug) == ([0] * 4 if slug == source else [14] * 4)
        assert moving(stage) == []
    assert counted(service, goal, stat="generated", environment="production") == [10] * 4


def test_whoever_counts_into_either_project_finishes_it(stage: Stage, killed: tuple[str, str]) -> None:
    service, (source, goal) = stage.service, killed
    assert send(service, source) == send(service, goal) == 201
    assert moving(stage) == []
    assert counted(service, source) == [7] * 4
    assert counted(service, goal) == [21] * 4


def moving(stage: Stage) -> list[bytes]:
    with stage.redis.client() as redis:
        return list(redis.scan_iter("ts:*:moving:*"))
