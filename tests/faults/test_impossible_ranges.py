"""Values of `since` and `until` that no client should send, and ranges that are too large to be served.

See docs/reliability.md#odd-timestamps and docs/reliability.md#odd-ranges.
"""

from __future__ import annotations

from collections import Counter
from urllib.parse import quote

import pytest
import time_machine
from django.test import Client

from projects.models import Project
from tests.faults.asking import STATS
from tsdb.store import Store

NOW = 1_541_455_200

BAD = (
    "nan", "NaN", "-nan", "inf", "-inf", "Infinity", "1e400", "-1e400", "1e20", "1e999", "1e99999", "1e12", " 1", "1 ",
    "\t1", "1\n", "\x001", "\u200b1", "\u00a01", "١٢", "１２", "1²", "½", "0x10", "0b1", "0o7", "1_000", "1,000",
    "1'000", "--1", "+-1", "- 1", ".", "-", "+", "e5", "1e", "1e+", ".e1", "1.5.5", "1e1.5", "1j", "2018-11-06",
    "2018-11-06T00:00:00Z", "now", "-1d", "today", "null", "true", "[]", "{}", "1;2", "9" * 500, "0." + "1" * 5000,
    "253402300800", "-62135596801",
)  # fmt: skip
GOOD = (
    "0", "-0", "-3", "1541455200", "1541455200.5", "1.5e9", "1.5E9", "1e0", "1541455200.", ".5", "1e-5", "-1.5e-300",
    "00001541455200", "253402300799", "-62135596800", "253402300799.999999999999",
)  # fmt: skip


@pytest.mark.parametrize("text", BAD)
@pytest.mark.parametrize("name", ["since", "until"])
def test_what_is_no_plain_decimal_number_in_range_is_400(api: Client, project: Project, name: str, text: str) -> None:
    response = api.get(f"{STATS}?{name}={quote(text)}")
    assert response.status_code == 400
    assert response.json() == {"detail": f"{name} must be a numeric timestamp."}


@pytest.mark.parametrize("text", GOOD)
def test_a_plain_decimal_number_is_served_at_both_ends(api: Client, project: Project, text: str) -> None:
    response = api.get(STATS, {"since": text, "until": text})
    assert response.status_code == 200, response.content
    assert len(response.json()) == 1


@pytest.mark.parametrize("raw", ["%ff", "%00", "%", "%zz", "%C3%28", "%ED%A0%80", "%F4%90%80%80"])
@pytest.mark.parametrize("name", ["since", "until", "resolution", "statsPeriod", "timezone"])
def test_bytes_that_are_no_text_are_400(api: Client, project: Project, name: str, raw: str) -> None:
    assert api.get(f"{STATS}?{name}={raw}").status_code == 400


def test_an_empty_value_counts_as_absent(api: Client, project: Project) -> None:
    with time_machine.travel(NOW, tick=False):
        empty = api.get(f"{STATS}?since=&until=&statsPeriod=&resolution=&timezone=&stat=")
        assert empty.json() == api.get(STATS).json()


@pytest.mark.parametrize("name", ["since", "until"])
def test_of_a_repeated_value_the_last_counts(api: Client, project: Project, name: str) -> None:
    with time_machine.travel(NOW, tick=False):
        assert api.get(f"{STATS}?{name}=nan&{name}={NOW}").status_code == 200
        assert api.get(f"{STATS}?{name}={NOW}&{name}=nan").status_code == 400
        once, twice = api.get(f"{STATS}?{name}={NOW}"), api.get(f"{STATS}?{name}=7&{name}={NOW}")
        assert once.json() == twice.json()


def test_until_is_named_before_since(api: Client, project: Project) -> None:
    assert api.get(f"{STATS}?since=x&until=y").json() == {"detail": "until must be a numeric timestamp."}


@pytest.mark.parametrize(("since", "until"), [(NOW + 1, NOW), (f"{NOW}.000000001", NOW), (0, -1), (NOW * 2, "")])
def test_a_start_after_the_end_is_400(api: Client, project: Project, since: float | str, until: float | str) -> None:
    response = api.get(STATS, {"since": f"{since}", "until": f"{until}"})
    assert (response.status_code, response.json()) == (400, {"detail": "start must be before or equal to end"})


def test_equal_ends_are_one_point(api: Client, project: Project) -> None:
    assert api.get(STATS, {"since": str(NOW), "until": str(NOW), "resolution": "1h"}).json() == [[float(NOW), 0]]


@pytest.mark.parametrize(
    "query",
    [
        {"since": "-62135596800", "until": "253402300799.999999999", "resolution": "10s"},
        {"since": "-62135596800", "until": "253402300799.999999999"},
        {"since": "0", "until": "100000", "resolution": "10s"},
        {"since": "0", "resolution": "10s", "stat": "localhost"},
    ],
)
def test_a_range_of_too_many_points_is_refused_before_redis_is_asked_for_any(
    api: Client, project: Project, store: Store, query: dict[str, str]
) -> None:
    assert api.get(STATS).status_code == 200  # now the token and the project are cached
    before = _commands(store)
    assert api.get(STATS, {"stat": "no stat at all"}).status_code == 400
    least = _commands(store) - before
    response = api.get(STATS, query)
    assert response.status_code == 400
    assert "the limit is 10000" in response.json()["detail"]
    assert len(response.content) < 300
    assert _commands(store) - before == least + least


def test_the_most_points_are_served(api: Client, project: Project) -> None:
    query = {"until": str(NOW), "resolution": "10s"}
    assert len(api.get(STATS, {**query, "since": str(NOW - 99_990)}).json()) == 10_000
    assert api.get(STATS, {**query, "since": str(NOW - 100_000)}).status_code == 400


def _commands(store: Store) -> Counter[str]:
    """Return how often Redis served each command, without those that a connection sends about itself."""
    served = store.clients.read.info("commandstats")
    names = [name for name in served if name.removeprefix("cmdstat_") not in ("info", "ping", "hello", "select")]
    return Counter({name: int(served[name]["calls"]) for name in names if "client" not in name})
