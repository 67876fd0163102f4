"""Arrivals that wait at the same time are counted by one call, and each gets its own answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import cast

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from statsapi.ingest import together
from statsapi.ingest.together import SENDERS, Together
from tsdb.intake import Arrival, Intake, Sent
from tsdb.outcomes import Outcome
from tsdb.store import ProjectClosed

pytestmark = pytest.mark.once


class Redis:
    """Stands for Intake, so that a test says when a call ends. Project 13 gets an error, all others accepted."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.may = threading.Semaphore(0)

    def count_together(self, sent: Sequence[Sent]) -> list[Outcome | Exception]:
        self.calls.append([one.project for one in sent])
        self.may.acquire(timeout=10)
        return [ProjectClosed([13]) if one.project == 13 else Outcome.ACCEPTED for one in sent]


def arrival(project: int) -> Sent:
    return Sent(project, "a version", Arrival(None, Outcome.ACCEPTED), "a token", 0)


async def until_called(redis: Redis, times: int) -> None:
    async with asyncio.timeout(10):
        while len(redis.calls) < times:
            await asyncio.sleep(0.001)


def counting(redis: Redis, patience: float = 10.0) -> Together:
    return Together(lambda: cast(Intake, redis), patience)


def test_who_comes_alone_is_sent_at_once_and_who_comes_meanwhile_goes_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "STUCK", 60)
    redis = Redis()

    async def crowd() -> list[Outcome]:
        all_of_them = counting(redis)
        first = asyncio.ensure_future(all_of_them.count(arrival(1)))
        await until_called(redis, 1)
        later = [asyncio.ensure_future(all_of_them.count(arrival(number))) for number in (2, 3, 4)]
        await asyncio.sleep(0)
        assert redis.calls == [[1]]
        redis.may.release(2)
        outcomes = await asyncio.gather(first, *later)
        all_of_them.close()
        return outcomes

    assert asyncio.run(crowd()) == [Outcome.ACCEPTED] * 4
    assert redis.calls == [[1], [2, 3, 4]]


def test_one_bad_arrival_fails_alone() -> None:
    redis = Redis()
    redis.may.release(9)

    async def crowd() -> list[Outcome | BaseException]:
        return await asyncio.gather(*map(counting(redis).count, map(arrival, (1, 13, 2))), return_exceptions=True)

    answers = asyncio.run(crowd())
    assert (answers[0], answers[2]) == (Outcome.ACCEPTED, Outcome.ACCEPTED)
    assert isinstance(answers[1], ProjectClosed)
    assert redis.calls == [[1, 13, 2]]


def test_a_call_that_hangs_holds_nobody_else_up_and_the_calls_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "STUCK", 0.001)
    redis = Redis()

    async def crowd() -> None:
        all_of_them = counting(redis)
        asking = []
        for number in range(SENDERS):
            asking.append(asyncio.ensure_future(all_of_them.count(arrival(number))))
            await until_called(redis, number + 1)
        asking.append(asyncio.ensure_future(all_of_them.count(arrival(99))))
        await asyncio.sleep(0.02)
        assert redis.calls == [[number] for number in range(SENDERS)]
        redis.may.release(SENDERS + 1)
        await asyncio.gather(*asking)

    asyncio.run(crowd())
    assert redis.calls[-1] == [99]


def test_who_was_not_sent_in_time_fails_uncounted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "SENDERS", 1)
    monkeypatch.setattr(together, "STUCK", 0.001)
    redis = Redis()

    async def crowd() -> None:
        all_of_them = counting(redis, patience=0.01)
        first = asyncio.ensure_future(all_of_them.count(arrival(1)))
        await until_called(redis, 1)
        second = asyncio.ensure_future(all_of_them.count(arrival(2)))
        await asyncio.sleep(0.05)
        redis.may.release()
        await first
        with pytest.raises(RedisTimeoutError):
            await second

    asyncio.run(crowd())
    assert redis.calls == [[1]]


def test_a_sender_that_goes_away_before_its_turn_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "STUCK", 60)
    redis = Redis()

    async def crowd() -> None:
        all_of_them = counting(redis)
        first = asyncio.ensure_future(all_of_them.count(arrival(1)))
        await until_called(redis, 1)
        gone, stays = (asyncio.ensure_future(all_of_them.count(arrival(number))) for number in (2, 3))
        await asyncio.sleep(0)
        gone.cancel()
        redis.may.release(2)
        await asyncio.gather(first, stays)

    asyncio.run(crowd())
    assert redis.calls == [[1], [3]]


def test_a_store_that_cannot_be_reached_fails_all_and_the_next_ones_are_tried_again() -> None:
    redis = Redis()
    redis.may.release(9)
    is_away = True

    def connect() -> Intake:
        if is_away:
            raise RedisConnectionError("away")
        return cast(Intake, redis)

    async def crowd() -> Outcome:
        nonlocal is_away
        all_of_them = Together(connect, 10)
        with pytest.raises(RedisConnectionError):
            await all_of_them.count(arrival(1))
        is_away = False
        return await all_of_them.count(arrival(2))

    assert asyncio.run(crowd()) == Outcome.ACCEPTED
    assert redis.calls == [[2]]
