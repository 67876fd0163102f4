"""kill -9 of who merges, in the middle of it: run again, it has lost nothing and doubled nothing."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings

from tests.faults.stage import Stage
from tests.servers import ROOT, Server
from tests.service import Answer, Service
from tsdb.scripts import Script

ROWS = [
    {"outcome": "accepted", "quantity": 5, "environment": "production"},
    {"outcome": "filtered", "quantity": 2, "reason": "localhost"},
]


def counted(service: Service, slug: str, **query: str) -> list[int]:
    """All of the last 50 minutes, at each resolution."""
    sums = []
    for resolution in ("10s", "1h", "1d"):
        asked = {"resolution": resolution, "since": str(time.time() - 3000), **query}
        words = "&".join(f"{name}={value}" for name, value in asked.items())
        answer = service.ask("GET", f"/api/0/projects/acme/{slug}/stats/?{words}")
        assert answer.status == 200, answer
        sums.append(sum(count for _, count in answer.json()))
    return sums


def merge(service: Service, source: str, into: str) -> Answer:
    return service.ask("POST", f"/api/0/projects/acme/{source}/merge/", {"into": into})


MERGE = """
import sys
import django
django.setup()
from projects import services
services.merge_projects(source=int(sys.argv[1]), destination=int(sys.argv[2]))
"""


@pytest.mark.parametrize("script", ["take", "put", "drop"])
def test_a_process_is_killed_in_a_merge(stage: Stage, tmp_path: Path, script: str) -> None:
    service, source, goal = stage.service, f"killed-{script}", f"goal-{script}"
    for name in (source, goal):
        assert service.ask("POST", "/api/0/organizations/acme/projects/", {"name": name}).status == 201
    outcomes = f"/api/0/projects/acme/{source}/outcomes/"
    assert service.ask("POST", outcomes, {"outcomes": ROWS}).status == 201
    assert merge(service, source, goal).status == 200  # from now on Redis knows the scripts
    assert service.ask("POST", outcomes, {"outcomes": ROWS}).status == 201

    # What the script did is done; the process that waits for its answer is killed.
    sha = Script(script, settings.TSDB_ROLLUPS).sha.encode()
    stage.proxy.reset()
    stage.proxy.hold_answer_of = sha

    numbers = [str(service.ask("GET", f"/api/0/projects/acme/{slug}/").json()["id"]) for slug in (source, goal)]
    victim = Server([sys.executable, "-c", MERGE, *numbers], tmp_path / "log", cwd=ROOT, **service._environment)
    victim.wait_until(lambda: stage.proxy.seen(sha) > 0, f"the script {script}")
    victim.stop(signal.SIGKILL)
    assert victim.process.returncode == -signal.SIGKILL
    stage.proxy.reset()

    assert service.ask("POST", outcomes, {"outcomes": ROWS}).status == 201  # life goes on
    again = merge(service, source, goal)
    assert again.status == 200, again
    assert counted(service, source) == [0, 0, 0]
    assert counted(service, goal) == [21, 21, 21]
    assert counted(service, goal, stat="generated", environment="production") == [15, 15, 15]
    with stage.redis.client() as redis:
        assert list(redis.scan_iter("ts:*:moving:*")) == []
