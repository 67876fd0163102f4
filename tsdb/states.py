"""The projects' states in Redis, changed and compared, and what this process remembers of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from redis.exceptions import RedisError

from tsdb.client import Clients
from tsdb.protocol import none_failed
from tsdb.rollups import Rollup
from tsdb.scripts import Call, Script
from tsdb.series import index_key, running_key, state_key
from tsdb.state import Phase, State, closed_text, open_text, parse_state, shapes_text
from tsdb.timeline import Retention

NO_STATE = State("")

MOST_KNOWN = 100_000
"""How many projects' states a process remembers; some 200 bytes each."""

_BYTES = "latin-1"
"""Any bytes are a text, and the same bytes again when the state is compared."""


class Unsettled(RedisError):
    """Something that was begun with these projects must be finished first (tsdb/settling.py); then ask again."""

    def __init__(self, projects: Iterable[int]) -> None:
        self.projects = sorted(projects)
        more = f" and {len(self.projects) - 10} more" if len(self.projects) > 10 else ""
        super().__init__(f"unsettled: {self.projects[:10]}{more}")


class States:
    """Of any number of projects, for who keeps rings of these rollups."""

    def __init__(self, clients: Clients, rollups: Sequence[Rollup]) -> None:
        self._clients = clients
        self.shapes = shapes_text(rollups)
        # Without a tombstone nothing could be deleted to make room.
        self._swap = Script("swap", rollups, flags="allow-oom")
        self._known: dict[int, State] = {}

    def get(self, project: int) -> State:
        return _state(self._clients.write.execute_command("GET", state_key(project)))

    def get_many(self, projects: Sequence[int]) -> list[State]:
        """The state of each project, in order. One round trip."""
        return [_state(raw) for raw in self._clients.read.get_many([state_key(project) for project in projects])]

    def swap(self, project: int, state: State, text: str, *, with_keys: bool = False) -> str:
        """Gives the project the state `text` ("": none), unless it is in another one than `state` by now.

        `with_keys`: only while there are keys of it. No state looks the same before a project is opened and after it
        is deleted, so who saw keys must not write one when they are gone.

        Returns done, other, or full: it was to be opened for the first time, and there are keys of it.
        """
        answer: bytes = self._swap.run(self._clients.write, self._swap_call(project, state, text, with_keys=with_keys))
        return answer.decode()

    def _swap_call(self, project: int, state: State, text: str, *, with_keys: bool = False) -> Call:
        keys = [state_key(project), index_key(project), running_key(project)]
        return Call(keys, [state.text.encode(_BYTES), text, int(with_keys)])

    def open(self, project: int, filled: Mapping[int, int]) -> str:
        """Lets a project be counted into until it is closed; returns its version: the text of its state.

        A version is a new one only if the project was not open. Raises Unsettled where something that was begun must
        be finished first, and where there are keys of a project that was never opened.
        """
        while True:
            state = self.get(project)
            if state.phase is Phase.OPEN and state.shapes == self.shapes:
                return state.text
            if state.phase is not Phase.ABSENT and not state.is_settled(self.shapes):
                raise Unsettled([project])
            fresh = open_text(self.shapes, filled if state.phase is Phase.ABSENT else state.filled)
            answer = self.swap(project, state, fresh)
            if answer == "done":
                return fresh
            if answer == "full":
                raise Unsettled([project])

    def open_many(
        self, states: Mapping[int, State], filled: Mapping[int, Mapping[int, int]]
    ) -> dict[int, str | RedisError]:
        """As `open`, of many projects that were found in these states, in one round trip.

        The version of each, or what kept it from being opened: Unsettled, or another RedisError. One that changed
        meanwhile is left out, and can be tried again.
        """
        found: dict[int, str | RedisError] = {}
        calls: dict[int, Call] = {}
        texts: dict[int, str] = {}
        for project, state in states.items():
            if state.phase is Phase.OPEN and state.shapes == self.shapes:
                found[project] = state.text
            elif state.phase is not Phase.ABSENT and not state.is_settled(self.shapes):
                found[project] = Unsettled([project])
            else:
                absent = state.phase is Phase.ABSENT
                texts[project] = open_text(self.shapes, filled.get(project, {}) if absent else state.filled)
                calls[project] = self._swap_call(project, state, texts[project])
        answers = self._swap.run_many(self._clients.write, list(calls.values())) if calls else []
        for project, answer in zip(calls, answers, strict=True):
            if isinstance(answer, RedisError):
                found[project] = answer
            elif answer == b"done":
                found[project] = texts[project]
            elif answer == b"full":
                found[project] = Unsettled([project])
        return found

    def close(self, project: int) -> None:
        """Nothing is counted into the project until it is opened; whoever knows its version learns that it is old."""
        while (state := self.get(project)).phase in (Phase.OPEN, Phase.BEFORE):
            text = closed_text(state.shapes, state.filled) if state.phase is Phase.OPEN else ""
            if self.swap(project, state, text) == "done":
                return

    def version(self, project: int) -> str | None:
        """The version of an open project; None: it is not open, or has rings of other shapes."""
        state = self.get(project)
        return state.text if state.phase is Phase.OPEN and state.shapes == self.shapes else None

    def retention(self, projects: Sequence[int], *, now: int) -> Retention:
        """Since when each rollup holds all that was counted into these projects; `now` in nanoseconds.

        As far as this process knows: `verify_complete` tells whether it is true when something was read. One round trip
        for projects that it meets for the first time, else none. Raises Unsettled.
        """
        if strange := [project for project in projects if project not in self._known]:
            self.look(strange)
        filled: dict[int, int] = {}
        for known in self._filled_of(projects):
            for seconds, since in known.items():
                filled[seconds] = max(since, filled.get(seconds, 0))
        return Retention(now, filled)

    def verify(self, projects: Sequence[int], found: Sequence[bytes | None]) -> None:
        """Looks at the states that were read together with something of the projects, in order.

        Raises Unsettled unless what was read is whole.
        """
        known = self._known
        strange = [
            (project, _text(raw))
            for project, raw in zip(projects, found, strict=True)
            if raw is None or known.get(project, NO_STATE).raw != raw
        ]
        if strange:
            self._get_to_know(strange)

    def refuse_changed(
        self, projects: Sequence[int], before: Sequence[bytes | None], after: Sequence[bytes | None]
    ) -> None:
        """Raises Unsettled for the projects whose state is another one: what was read then and now does not fit."""
        if before != after:
            raise Unsettled(project for project, then, now in zip(projects, before, after, strict=True) if then != now)

    def verify_complete(self, projects: Sequence[int], rollup: Rollup, since: int) -> None:
        """Raises Unsettled where the rollup is complete from a later instant on, by the states last verified."""
        if any(filled.get(rollup.seconds, since) > since for filled in self._filled_of(projects)):
            raise Unsettled(projects)

    def look(self, projects: Iterable[int]) -> dict[int, bytes | None]:
        """The state of each project, as it stands in Redis. One round trip. Raises Unsettled."""
        projects = list(projects)
        found = self._clients.read.get_many([state_key(project) for project in projects])
        self.verify(projects, found)
        return dict(zip(projects, found, strict=True))

    def _filled_of(self, projects: Iterable[int]) -> list[Mapping[int, int]]:
        known = self._known
        found = (known.get(project, NO_STATE).filled for project in projects)
        return [filled for filled in found if filled]

    def _get_to_know(self, states: Sequence[tuple[int, str]]) -> None:
        unsettled = []
        absent = [project for project, text in states if not text]
        if absent:
            # A project that was never counted into has no state, and nothing else either.
            found = none_failed(self._clients.read.together([("EXISTS", index_key(project)) for project in absent]))
            unsettled += [project for project, exists in zip(absent, found, strict=True) if exists]
        if len(self._known) + len(states) > MOST_KNOWN:
            self._known.clear()
        for project, text in states:
            state = parse_state(text)
            if text and not state.is_settled(self.shapes):
                unsettled.append(project)
            else:
                self._known[project] = state
        if unsettled:
            raise Unsettled(unsettled)


def _state(raw: bytes | None) -> State:
    return parse_state(_text(raw))


def _text(raw: bytes | None) -> str:
    return "" if raw is None else raw.decode(_BYTES)
