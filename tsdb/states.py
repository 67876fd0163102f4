"""Reading, changing and comparing the states of projects in Redis, and what this process remembers of them."""

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
"""The most states that a process remembers, at some 200 bytes each."""

_BYTES = "latin-1"
"""The encoding of states: any bytes make a text, and the text makes the same bytes again."""


class Unsettled(RedisError):
    """An unfinished change of these projects must be finished first (tsdb/settling.py). Then ask again."""

    def __init__(self, projects: Iterable[int]) -> None:
        self.projects = sorted(projects)
        more = f" and {len(self.projects) - 10} more" if len(self.projects) > 10 else ""
        super().__init__(f"unsettled: {self.projects[:10]}{more}")


class States:
    """The states of any number of projects, for a process that keeps rings of these rollups.

    Every method raises redis.exceptions.RedisError if Redis fails.
    """

    def __init__(self, clients: Clients, rollups: Sequence[Rollup]) -> None:
        self._clients = clients
        self.shapes = shapes_text(rollups)
        # allow-oom: with full memory nothing could be deleted without a tombstone.
        self._swap = Script("swap", rollups, flags="allow-oom")
        self._known: dict[int, State] = {}

    def get(self, project: int) -> State:
        """Return the state of a project, as the writing client sees it."""
        return _state(self._clients.write.execute_command("GET", state_key(project)))

    def get_many(self, projects: Sequence[int]) -> list[State]:
        """Return the state of each project, in order. One round trip."""
        return [_state(raw) for raw in self._clients.read.get_many([state_key(project) for project in projects])]

    def swap(self, project: int, state: State, text: str, *, with_keys: bool = False) -> str:
        """Give the project the state `text` ("" for none), unless it is no longer in the state `state`.

        `with_keys` says to do so only while the project has keys. A project that was never opened and one that was
        deleted both have no state, so a caller that saw keys must not write a state after they are gone.

        Returns "done"; "other" if it is in another state or lacks the keys; or "full" if it was to be opened for the
        first time and has keys.
        """
        answer: bytes = self._swap.run(self._clients.write, self._swap_call(project, state, text, with_keys=with_keys))
        return answer.decode()

    def _swap_call(self, project: int, state: State, text: str, *, with_keys: bool = False) -> Call:
        keys = [state_key(project), index_key(project), running_key(project)]
        return Call(keys, [state.text.encode(_BYTES), text, int(with_keys)])

    def open(self, project: int, filled: Mapping[int, int]) -> str:
        """Let a project be counted into until it is closed, and return its version: the text of its state.

        The version is new only if the project was not open. `filled` is for a project that has no state yet. Raises
        Unsettled if a change must be finished first, or if a project that was never opened has keys.
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
        """Open many projects that were found in these states, as `open` does. One round trip.

        Returns the version of each, or the error that kept it from being opened: Unsettled or another RedisError. A
        project whose state changed meanwhile is left out and can be tried again.
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
        """Close the project: nothing is counted into it until it is opened, and its version is no longer valid."""
        while (state := self.get(project)).phase in (Phase.OPEN, Phase.EARLIER):
            text = closed_text(state.shapes, state.filled) if state.phase is Phase.OPEN else ""
            if self.swap(project, state, text) == "done":
                return

    def version(self, project: int) -> str | None:
        """Return the version of an open project; None if it is not open or has rings of other shapes."""
        return self._version(self.get(project))

    def versions(self, projects: Sequence[int]) -> dict[int, str | RedisError | None]:
        """Return the version of each of these projects, as `version` does for one, or the error in its place.

        One round trip.
        """
        answers = self._clients.write.together([("GET", state_key(project)) for project in projects])
        return {
            project: answer if isinstance(answer, RedisError) else self._version(_state(answer))
            for project, answer in zip(projects, answers, strict=True)
        }

    def _version(self, state: State) -> str | None:
        return state.text if state.phase is Phase.OPEN and state.shapes == self.shapes else None

    def retention(self, projects: Sequence[int], *, now: int) -> Retention:
        """Return since when each rollup is complete for all of these projects; `now` is in nanoseconds.

        This is what the process remembers. `verify_complete` checks it after a read. One round trip for projects that
        the process meets for the first time, otherwise none. Raises Unsettled.
        """
        if unknown := [project for project in projects if project not in self._known]:
            self.read_raw(unknown)
        filled: dict[int, int] = {}
        for known in self._filled_of(projects):
            for seconds, since in known.items():
                filled[seconds] = max(since, filled.get(seconds, 0))
        return Retention(now, filled)

    def verify(self, projects: Sequence[int], found: Sequence[bytes | None]) -> None:
        """Check the states that were read together with counts of the projects, in order, and remember them.

        Raises Unsettled unless the counts are whole.
        """
        known = self._known
        unknown = [
            (project, _text(raw))
            for project, raw in zip(projects, found, strict=True)
            if raw is None or known.get(project, NO_STATE).raw != raw
        ]
        if unknown:
            self._remember(unknown)

    def refuse_changed(
        self, projects: Sequence[int], before: Sequence[bytes | None], after: Sequence[bytes | None]
    ) -> None:
        """Raise Unsettled for projects whose state changed between two reads, so that the reads do not fit together."""
        if before != after:
            raise Unsettled(project for project, then, now in zip(projects, before, after, strict=True) if then != now)

    def verify_complete(self, projects: Sequence[int], rollup: Rollup, since: int) -> None:
        """Raise Unsettled if the rollup is complete only from later than `since` on, by the states last verified."""
        if any(filled.get(rollup.seconds, since) > since for filled in self._filled_of(projects)):
            raise Unsettled(projects)

    def read_raw(self, projects: Iterable[int]) -> dict[int, bytes | None]:
        """Return the bytes of each project's state in Redis, and check them. One round trip. Raises Unsettled."""
        projects = list(projects)
        found = self._clients.read.get_many([state_key(project) for project in projects])
        self.verify(projects, found)
        return dict(zip(projects, found, strict=True))

    def _filled_of(self, projects: Iterable[int]) -> list[Mapping[int, int]]:
        known = self._known
        found = (known.get(project, NO_STATE).filled for project in projects)
        return [filled for filled in found if filled]

    def _remember(self, states: Sequence[tuple[int, str]]) -> None:
        """Remember these states, given as texts. Raises Unsettled for projects that must be settled first."""
        unsettled = []
        absent = [project for project, text in states if not text]
        if absent:
            # A project without a state was never counted into, so it must have no series.
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
