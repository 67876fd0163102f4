"""A service behind a proxy to a Redis server that a test may stop, kill, fill or hang. Each test gets it repaired."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.faults.stage import TSDB_TIMEOUT, RedisServer, Stage, in_time
from tests.proxy import Proxy
from tests.service import Service


@pytest.fixture(scope="session")
def own_redis(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Start Redis from PATH if the run has `--external`, else the Valkey of the embedded server."""
    # Its file lies in memory if possible. On a disk with a slow fsync, Redis may answer up to two seconds before it
    # hands the data to the kernel (docs/reliability.md#the-promise).
    with TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as folder:
        server = RedisServer(Path(folder), external=request.config.getoption("--external"))
        yield server
        server.stop()


@pytest.fixture(scope="session")
def whole_stage(own_redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Proxy(own_redis.port) as proxy:
        service = Service(
            tmp_path_factory.mktemp("service"),
            TSDB_URL=f"redis://127.0.0.1:{proxy.port}/0",
            CACHE_URL=f"redis://127.0.0.1:{own_redis.port}/1",
            TSDB_TIMEOUT=str(TSDB_TIMEOUT),
            WEB_WORKERS="2",
        )
        yield Stage(own_redis, proxy, service)
        service.stop()


@pytest.fixture
def stage(whole_stage: Stage) -> Iterator[Stage]:
    """Yield the service with empty counts, after it has done what only a first request does."""
    whole_stage.mend()
    with whole_stage.redis.client() as client:
        client.flushall()
    assert in_time(whole_stage.service.count).status == 201
    assert in_time(whole_stage.service.stats).status == 200
    with whole_stage.redis.client() as client:
        for key in client.scan_iter("ts:{*}:[tfe]:*"):
            client.delete(key)
    whole_stage.proxy.reset()
    yield whole_stage
    whole_stage.mend()
