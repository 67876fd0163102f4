"""Categories and reasons may be any text: how they stand in names, and how many of them a project has room for."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tsdb.tools import NOW, TINY, keys_of, merge, sums
from tsdb import settling
from tsdb.arrivals import Arrival, new_submission
from tsdb.client import Clients
from tsdb.intake import Intake
from tsdb.outcomes import (
    CATEGORIES,
    CATEGORY_NAMES,
    MOST_CATEGORIES,
    MOST_REASONS,
    REASONS,
    UNKNOWN_SHARE,
    Category,
    Outcome,
    category_of,
    reason_of,
)
from tsdb.rollups import parse_rollups
from tsdb.series import NO_KEY, Series, decoded, fact, of_event, parse_fact, total, unknown_words
from tsdb.settling import _RING, settle
from tsdb.store import Claim, Increment, Store

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80)
HOSTILE = [":", "{8}", "a:b:c", "%3A", "%", "\n", "none:x", "3600s770", "f:0", "*", "ü☃", "\u202e", "a b", "'", "\\"]


@given(category=TEXTS, reason=TEXTS)
def test_any_words_stand_in_a_name_and_are_read_as_they_were(category: str, reason: str) -> None:
    one = fact(7, 12, category, Outcome.FILTERED, reason)
    assert one.name.isascii()
    assert one.name.count(":") == 4
    assert not set(one.name) & set("{}*\n ")
    assert parse_fact(one.name) == (12, category, "filtered", reason)
    for rollup in TINY:
        for key in (one.key(rollup), one.moving_key(rollup), total(7, category, Outcome.INVALID).key(rollup)):
            match = _RING.fullmatch(key.encode())
            assert match
            assert match[1].decode() == rollup.name


def test_each_byte_stands_in_a_name_as_it_ever_did() -> None:
    plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"
    assert total(7, plain, Outcome.ABUSE).name == f"t:{plain}:abuse"
    assert total(7, "~ a:b\x7f%/", Outcome.ABUSE).name == "t:%7E%20a%3Ab%7F%25%2F:abuse"
    assert total(7, "ü☃", Outcome.ABUSE).name == "t:%C3%BC%E2%98%83:abuse"


@given(first=TEXTS, second=TEXTS)
def test_different_words_have_different_names(first: str, second: str) -> None:
    names = {fact(7, 0, Category.ERROR, Outcome.INVALID, word).name for word in (first, second)}
    assert len(names) == len({first, second})


@pytest.mark.parametrize("word", HOSTILE)
def test_hostile_words_are_told_apart_in_redis(tiny: Store, word: str) -> None:
    counted = of_event(7, 3, word, Outcome.CLIENT_DISCARD, reason=word)
    tiny.incr(counted, NOW, now=NOW, amount=5)
    assert [sums(tiny, one) for one in counted] == [[5] * 3] * 2
    totals = tiny.running_totals([7])[7]
    assert totals.outcomes == {(word, "client_discard"): 5}
    assert totals.drops == {(word, "client_discard", word): 5}
    assert tiny.unknown_categories([7, 8]) == {word}
    assert keys_of(tiny, 8) == {"ts:{8}:state"}


def test_known_words_stand_in_names_as_ever() -> None:
    for category in CATEGORIES:
        for reason in REASONS:
            assert fact(7, 1, category, Outcome.FILTERED, reason).name == f"f:1:{category}:filtered:{reason}"
            assert unknown_words(fact(7, 1, category, Outcome.FILTERED, reason)) is None
        assert total(7, category, Outcome.ACCEPTED).name == f"t:{category}:accepted"


def test_known_names_mean_known_categories() -> None:
    assert {name for name, category in CATEGORY_NAMES.items() if name != category} == {
        "default", "security", "crash", "statsd", "user_report", "user_report_v2",
    }  # fmt: skip
    assert all(category_of(name) == category for name, category in CATEGORY_NAMES.items())
    assert set(Category) <= CATEGORIES


@given(text=st.text(max_size=300))
def test_whatever_comes_a_word_is_short_or_other(text: str) -> None:
    category, reason = category_of(text), reason_of(text)
    assert category in {text, CATEGORY_NAMES.get(text), "other"}
    assert reason in {text, "other"} or (not text and reason == "none")
    assert len(category.encode()) <= 64
    assert len(reason.encode()) <= 200


# --- room ----------------------------------------------------------------------------------------------------


def words_in(store: Store, project: int = 7) -> tuple[set[str], set[str]]:
    """Return the categories and reasons of the project's series that are not known."""
    found = [words for name in store.series_of(project) if (words := unknown_words(Series(project, name)))]
    return {words.category for words in found} - {""}, {words.reason for words in found} - {""}


def facts_and_totals(store: Store, project: int = 7) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
    """Return the sums of the facts and the totals, by category and outcome."""
    facts: Counter[tuple[str, str]] = Counter()
    totals: Counter[tuple[str, str]] = Counter()
    for name in store.series_of(project):
        amount = sums(store, Series(project, name))[-1]
        if one := parse_fact(name):
            facts[one.category, one.outcome] += amount
        else:
            _, category, outcome = name.split(":")
            totals[decoded(category), outcome] += amount
    return facts, totals


def own_facts(store: Store, project: int = 7) -> list[str]:
    """Return the names of the facts with a word that is not known, under a key."""
    found = [(name, parse_fact(name)) for name in store.series_of(project) if unknown_words(Series(project, name))]
    return [name for name, one in found if one and one.key != NO_KEY]


def discarded(category: str, reason: str, key: int = 1, amount: int = 1) -> list[Increment]:
    series = of_event(7, key, category, Outcome.CLIENT_DISCARD, reason=reason)
    return [Increment(one, NOW, amount) for one in series]


def by_intake(store: Store, increments: list[Increment], token: str = "") -> None:
    arrival = Arrival(None, Outcome.ACCEPTED, others=increments)
    Intake(store, 3600).count(7, store.version(7) or "", arrival, token or new_submission(), now=NOW)


def by_count(store: Store, increments: list[Increment]) -> None:
    store.incr_multi(increments, now=NOW)


def by_bulk(store: Store, increments: list[Increment]) -> None:
    store.incr_bulk(increments, now=NOW)


@pytest.mark.parametrize("count", [by_intake, by_count, by_bulk])
@pytest.mark.parametrize("at_once", [True, False])
def test_words_beyond_the_room_are_other(
    tiny: Store, count: Callable[[Store, list[Increment]], None], at_once: bool
) -> None:
    rows = [discarded("error", f"reason {n}") for n in range(MOST_REASONS + 30)]
    rows += [discarded(f"category {n}", "sample_rate") for n in range(MOST_CATEGORIES + 20)]
    for batch in [[one for row in rows for one in row]] if at_once else rows:
        count(tiny, batch)
    categories, reasons = words_in(tiny)
    assert (len(categories), len(reasons)) == (MOST_CATEGORIES, MOST_REASONS)
    assert reasons == {f"reason%20{n}" for n in range(MOST_REASONS)}
    assert sums(tiny, fact(7, 1, "error", Outcome.CLIENT_DISCARD, "other")) == [30] * 3
    assert sums(tiny, fact(7, 1, "other", Outcome.CLIENT_DISCARD, "sample_rate")) == [20] * 3
    facts, totals = facts_and_totals(tiny)
    assert facts == totals
    assert totals["other", "client_discard"] == 20
    count(tiny, [one for row in rows[:3] for one in row])  # what has its series goes on in it
    assert sums(tiny, fact(7, 1, "error", Outcome.CLIENT_DISCARD, "reason 1")) == [2] * 3


def test_both_words_of_a_series_are_moved_and_so_is_what_has_no_room(tiny: Store) -> None:
    store = Store(tiny.clients, TINY, most_series=MOST_REASONS + 2 * MOST_CATEGORIES)
    for n in range(MOST_CATEGORIES):
        by_intake(store, discarded(f"c{n}", "sample_rate"))
    for n in range(MOST_REASONS + 5):
        by_intake(store, discarded("error", f"r{n}"))
    for key in range(20, 20 + store.most_series):
        by_intake(store, discarded("error", "sample_rate", key=key))
    assert len(store.series_of(7)) >= store.most_series
    by_intake(store, discarded("new category", "new reason", key=9, amount=7))
    assert sums(store, fact(7, 0, "other", Outcome.CLIENT_DISCARD, "other")) == [7] * 3
    facts, totals = facts_and_totals(store)
    assert facts == totals


@pytest.mark.parametrize("count", [by_intake, by_count, by_bulk])
@pytest.mark.parametrize("at_once", [True, False])
def test_made_up_words_leave_room_for_known_ones(tiny: Store, count, at_once: bool) -> None:  # type: ignore[no-untyped-def]
    share, number = 60, 15
    store = Store(tiny.clients, TINY, most_series=UNKNOWN_SHARE * share)
    rows = [discarded(f"c{n}", f"r{m}") for n in range(number) for m in range(number)]
    for batch in [[one for row in rows for one in row]] if at_once else rows:
        count(store, batch)
    # Totals, and one fact under no key for each category, have room in any case.
    assert len(store.series_of(7)) <= share + 2 * number
    assert len(own_facts(store)) <= share
    for key in range(20, 20 + 2 * share):
        count(store, discarded("error", "sample_rate", key=key))
        assert sums(store, fact(7, key, "error", Outcome.CLIENT_DISCARD, "sample_rate")) == [1] * 3
    facts, totals = facts_and_totals(store)
    assert facts == totals
    assert sum(totals.values()) == number * number + 2 * share


def test_what_comes_beside_a_made_up_word_without_room_keeps_its_name(tiny: Store) -> None:
    store = Store(tiny.clients, TINY, most_series=2 * UNKNOWN_SHARE)  # there is room for two, and all series count
    by_intake(store, [*discarded("error", "a", amount=2), *discarded("error", "sample_rate", amount=3)])
    assert sums(store, fact(7, 0, "error", Outcome.CLIENT_DISCARD, "other")) == [0] * 3
    by_intake(store, [*discarded("error", "b", amount=4), *discarded("span", "sample_rate", amount=5)])
    assert sums(store, fact(7, 0, "error", Outcome.CLIENT_DISCARD, "other")) == [4] * 3
    assert sums(store, fact(7, 1, "span", Outcome.CLIENT_DISCARD, "sample_rate")) == [5] * 3
    by_intake(store, discarded("error", "a", amount=6))  # what has its series goes on in it
    assert sums(store, fact(7, 1, "error", Outcome.CLIENT_DISCARD, "a")) == [8] * 3
    facts, totals = facts_and_totals(store)
    assert facts == totals


@pytest.mark.parametrize("most", range(1, UNKNOWN_SHARE))
def test_a_project_with_hardly_any_room_has_none_without_end(tiny: Store, most: int) -> None:
    store = Store(tiny.clients, TINY, most_series=most)
    for n in range(10):
        by_intake(store, discarded("error", f"r{n}"))
    assert len(own_facts(store)) <= 1
    assert sums(store, total(7, "error", Outcome.CLIENT_DISCARD)) == [10] * 3


def test_what_is_counted_again_takes_no_room(tiny: Store) -> None:
    token = new_submission()
    for n in range(5):
        by_intake(tiny, discarded("error", f"reason {n}"), token)
    assert words_in(tiny) == (set(), {"reason%200"})
    claim = Claim("batch", "a", 60)
    for n in range(5, 10):
        claimed = claim._replace(value=str(n)) if n == 5 else claim._replace(value="5")
        assert tiny.incr_multi(discarded("error", f"reason {n}"), now=NOW, claim=claimed) is (n == 5)
    assert tiny.clients.read.execute_command("SCARD", "ts:{7}:reasons") == 2


def test_the_limit_is_exact_however_many_count_at_once(tiny: Store) -> None:
    workers, each = 8, 60
    failures: list[Exception] = []

    def work(number: int) -> None:
        try:
            for n in range(each):
                reason = f"reason {number * 1000 + n}" if n % 2 else f"reason of all {n}"
                count = by_intake if n % 3 else by_count
                count(tiny, discarded("error" if n % 5 else f"category {number} {n}", reason, key=number))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    categories, reasons = words_in(tiny)
    assert (len(categories), len(reasons)) == (MOST_CATEGORIES, MOST_REASONS)
    facts, totals = facts_and_totals(tiny)
    assert facts == totals
    assert sum(totals.values()) == workers * each


@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["error", "a", "b", "c:"]), st.sampled_from(["x", "y%", "z", "cors"]), st.integers(0, 2)
        ),
        max_size=20,
    )
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_comes_nothing_is_lost(tiny: Store, rows: list[tuple[str, str, int]]) -> None:
    tiny.clients.write.flushdb()
    store = Store(tiny.clients, TINY, most_series=9)
    store.states._known.clear()
    store.open(7)
    for n in range(MOST_REASONS - 1):
        store.clients.write.sadd("ts:{7}:reasons", f"r{n}")
    for n in range(MOST_CATEGORIES - 1):
        store.clients.write.sadd("ts:{7}:categories", f"c{n}")
    for category, reason, key in rows:
        by_intake(store, discarded(category, reason, key))
    facts, totals = facts_and_totals(store)
    assert facts == totals
    assert sum(totals.values()) == len(rows)
    categories, reasons = words_in(store)
    assert max(len(categories), len(reasons)) <= 1


# --- what changes a project ----------------------------------------------------------------------------------


def test_a_deletion_takes_the_words_along(tiny: Store) -> None:
    by_intake(tiny, discarded("a:b", "c}d"))
    assert {"ts:{7}:categories", "ts:{7}:reasons"} <= keys_of(tiny, 7)
    tiny.delete([7])
    assert keys_of(tiny, 7) == set()


def test_a_move_takes_the_words_along(tiny: Store) -> None:
    source = total(7, "a:b", Outcome.ABUSE)
    tiny.incr([source], NOW, now=NOW, amount=3)
    merge(tiny, Series(8, source.name), [source])
    assert sums(tiny, Series(8, source.name)) == [3] * 3
    assert tiny.unknown_categories([8]) == {"a:b"}


def test_other_rollups_carry_the_words_over(tiny: Store) -> None:
    by_intake(tiny, discarded("a:b", "10s60", amount=4))
    longer = Store(Clients(tiny.clients.write, tiny.clients.read), parse_rollups("1s:9,5s:4,20s:3"))
    settle(longer, 7, now=NOW)
    settling.delete_unnamed_rings(longer)
    longer.open(7)
    for one, _, _ in discarded("a:b", "10s60"):
        assert sums(longer, one) == [4] * 3
    assert words_in(longer) == ({"a%3Ab"}, {"10s60"})
