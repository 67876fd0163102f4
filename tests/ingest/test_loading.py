"""Many requests ask for one object each, and the stores are asked for all of them at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping

import pytest
from django.db import OperationalError

from statsapi.ingest import loading
from statsapi.ingest.loading import AT_ONCE, MOST, Loader

pytestmark = pytest.mark.once


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let callers wait for longer than a busy machine stands still."""
    monkeypatch.setattr(loading, "PATIENCE", 20.0)


class Source:
    """A load that can be held up. It returns each number itself, and an error for a negative one."""

    def __init__(self) -> None:
        self.asked: list[Mapping[int, str | None]] = []
        self.may = threading.Event()

    def __call__(self, wanted: Mapping[int, str | None]) -> Mapping[int, int | Exception]:
        self.asked.append(wanted)
        self.may.wait(10)
        return {number: number if number >= 0 else LookupError(number) for number in wanted}


async def until_asked(source: Source, times: int) -> None:
    """Wait until the source was asked so many times."""
    async with asyncio.timeout(10):
        while len(source.asked) < times:
            await asyncio.sleep(0.001)


def test_who_waits_is_answered_together_in_bounded_batches() -> None:
    source = Source()

    async def crowd() -> list[int]:
        loader = Loader(source)
        asking = [asyncio.ensure_future(loader.ask(number)) for number in range(400)]
        await until_asked(source, 1)
        assert len(source.asked) <= AT_ONCE
        source.may.set()
        return await asyncio.gather(*asking)

    assert asyncio.run(crowd()) == list(range(400))
    assert max(map(len, source.asked)) <= MOST
    assert len(source.asked) <= AT_ONCE + 3


def test_callers_of_the_same_share_what_is_read_after_they_asked() -> None:
    source = Source()

    async def crowd() -> list[int]:
        loader = Loader(source)
        first = []
        for number in range(AT_ONCE):  # one after the other, so that no batch has two of them
            first.append(asyncio.ensure_future(loader.ask(number)))
            await until_asked(source, len(first))
        # Number 0 is being loaded already. What was read of it may be older than these calls.
        later = [asyncio.ensure_future(loader.ask(0, version)) for version in (None, "a version", None)]
        await asyncio.sleep(0)
        source.may.set()
        return await asyncio.gather(*first, *later)

    assert asyncio.run(crowd()) == [*range(AT_ONCE), 0, 0, 0]
    assert source.asked[AT_ONCE:] == [{0: "a version"}]


def test_one_that_fails_fails_alone() -> None:
    source = Source()
    source.may.set()

    async def crowd() -> list[int | BaseException]:
        loader = Loader(source)
        return await asyncio.gather(*map(loader.ask, (-1, 1, 2, 3)), return_exceptions=True)

    failed, *others = asyncio.run(crowd())
    assert isinstance(failed, LookupError)
    assert others == [1, 2, 3]


def test_nobody_waits_for_long_and_what_failed_as_a_whole_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source()

    async def twice() -> int:
        loader = Loader(source)
        with monkeypatch.context() as impatient:
            impatient.setattr(loading, "PATIENCE", 0.05)
            with pytest.raises(OperationalError, match="too slow"):
                await loader.ask(1)
        source.may.set()
        return await loader.ask(2)

    assert asyncio.run(twice()) == 2


def test_an_error_of_a_whole_batch_is_told_to_all_and_not_kept() -> None:
    broken = True

    def load(wanted: Mapping[int, str | None]) -> Mapping[int, int | Exception]:
        if broken:
            raise OperationalError("away")
        return {number: number for number in wanted}

    async def twice() -> int:
        nonlocal broken
        loader = Loader(load)
        answers = await asyncio.gather(loader.ask(1), loader.ask(2), return_exceptions=True)
        assert [type(one) for one in answers] == [OperationalError, OperationalError]
        broken = False
        return await loader.ask(1)

    assert asyncio.run(twice()) == 1


def test_a_caller_that_goes_away_takes_nothing_from_the_others() -> None:
    source = Source()

    async def crowd() -> int:
        loader = Loader(source)
        leaving, staying = asyncio.ensure_future(loader.ask(1)), asyncio.ensure_future(loader.ask(1))
        await until_asked(source, 1)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        source.may.set()
        return await staying

    assert asyncio.run(crowd()) == 1
