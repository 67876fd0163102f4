"""A crowd floods a project that has a budget: exactly so many events are accepted, and nobody else notices.

See docs/reliability.md#flood.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence

import pytest

from tests.clients.live import IntakeService, Sender, event
from tests.servers import wait_for
from tsdb.budgets import MONTH
from tsdb.units import HOUR

EVENTS, BUDGET, OTHERS = 20_000, 1000, 1000
CONNECTIONS = 64
RESOLUTIONS = ("10s", "1h", "1d")

USES = """
import time
from projects.selectors import budgets_of
from tsdb.budgets import read_uses
uses = read_uses(get_store(), {{{project}: budgets_of({project})}}, now=int(time.time()))
answer = [use.used for use in uses.values()]
"""

Request = tuple[str, bytes]
"""Whose it is, and its bytes."""


@pytest.fixture
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IntakeService]:
    service = IntakeService(tmp_path_factory.mktemp("flood"), workers=2)
    yield service
    service.stop()


def request(whose: str, sender: Sender, body: bytes) -> Request:
    head = f"POST {sender.path('envelope')} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Sentry-Auth: {sender.auth}\r\n"
    return whose, f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def flood(port: int, requests: Sequence[Request]) -> Counter[tuple[str, int]]:
    """Send the requests over many connections, and return how many of whom got each status."""
    waiting, statuses = iter(requests), Counter[tuple[str, int]]()

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for whose, sent in waiting:
            writer.write(sent)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
            statuses[whose, int(head.split(maxsplit=2)[1])] += 1
            if b" 429 " in head[:14]:
                assert b"\r\nretry-after: " in head
                assert b":default;error;security:project:project_quota\r\n" in head
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(client() for _ in range(CONNECTIONS)))
    return statuses


def test_a_budget_is_exact_under_any_crowd_and_takes_nothing_from_others(service: IntakeService) -> None:
    flooded, other = service.new_sender(), service.new_sender()
    service.limit(flooded, BUDGET, HOUR, MONTH)
    # No window may end during the test.
    wait_for(lambda: time.time() % HOUR < HOUR - 180, "the new hour", 190)
    session = b'{}\n{"type":"session"}\n{}\n'
    requests = []
    for number in range(EVENTS):
        requests.append(request("flood", flooded, event()))
        if number % (EVENTS // OTHERS) == 0:
            requests += [request("other", other, event()), request("session", flooded, session)]
    assert asyncio.run(flood(service.port, requests)) == {
        ("flood", 200): BUDGET,
        ("flood", 429): EVENTS - BUDGET,
        ("other", 200): OTHERS,
        ("session", 200): OTHERS,
    }
    for resolution in RESOLUTIONS:
        assert service.stat(flooded, "generated", resolution) == BUDGET
        assert service.stat(flooded, "rejected", resolution) == EVENTS - BUDGET
        assert service.stat(other, "generated", resolution) == OTHERS
    assert service.facts(flooded) == {
        ("error", "accepted", "none"): BUDGET,
        ("error", "rate_limited", "project_quota"): EVENTS - BUDGET,
        ("session", "accepted", "none"): OTHERS,
    }
    assert service.run(USES.format(project=flooded.project)) == [BUDGET, BUDGET]
