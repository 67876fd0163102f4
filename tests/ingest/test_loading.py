"""Many callers ask for one object each, and the database is asked for all of them at once."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError

from statsapi.ingest import loading
from statsapi.ingest.loading import AT_ONCE, MOST, Loader
from tests.servers import wait_for

pytestmark = [pytest.mark.once, pytest.mark.django_db(transaction=True)]


class Source:
    """A load that can be held up. It returns each number itself, and an error for a negative one."""

    def __init__(self) -> None:
        self.asked: list[Mapping[int, str | None]] = []
        self.may = threading.Event()

    def __call__(self, wanted: Mapping[int, str | None]) -> Mapping[int, int | Exception]:
        self.asked.append(wanted)
        self.may.wait(10)
        return {number: number if number >= 0 else LookupError(number) for number in wanted}


def test_who_waits_is_answered_together_in_bounded_batches() -> None:
    source = Source()
    loader = Loader(source)
    with ThreadPoolExecutor(400) as crowd:
        answers = [crowd.submit(loader.ask, number, None) for number in range(400)]
        wait_for(lambda: len(loader._waiting) + sum(map(len, source.asked)) == 400, "the crowd")
        assert len(source.asked) <= AT_ONCE
        source.may.set()
        assert [one.result() for one in answers] == list(range(400))
    assert max(map(len, source.asked)) <= MOST
    assert len(source.asked) <= AT_ONCE + 3


def test_callers_of_the_same_share_what_is_read_after_they_asked() -> None:
    source = Source()
    loader = Loader(source)
    with ThreadPoolExecutor(10) as crowd:
        first = []
        for number in range(AT_ONCE):  # one after the other, so that no thread takes two of them
            first.append(crowd.submit(loader.ask, number, None))
            wait_for(lambda: len(source.asked) == len(first), "one more thread at work")
        # Number 0 is being loaded already. What was read of it may be older than these calls.
        later = [crowd.submit(loader.ask, 0, version) for version in (None, "a version", None)]
        wait_for(lambda: 0 in loader._waiting and loader._waiting[0].version == "a version", "who asks later")
        source.may.set()
        assert [one.result() for one in first + later] == [*range(AT_ONCE), 0, 0, 0]
    again = source.asked[AT_ONCE:]
    assert 1 <= len(again) <= 3
    assert again[0] == {0: "a version"}


def test_one_that_fails_fails_alone() -> None:
    source = Source()
    source.may.set()
    loader = Loader(source)
    with ThreadPoolExecutor(8) as crowd:
        answers = [crowd.submit(loader.ask, number, None) for number in (-1, 1, 2, 3)]
        with pytest.raises(LookupError):
            answers[0].result()
        assert [one.result() for one in answers[1:]] == [1, 2, 3]


def test_nobody_waits_for_long_and_what_failed_as_a_whole_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "PATIENCE", 0.05)
    source = Source()
    loader = Loader(source)
    with pytest.raises(OperationalError, match="too slow"):
        loader.ask(1, None)
    source.may.set()
    monkeypatch.undo()
    assert loader.ask(2, None) == 2


def test_a_process_that_may_have_no_more_threads_for_a_while_recovers(monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    source = Source()
    source.may.set()
    loader = Loader(source)
    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", cannot)
        for _ in range(AT_ONCE + 1):
            with pytest.raises(OperationalError, match="no thread"):
                loader.ask(1, None)
    assert loader.ask(2, None) == 2
