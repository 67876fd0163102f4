"""A killed rebuild after a change of TSDB_ROLLUPS, and events that come meanwhile.

See docs/reliability.md#interrupted-rebuild.
"""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.stage import RedisServer
from tests.proxy import Proxy
from tests.service import Service
from tsdb.rollups import parse_rollups
from tsdb.scripts import Script

EARLIER, LATER = "10s:360,1h:168,1d:90", "10s:360,5m:300:0,1h:768:168,1d:400:90"
SLUGS = [f"carried-{place}" for place in range(6)]
AGES = (5, 65, 600, 2000, 30 * 3600, 5 * 86400, 60 * 86400)


@pytest.fixture
def service(tmp_path: Path, own_redis: RedisServer) -> Iterator[Service]:
    """Start a service with the earlier rollups on an empty Redis."""
    with own_redis.client() as client:
        client.flushall()
    urls = {name: f"redis://127.0.0.1:{own_redis.port}/{place}" for place, name in enumerate(("TSDB_URL", "CACHE_URL"))}
    service = Service(tmp_path, **urls, TSDB_ROLLUPS=EARLIER)
    yield service
    service.stop()


def count(service: Service, slug: str, *ages: int) -> int:
    """Send an accepted and a filtered row for each age in seconds, and return the status."""
    now = int(time.time())
    rows = [
        {"outcome": outcome, "quantity": 3, "timestamp": now - age, "environment": "production"}
        for age in ages
        for outcome in ("accepted", "filtered")
    ]
    return service.ask("POST", f"/api/0/projects/acme/{slug}/outcomes/", {"outcomes": rows}).status


def counted(service: Service, slug: str, days: int) -> list[int]:
    """Return the sum of the last `days` by the day, and of shorter windows at the finer resolutions that hold them."""
    sums = []
    for resolution in ("10s", "5m", "1h", "1d"):
        span = {"10s": 3000, "5m": 3000, "1h": 6 * 86400}.get(resolution, days * 86400)
        path = f"/api/0/projects/acme/{slug}/stats/?resolution={resolution}&since={time.time() - span}"
        answer = service.ask("GET", path)
        assert answer.status == 200, answer
        sums.append(sum(count for _, count in answer.json()))
    return sums


def test_it_is_killed_in_the_middle_run_again_and_counted_into_meanwhile(
    service: Service, own_redis: RedisServer
) -> None:
    for slug in SLUGS:
        assert service.ask("POST", "/api/0/organizations/acme/projects/", {"name": slug}).status == 201
        assert count(service, slug, *AGES) == 201
    service.restart(TSDB_ROLLUPS=LATER)

    script = Script("rebuild", parse_rollups(LATER))
    with own_redis.client() as client, Proxy(own_redis.port) as proxy:
        client.script_load(script.text)
        proxy.hold_answer_of = script.sha.encode()
        victim = service.start_command("rebuild_rollups", TSDB_URL=f"redis://127.0.0.1:{proxy.port}/0")
        victim.wait_until(lambda: proxy.seen(script.sha.encode()) > 0, "the script")
        victim.stop(signal.SIGKILL)
        states = [client.get(key) or b"" for key in client.scan_iter("ts:*:state")]
    assert sum(state.startswith(b"rebuilding") for state in states) == 1
    assert sum(b"5m" not in state and b"300s" not in state for state in states) >= len(SLUGS) - 1

    ended = threading.Event()

    def send(place: int) -> Counter[str]:
        acknowledged: Counter[str] = Counter()
        while not ended.is_set():
            slug = SLUGS[(place + sum(acknowledged.values())) % len(SLUGS)]
            status = count(service, slug, 0)
            assert status in (201, 503), status
            acknowledged[slug] += status == 201
        return acknowledged

    with ThreadPoolExecutor(4) as clients:
        running = [clients.submit(send, place) for place in range(4)]
        try:
            assert service.start_command("rebuild_rollups").process.wait(60) == 0
            for slug in SLUGS:
                counted(service, slug, 80)  # a read while the others count
        finally:
            ended.set()
        acknowledged = sum((one.result() for one in running), Counter())
    assert sum(acknowledged.values()) > 0
    for slug in SLUGS:
        recent, week, all_ages = (6 * (number + acknowledged[slug]) for number in (4, 6, 7))
        assert counted(service, slug, 80) == [recent, recent, week, all_ages], slug
    with own_redis.client() as client:
        assert not [key for key in client.scan_iter("ts:*") if key.endswith((b":3600s170", b":86400s92"))]
