"""The memory of all bodies together is bounded."""

from __future__ import annotations

import pytest

from statsapi.door import holding
from statsapi.door.holding import SHORT, Held, TooManyBodies


def test_long_bodies_are_refused_when_all_hold_too_much_and_short_ones_never(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "MOST_HELD", 10 * SHORT)
    first, second, short = Held(), Held(), Held()
    first.now(8 * SHORT)
    with pytest.raises(TooManyBodies):
        second.now(3 * SHORT)
    short.now(SHORT)
    for one in (second, short):
        one.release()
    second.now(2 * SHORT)  # what is not held any more counts no longer
    for one in (first, second):
        one.release()
    assert holding._all == 0
