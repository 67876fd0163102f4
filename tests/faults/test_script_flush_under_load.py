"""SCRIPT FLUSH while the service counts and reads: nobody notices, and nothing is lost or doubled.

See docs/reliability.md#script-flush.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from tests.faults.stage import Stage, is_late


def test_it_goes_unnoticed_in_full_swing(stage: Stage) -> None:
    ended, late = threading.Event(), threading.Semaphore(0)

    def forget() -> int:
        times = 0
        with stage.redis.client() as client:
            while not ended.is_set():
                client.script_flush()
                times += 1
        return times

    def send(client: int) -> int:
        acknowledged = 0
        for number in range(60):
            headers = {"idempotency_key": f"{client} {number}"} if client % 2 else {}
            answer = stage.service.count(3, **headers)
            if is_late(answer):
                late.release()  # it is counted or not
            else:
                assert answer.status == 201
                acknowledged += 3
            if number % 10 == 0:
                answer = stage.service.stats()
                assert answer.status == 200 or is_late(answer)
        return acknowledged

    with ThreadPoolExecutor(5) as threads:
        flushes = threads.submit(forget)
        acknowledged = sum(threads.map(send, range(4)))
        ended.set()
        assert flushes.result() > 10
    unsure = 0
    while late.acquire(blocking=False):
        unsure += 3
    counted = [stage.service.counted(resolution) for resolution in ("10s", "1h", "1d")]
    assert acknowledged <= counted[0] <= acknowledged + unsure
    assert counted == [counted[0]] * 3
