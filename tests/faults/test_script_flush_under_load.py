"""SCRIPT FLUSH while the service counts and reads: nobody notices, and nothing is lost or doubled.

See docs/reliability.md#script-flush.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from tests.faults.stage import Stage


def test_it_goes_unnoticed_in_full_swing(stage: Stage) -> None:
    ended = threading.Event()

    def forget() -> int:
        times = 0
        with stage.redis.client() as client:
            while not ended.is_set():
                client.script_flush()
                times += 1
        return times

    def send(client: int) -> int:
        for number in range(60):
            headers = {"idempotency_key": f"{client} {number}"} if client % 2 else {}
            assert stage.service.count(3, **headers).status == 201
            if number % 10 == 0:
                assert stage.service.stats().status == 200
        return 3 * 60

    with ThreadPoolExecutor(5) as threads:
        flushes = threads.submit(forget)
        sent = sum(threads.map(send, range(4)))
        ended.set()
        assert flushes.result() > 10
    assert [stage.service.counted(resolution) for resolution in ("10s", "1h", "1d")] == [sent] * 3
