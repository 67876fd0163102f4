"""A Redis with AOF every second, killed and started again: no acknowledged count is lost, no resolution differs.

See docs/reliability.md#redis-killed.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from tests.faults.stage import Stage


def test_what_was_acknowledged_is_there_after_a_kill_in_full_swing(stage: Stage) -> None:
    killed = threading.Event()

    def send(client: int) -> tuple[int, int]:
        """Send until Redis is killed and six times more. Return the numbers of acknowledged and of sent events."""
        acknowledged = sent = after = 0
        while after < 6:
            quantity = 1 + (sent + client) % 7
            sent += quantity
            answer = stage.service.count(quantity)
            assert answer.status in (201, 503), answer
            if answer.status == 201:
                acknowledged += quantity
            if acknowledged > 200:
                enough.set()
            after += killed.is_set()
        return acknowledged, sent

    enough = threading.Event()
    with ThreadPoolExecutor(4) as clients:
        running = [clients.submit(send, client) for client in range(4)]
        try:
            assert enough.wait(20)
            stage.redis.kill()
        finally:
            killed.set()
        results = [one.result() for one in running]
    stage.redis.start()
    acknowledged, sent = (sum(column) for column in zip(*results, strict=True))
    counted = [stage.service.counted(resolution) for resolution in ("10s", "1h", "1d")]
    assert counted[0] == counted[1] == counted[2]
    assert acknowledged <= counted[0] <= sent
    assert stage.service.count().status == 201


def test_an_idempotency_key_outlives_the_kill(stage: Stage) -> None:
    assert stage.service.count(5, idempotency_key="a").status == 201
    stage.redis.kill()
    stage.redis.start()
    assert stage.service.count(5, idempotency_key="a").status == 201
    assert stage.service.counted() == 5
