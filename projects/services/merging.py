"""The steps of merging one project into another.

1. The destination's state says that the source is to be merged into it. From then on, whoever meets the destination
   finishes the merge, so nobody reads half of it.
2. The source's state says that it is being merged into the destination.
3. Each series moves.
4. Both states become closed: first the source's, then the destination's.
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
    """Write into the destination's state that the source, at its present version, is to be merged into it.

    Return False if nothing was begun, because the source is not open, one of the two is not settled, or the
    destination's state has just changed.
    """
    states = get_store().states
    out, into = states.get(source), states.get(destination)
    if not (out.phase is Phase.OPEN and out.is_settled(states.shapes) and into.is_settled(states.shapes)):
        return False
    text = state_text(Phase.MERGING, into.shapes, f"from:{source}:{out.detail}", into.filled)
    return states.swap(destination, into, text) == "done"


def finish(project: int) -> bool:
    """Finish the merge that the project takes part in, if there is one. Several processes may do so at once.

    Return False if nothing was moved because the source was changed, or the destination was lost, before that.
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
        # This merge has ended, but the process that finished it died before it freed the source. Or the destination is
        # in another merge by now.
        if out.detail == leaving:
            _free(source, out)
        return True
    while (out.phase, out.detail) == (Phase.OPEN, version):  # again if only what it says of its rings has changed
        states.swap(source, out, state_text(Phase.MERGING, out.shapes, leaving, out.filled))
        out = states.get(source)
    moved = (out.phase, out.detail, out.shapes) == (Phase.MERGING, leaving, into.shapes)
    if moved:
        try:
            _move_all(source, destination, out, into.detail)
        except ProjectClosed:
            return True  # another process has finished the merge
        except Project.DoesNotExist:
            # The database was restored from an older backup and has lost the destination. What is left stays.
            moved = False
        _free(source, out)
    filled = dict(into.filled)
    for seconds, since in out.filled.items():
        filled[seconds] = max(since, filled.get(seconds, 0))
    if states.swap(destination, into, closed_text(into.shapes, filled)) != "done":
        # Another process has finished the merge, or what the destination says of its rings has changed.
        return finish(project) or moved
    return moved


def _move_all(source: int, destination: int, state: State, merge: str) -> None:
    """Move every series of the source into the destination.

    `state` is the source's state and `merge` the detail of the destination's. Raises ProjectClosed if one of them has
    changed, and Project.DoesNotExist if the database does not know the destination.
    """
    store = get_store()
    if state.shapes != store.states.shapes:
        # The merge was begun by a process with other rollups.
        store = Store(store.clients, rollups_of(state.shapes), most_series=store.most_series)
    mover = Mover(store)
    series, there = store.names_of(source), set(store.names_of(destination))
    words = store.room_for_words(destination)  # read after the series: words of those that have moved are among them
    # The environments are read after the series, so that the environment of each series is among them.
    names = {number: name for name, number in selectors.load_environments(source).items()}
    for name in series:
        into = words.place(Series(destination, name)).name
        if store.most_series and into not in there and len(there) >= store.most_series:
            into = spare(Series(destination, into)).name
        found = parse_environment(name)
        if found is not None:
            # A database that was restored from an older backup may have lost the environment's name.
            known = names.get(found.environment, OTHER_ENVIRONMENT)
            number = environment_id(destination, known)
            into = environment_series(destination, number, found.outcome, found.reason).name
        there.add(into)
        mover.merge(Series(destination, into), [Series(source, name)], while_state=state.text, while_merging=merge)


def _free(project: int, state: State) -> None:
    """Close the project if it still has this state, so that the next count opens it."""
    get_store().states.swap(project, state, closed_text(state.shapes, state.filled))
