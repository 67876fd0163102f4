"""Arrivals that wait at the same time are counted by one call, and each gets its own answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import cast

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from statsapi.ingest.together import Together
from tsdb.arrivals import Arrival, Decision, Sent
from tsdb.intake import Intake
from tsdb.outcomes import Outcome
from tsdb.store import ProjectClosed

pytestmark = pytest.mark.once

ACCEPTED = Decision(Outcome.ACCEPTED)


class Redis:
    """Stands for Intake, so that a test says when a call ends. Project 13 gets an error, all others accepted.

    Calls about projects above 100 hang until `wakes`.
    """

    def __init__(self) -> None:
        self.wakes = threading.Event()
        self.calls: list[list[int]] = []
        self.may = threading.Semaphore(0)

    def count_together(self, sent: Sequence[Sent]) -> list[Decision | Exception]:
        self.calls.append([one.project for one in sent])
        if sent[0].project > 100:
            self.wakes.wait(10)
            return [RedisTimeoutError("no answer")] * len(sent)
        self.may.acquire(timeout=10)
        return [ProjectClosed([13]) if one.project == 13 else ACCEPTED for one in sent]


def arrival(project: int) -> Sent:
    return Sent(project, "a version", Arrival(None, Outcome.ACCEPTED), "a token", 0)


async def until_called(redis: Redis, times: int) -> None:
    async with asyncio.timeout(10):
        while len(redis.calls) < times:
            await asyncio.sleep(0.001)


def counting(redis: Redis) -> Together:
    """Return what counts, for two servers: one has the projects above 100."""
    return Together(lambda: cast(Intake, redis), lambda project: "b" if project > 100 else "a")


def test_who_comes_alone_is_sent_at_once_and_who_comes_meanwhile_goes_together() -> None:
    redis = Redis()

    async def crowd() -> list[Decision]:
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

    assert asyncio.run(crowd()) == [ACCEPTED] * 4
    assert redis.calls == [[1], [2, 3, 4]]


def test_one_bad_arrival_fails_alone() -> None:
    redis = Redis()
    redis.may.release(9)

    async def crowd() -> list[Decision | BaseException]:
        return await asyncio.gather(*map(counting(redis).count, map(arrival, (1, 13, 2))), return_exceptions=True)

    answers = asyncio.run(crowd())
    assert (answers[0], answers[2]) == (ACCEPTED, ACCEPTED)
    assert isinstance(answers[1], ProjectClosed)
    assert redis.calls == [[1, 13, 2]]


def test_a_server_that_hangs_holds_up_nobody_of_another_server() -> None:
    redis = Redis()
    redis.may.release(9)

    async def crowd() -> list[Decision]:
        all_of_them = counting(redis)
        hung = asyncio.ensure_future(all_of_them.count(arrival(101)))
        await until_called(redis, 1)
        served = [await all_of_them.count(arrival(number)) for number in (1, 2, 3)]
        redis.wakes.set()
        with pytest.raises(RedisTimeoutError):
            await hung
        return served

    assert asyncio.run(crowd()) == [ACCEPTED] * 3


def test_who_waits_for_a_call_that_hangs_fails_with_it_uncounted() -> None:
    redis = Redis()

    async def crowd() -> list[Decision | BaseException]:
        all_of_them = counting(redis)
        asking = [asyncio.ensure_future(all_of_them.count(arrival(101)))]
        await until_called(redis, 1)
        asking += [asyncio.ensure_future(all_of_them.count(arrival(number))) for number in (102, 103)]
        await asyncio.sleep(0)
        redis.wakes.set()
        return await asyncio.gather(*asking, return_exceptions=True)

    assert [type(one) for one in asyncio.run(crowd())] == [RedisTimeoutError] * 3
    assert redis.calls == [[101]]


def test_a_sender_that_goes_away_before_its_turn_is_not_counted() -> None:
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

    async def crowd() -> Decision:
        nonlocal is_away
        all_of_them = Together(connect, lambda project: "")
        with pytest.raises(RedisConnectionError):
            await all_of_them.count(arrival(1))
        is_away = False
        return await all_of_them.count(arrival(2))

    assert asyncio.run(crowd()) == ACCEPTED
    assert redis.calls == [[2]]
