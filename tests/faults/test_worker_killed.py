"""Workers that are killed under load: acknowledged ≤ counted ≤ sent, and all resolutions agree.

See docs/reliability.md#worker-killed.
"""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException

from tests.faults.stage import Stage, is_late
from tests.servers import listens, wait_for
from tests.service import Service

EVENTS_BETWEEN_KILLS = 400


def kill_a_worker(service: Service) -> None:
    """Kill the oldest worker, and wait for the one that takes its place."""
    before = service.workers()
    os.kill(before[0], signal.SIGKILL)
    wait_for(lambda: set(service.workers()) - set(before) != set(), "the start of another worker")
    wait_for(lambda: listens(service.port), "a worker that serves")


def test_workers_are_killed_in_full_swing(stage: Stage) -> None:
    ended, enough = threading.Event(), threading.Semaphore(0)

    def send(_: int) -> tuple[int, int]:
        acknowledged = sent = 0
        while not ended.is_set():
            sent += 1
            try:
                answer = stage.service.count()
            except (OSError, HTTPException):
                continue  # killed before it answered, so the event may be counted or not
            if is_late(answer):
                continue
            assert answer.status == 201
            acknowledged += 1
            enough.release()
        return acknowledged, sent

    with ThreadPoolExecutor(4) as clients:
        running = [clients.submit(send, client) for client in range(4)]
        try:
            for _ in range(2):
                for _ in range(EVENTS_BETWEEN_KILLS):
                    assert enough.acquire(timeout=20)
                kill_a_worker(stage.service)
        finally:
            ended.set()
        acknowledged, sent = (sum(column) for column in zip(*(one.result() for one in running), strict=True))
    counted = [stage.service.counted(resolution) for resolution in ("10s", "1h", "1d")]
    assert counted[0] == counted[1] == counted[2]
    assert 2 * EVENTS_BETWEEN_KILLS <= acknowledged <= counted[0] <= sent
