"""Merging a project into another: both say what is under way in their states, each series moves, then they are free.

The destination says it first: from then on whoever meets one of them finishes the merge. So nobody reads a half.
"""

from __future__ import annotations

from projects import selectors
from projects.connections import get_store
from projects.models import Project
from projects.services.environments import OTHER_ENVIRONMENT, environment_id
from tsdb.moving import Mover
from tsdb.room import spare
from tsdb.series import Series, parse_environment
from tsdb.series import environment as environment_series
from tsdb.settling import rollups_of
from tsdb.state import Phase, State, closed_text, state_text
from tsdb.store import ProjectClosed, Store


def begin(*, source: int, destination: int) -> bool:
    """Writes into the destination's state that the source, as it is now, is to be merged into it.

    False: the source is not open or the destination is not settled, and nothing was begun.
    """
    states = get_store().states
    out, into = states.get(source), states.get(destination)
    if not (out.phase is Phase.OPEN and out.is_settled(states.shapes) and into.is_settled(states.shapes)):
        return False
    text = state_text(Phase.MERGING, into.shapes, f"from:{source}:{out.detail}", into.filled)
    return states.swap(destination, into, text) == "done"


def finish(project: int) -> bool:
    """Finishes the merge that the project takes part in, if there is one. May be called by many at once.

    False: nothing was moved, because the source had changed before anything was.
    """
    states = get_store().states
    state = states.get(project)
    if state.phase is not Phase.MERGING:
        return True
    way, number, version = state.detail.split(":")
    source, destination = (int(number), project) if way == "from" else (project, int(number))
    into, out = states.get(destination), states.get(source)
    leaving = f"into:{destination}:{version}"
    if (into.phase, into.detail) != (Phase.MERGING, f"from:{source}:{version}"):
        # It came to its end, and who finished it died before the last step. Or it is another one by now.
        if out.detail == leaving:
            _free(source, out)
        return True
    while (out.phase, out.detail) == (Phase.OPEN, version):  # again, if what it says of its rings has changed meanwhile
        states.swap(source, out, state_text(Phase.MERGING, out.shapes, leaving, out.filled))
        out = states.get(source)
    moved = (out.phase, out.detail, out.shapes) == (Phase.MERGING, leaving, into.shapes)
    if moved:
        try:
            _move_all(source, destination, out, into.detail)
        except ProjectClosed:
            return True  # another one was faster
        except Project.DoesNotExist:
            # A database that was restored from an older copy has lost the destination: what is left stays.
            moved = False
        _free(source, out)
    filled = dict(into.filled)
    for seconds, since in out.filled.items():
        filled[seconds] = max(since, filled.get(seconds, 0))
    if states.swap(destination, into, closed_text(into.shapes, filled)) != "done":
        # Another one has come to the end of it, or what the destination says of its rings has changed.
        return finish(project) or moved
    return moved


def _move_all(source: int, destination: int, state: State, merge: str) -> None:
    """Moves every series of the source, which must stay in that state, as the destination in that merge.

    Raises ProjectClosed.
    """
    store = get_store()
    if state.shapes != store.states.shapes:
        # Begun by who has other rollups.
        store = Store(store.clients, rollups_of(state.shapes), most_series=store.most_series)
    mover = Mover(store)
    series, there = store.names_of(source), set(store.names_of(destination))
    # After the series, so that each one's environment is among them.
    names = {number: name for name, number in selectors.load_environments(source).items()}
    for name in series:
        into = name
        if store.most_series and name not in there and len(there) >= store.most_series:
            into = spare(Series(destination, name)).name
        found = parse_environment(name)
        if found is not None:
            # A database that was restored from an older copy may have lost its name.
            known = names.get(found.environment, OTHER_ENVIRONMENT)
            number = environment_id(destination, known)
            into = environment_series(destination, number, found.outcome, found.reason).name
        there.add(into)
        mover.merge(Series(destination, into), [Series(source, name)], while_state=state.text, while_merging=merge)


def _free(project: int, state: State) -> None:
    get_store().states.swap(project, state, closed_text(state.shapes, state.filled))
