"""The memory limit of the embedded server: it refuses to count beyond it, and keeps it after a restart.

See docs/reliability.md#redis-full.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.faults.stage import refuses_for_now
from tests.servers import wait_for
from tests.service import Answer, Service
from tsdb import embedded

pytestmark = pytest.mark.once
BOUND = 32 * 1024 * 1024


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(tmp_path_factory.mktemp("full"), EMBEDDED_MAXMEMORY="32mb")
    yield service
    service.stop()


def valkey(service: Service) -> redis.Redis:
    path = embedded.socket_path(Path(service._environment["VAR_DIR"]))
    return redis.Redis(unix_socket_path=str(path), socket_timeout=5)


def bound(service: Service) -> dict[str, str]:
    with valkey(service) as client:
        return {name: client.config_get(name)[name] for name in ("maxmemory", "maxmemory-policy")}


def test_beyond_its_bound_it_counts_nothing_and_answers_reads(service: Service) -> None:
    assert service.count(5).status == 201
    assert bound(service) == {"maxmemory": str(BOUND), "maxmemory-policy": "noeviction"}
    with valkey(service) as client:
        spare = BOUND - int(client.info("memory")["used_memory"])
        client.setrange("filler", spare + 1024 * 1024, "x")  # accepted as long as there is any room
    refused = service.count(3)
    assert refuses_for_now(refused), refused
    assert service.counted() == 5

    def names_it(ready: Answer) -> bool:
        return ready.status == 200 and any("OOM: " in warning for warning in ready.json()["warnings"])

    service.wait_for_ready(names_it, "a warning of OOM")
    with valkey(service) as client:
        client.delete("filler")
    assert service.count(3).status == 201
    assert service.counted() == 8


def test_the_bound_is_there_again_after_the_server_was_killed(service: Service) -> None:
    with valkey(service) as client:
        killed = int(client.info("server")["process_id"])
    os.kill(killed, signal.SIGKILL)

    def is_another() -> bool:
        try:
            with valkey(service) as client:
                return int(client.info("server")["process_id"]) != killed
        except redis.exceptions.RedisError:
            return False

    wait_for(is_another, "another server")
    assert bound(service) == {"maxmemory": str(BOUND), "maxmemory-policy": "noeviction"}
