"""Large bodies are parsed one at a time, and others are served between them."""

from __future__ import annotations

import asyncio

import pytest

from statsapi.ingest import turns
from statsapi.ingest.store_body import most_bytes
from statsapi.ingest.turns import LARGE_BYTES, in_turn


@pytest.fixture(autouse=True)
def _turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock belongs to one event loop, and each test has another."""
    monkeypatch.setattr(turns, "_turn", asyncio.Lock())


def test_between_two_large_bodies_others_get_their_turn() -> None:
    order: list[str] = []

    async def other() -> None:
        for _ in range(3):
            order.append("other")
            await asyncio.sleep(0)

    async def all_of_them() -> None:
        large = [in_turn(LARGE_BYTES + 1, order.append, f"large {number}") for number in (1, 2)]
        await asyncio.gather(*large, other())

    asyncio.run(all_of_them())
    assert order[0] == "large 1"
    assert order.index("other") < order.index("large 2")
    assert sorted(order) == ["large 1", "large 2", "other", "other", "other"]


def test_an_error_is_raised_and_the_next_one_has_its_turn() -> None:
    async def both() -> None:
        calls = [in_turn(LARGE_BYTES + 1, divmod, 1, number) for number in (0, 1)]
        found.extend(await asyncio.gather(*calls, return_exceptions=True))

    found: list[object] = []
    asyncio.run(both())
    failed, answered = found
    assert isinstance(failed, ZeroDivisionError)
    assert answered == (1, 0)


def test_a_store_body_that_is_packed_may_be_large_although_it_is_short() -> None:
    assert most_bytes(b'  {"message": "x"}') < LARGE_BYTES < most_bytes(b"eJyrVs" * 100)
    assert (
        most_bytes(b'{"a": [' + b"1, " * 10_000 + b"2]}")
        < LARGE_BYTES
        < most_bytes(b'{"a": [' + b"1, " * 10_000 + b"NaN]}")
    )
