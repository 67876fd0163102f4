"""The state of a project: its text, its changes, and what a read learns from it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tsdb.breaking import meddling
from tests.tsdb.tools import NOW, TINY, WEB, keys_of, sums
from tsdb.rollups import PAST_SECONDS, Rollup
from tsdb.settling import needs_settling, settle
from tsdb.state import Phase, State, parse_shape, parse_shapes, shapes_text, state_text
from tsdb.states import Unsettled
from tsdb.store import ProjectClosed, Store
from tsdb.units import NS

STATE = "ts:{7}:state"
SHAPES = "1s126,5s29,20s10"

WRITTEN = [Phase.OPEN, Phase.CLOSED, Phase.REBUILDING, Phase.MERGING, Phase.EMPTYING, Phase.DELETING]
STRANGE = [
    "\n",
    "open",
    f"open {SHAPES}",
    f"open {SHAPES} 0123 - more",
    f"open {SHAPES} 0123 5=",
    f"open {SHAPES} 0123 -\n",
    f"opened {SHAPES} 0123 -",
    f"absent {SHAPES} - -",
    "open 1s126,,5s29 0123 -",
    "0123456789ABCDEF",
    "0123456789abcde",
    "OPEN - - -",
    "\ufffd",
]

instants = st.dictionaries(st.integers(1, 10**9 - 1), st.integers(0, 10**12 - 1), max_size=4)
shapes = st.lists(st.builds(Rollup, st.integers(1, 86400), st.integers(1, 1000)), min_size=1, max_size=4)


def held(store: Store) -> str:
    raw = store.clients.read.get(STATE)
    assert isinstance(raw, bytes)
    return raw.decode()


# --- the text ------------------------------------------------------------------------------------------------


@given(st.sampled_from(WRITTEN), shapes, st.text("0123456789abcdef:from", min_size=1), instants)
def test_what_is_written_is_read_again(
    phase: Phase, rollups: list[Rollup], detail: str, filled: dict[int, int]
) -> None:
    state = State(state_text(phase, shapes_text(rollups), detail, filled))
    assert (state.phase, state.shapes, state.detail, state.filled) == (phase, shapes_text(rollups), detail, filled)
    assert [(one.seconds, one.slots) for one in parse_shapes(state.shapes)] == [
        (rollup.seconds, rollup.slots) for rollup in rollups
    ]


def test_a_text_is_what_the_docstring_says() -> None:
    assert state_text(Phase.OPEN, shapes_text(TINY), "0123", {20: 7, 5: 6}) == f"open {SHAPES} 0123 5=6,20=7"
    assert state_text(Phase.EMPTYING) == "emptying - - -"


def test_no_text_is_absent_and_that_of_the_version_before_is_known() -> None:
    assert State("").phase is Phase.ABSENT
    assert State("0123456789abcdef").phase is Phase.EARLIER


@pytest.mark.parametrize("text", STRANGE)
def test_anything_else_is_strange_and_settled_for_nobody(text: str) -> None:
    state = State(text)
    assert state.phase is Phase.UNKNOWN
    assert not state.is_settled(SHAPES)


@pytest.mark.parametrize("phase", WRITTEN)
def test_settled_is_what_is_open_or_closed_and_has_the_same_rings(phase: Phase) -> None:
    state = State(state_text(phase, SHAPES, "0123"))
    assert state.is_settled(SHAPES) == (phase in (Phase.OPEN, Phase.CLOSED))
    assert not state.is_settled("1s127,5s29,20s10")


def test_a_shape_tells_how_far_back_its_ring_reaches() -> None:
    for rollup in TINY:
        shape = parse_shape(rollup.name)
        assert (shape.samples, shape.past) == (rollup.samples, PAST_SECONDS)
        assert shape.oldest_bucket(NOW) == rollup.oldest_bucket(NOW)
    before = parse_shape("10x360")
    assert (before.slots, before.samples, before.past) == (367, 360, 0)


@pytest.mark.parametrize("name", ["", "-", "10", "10y3", "s3", "10s", "10s3x", "-1s3"])
def test_what_is_no_shape_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no shape"):
        parse_shape(name)


# --- opening and closing -------------------------------------------------------------------------------------


def test_opening_gives_a_version_that_stays_until_it_is_closed(tiny: Store) -> None:
    version = tiny.open(7)
    assert version == tiny.open(7) == tiny.version(7) == held(tiny)
    tiny.close(7)
    assert tiny.version(7) is None
    assert re.fullmatch(f"closed {SHAPES} [0-9a-f]{{16}} -", held(tiny))
    assert tiny.open(7) != version


def test_what_a_state_says_of_its_rings_outlives_closing_and_opening(tiny: Store) -> None:
    tiny.clients.write.set(STATE, f"open {SHAPES} 0123 5=1541455000")
    tiny.close(7)
    assert re.fullmatch(f"closed {SHAPES} [0-9a-f]{{16}} 5=1541455000", held(tiny))
    tiny.open(7)
    assert State(held(tiny)).filled == {5: 1541455000}


def test_of_two_who_open_at_once_both_get_the_same_version(tiny: Store) -> None:
    tiny.close(7)
    slow, client = meddling(tiny)
    client.meddle_at(2, lambda: tiny.open(7))
    assert slow.open(7) == tiny.version(7)


def test_who_looks_at_a_project_while_it_is_opened_and_deleted_leaves_nothing_of_it(tiny: Store) -> None:
    slow, client = meddling(tiny)

    def open_it_and_delete_it_later() -> None:
        tiny.open(7)
        tiny.incr([WEB], NOW, now=NOW)
        client.meddle_at(commands, lambda: tiny.delete([7]))

    for commands in range(1, 9):
        tiny.delete([7])
        client.meddle_at(2, open_it_and_delete_it_later)
        settle(slow, 7, now=NOW)
        tiny.delete([7] if client.left > 0 else [])
        assert keys_of(tiny, 7) == set(), commands
    assert client.left > 0


@pytest.mark.parametrize("key", ["ts:{7}:index", "ts:{7}:running"])
def test_a_project_with_keys_and_no_state_is_not_opened_before_it_is_settled(tiny: Store, key: str) -> None:
    tiny.incr([WEB], NOW, now=NOW)
    tiny.clients.write.delete(STATE, *({"ts:{7}:index", "ts:{7}:running"} - {key}))
    with pytest.raises(Unsettled):
        tiny.open(7)
    settle(tiny, 7, now=NOW)
    tiny.open(7)


@pytest.mark.parametrize(
    "begun",
    [
        f"rebuilding {SHAPES} {SHAPES} -",
        f"merging {SHAPES} from:8:0123 -",
        f"merging {SHAPES} into:8:0123 -",
        "emptying - - -",
        "deleting - - -",
        f"open {SHAPES},60s5 0123 -",
        f"closed {SHAPES},60s5 - -",
        "0123456789abcdef",
        "junk",
    ],
)
def test_what_was_begun_is_neither_opened_nor_counted_into_nor_read_nor_listed(tiny: Store, begun: str) -> None:
    tiny.incr([WEB], NOW, now=NOW)
    tiny.clients.write.set(STATE, begun)
    before = keys_of(tiny, 7)
    with pytest.raises(Unsettled):
        tiny.open(7)
    with pytest.raises(ProjectClosed):
        tiny.incr([WEB], NOW, now=NOW)
    for ask in (lambda: sums(tiny, WEB), lambda: tiny.series_of(7)):
        with pytest.raises(Unsettled) as refused:
            ask()
        assert refused.value.projects == [7]
    assert tiny.version(7) is None
    assert list(needs_settling(tiny, [7, 8])) == [7]
    assert (keys_of(tiny, 7), held(tiny)) == (before, begun)


@pytest.mark.parametrize("text", STRANGE)
def test_a_strange_state_is_mended_and_no_count_lost(tiny: Store, text: str) -> None:
    tiny.incr([WEB], NOW, now=NOW)
    tiny.clients.write.set(STATE, text)
    assert settle(tiny, 7, now=NOW) is Phase.CLOSED
    assert sums(tiny, WEB) == [1, 1, 1]
    tiny.open(7)


def test_a_state_that_is_no_text_is_mended_too(tiny: Store) -> None:
    tiny.incr([WEB], NOW, now=NOW)
    tiny.clients.write.set(STATE, b"\xff\xfe")
    assert settle(tiny, 7, now=NOW) is Phase.CLOSED
    assert sums(tiny, WEB) == [1, 1, 1]


# --- tombstones ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "begun", ["", "junk", "0123456789abcdef", f"rebuilding {SHAPES} {SHAPES} -", f"open {SHAPES} 0 -"]
)
@pytest.mark.parametrize("phase", [Phase.EMPTYING, Phase.DELETING])
def test_a_tombstone_is_put_over_whatever_needs_redis_alone(tiny: Store, begun: str, phase: Phase) -> None:
    tiny.clients.write.set(STATE, begun) if begun else tiny.clients.write.delete(STATE)
    tiny.tombstones.doom(7, phase)
    assert re.fullmatch(f"{phase} - [0-9a-f]{{16}} -", held(tiny))


def test_a_merge_is_finished_before_a_tombstone_and_a_deletion_before_an_emptying(tiny: Store) -> None:
    tiny.clients.write.set(STATE, f"merging {SHAPES} into:8:0123 -")
    for phase in (Phase.EMPTYING, Phase.DELETING):
        with pytest.raises(Unsettled):
            tiny.tombstones.doom(7, phase)
    tiny.clients.write.set(STATE, "deleting - - -")
    with pytest.raises(Unsettled):
        tiny.tombstones.doom(7, Phase.EMPTYING)
    tiny.tombstones.doom(7, Phase.DELETING)


@pytest.mark.parametrize("begun", [f"merging {SHAPES} into:8:0123 -", "deleting - - -"])
def test_what_nobody_knows_any_more_is_emptied_whatever_was_begun_with_it(tiny: Store, begun: str) -> None:
    tiny.clients.write.set(STATE, begun)
    tiny.tombstones.doom(7, Phase.EMPTYING, foreign=True)
    assert settle(tiny, 7, now=NOW) is Phase.ABSENT
    assert keys_of(tiny, 7) == set()


# --- what a read learns --------------------------------------------------------------------------------------


def test_a_read_learns_that_a_resolution_is_not_complete(tiny: Store) -> None:
    tiny.incr([WEB], NOW, now=NOW)
    since = NOW - 20
    assert tiny.retention([7], now=NOW * NS).filled == {}
    tiny.clients.write.set(STATE, f"open {SHAPES} 0123 5={since}")
    assert tiny.retention([7], now=NOW * NS).filled == {}
    assert sums(tiny, WEB) == [1, 1, 1]
    assert tiny.retention([7, 8], now=NOW * NS).filled == {5: since}
    assert tiny.retention([8], now=NOW * NS).filled == {}
    assert tiny.retention([7], now=NOW * NS).since(tiny.rollups[1]) == since


def test_who_takes_a_resolution_for_complete_is_refused(tiny: Store) -> None:
    states, (one, five, twenty) = tiny.states, tiny.rollups
    states.verify([7], [f"open {SHAPES} 0 5=60".encode()])
    states.verify_complete([7, 8], five, 60)
    states.verify_complete([7], one, 0)
    states.verify_complete([7], twenty, 0)
    with pytest.raises(Unsettled) as refused:
        states.verify_complete([7, 8], five, 55)
    assert refused.value.projects == [7, 8]


def test_of_many_projects_the_latest_instant_counts(tiny: Store) -> None:
    states = tiny.states
    states.verify([7, 8], [f"open {SHAPES} 0 1=5,5=60".encode(), f"closed {SHAPES} - 5=70,20=80".encode()])
    assert states.retention([7, 8], now=NOW * NS).filled == {1: 5, 5: 70, 20: 80}


def test_what_is_complete_again_is_learned_too(tiny: Store) -> None:
    states = tiny.states
    states.verify([7], [f"open {SHAPES} 0 5=60".encode()])
    states.verify([7], [f"open {SHAPES} 0 -".encode()])
    assert states.retention([7], now=NOW * NS).filled == {}


def test_a_project_that_was_never_counted_into_is_read_as_nothing(store: Store) -> None:
    assert sums(store, WEB) == [0] * 4
    assert store.series_of(7) == []
    assert keys_of(store, 7) == set()


def test_an_index_without_a_state_is_not_read(tiny: Store) -> None:
    tiny.incr([WEB], NOW, now=NOW)
    tiny.clients.write.delete(STATE)
    with pytest.raises(Unsettled):
        sums(tiny, WEB)
