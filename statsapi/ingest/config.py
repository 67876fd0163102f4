"""What a worker knows of a project that sends: its keys, filters and environments, in the worker's own memory.

It is known under a version that Redis keeps. The counting script compares it, so that an event of a known key costs
one round trip and no SQL, and a disabled key or a changed filter is obeyed at the next event all the same.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import OperationalError, connection

from projects import selectors, services
from projects.connections import get_store
from projects.models import Project, ProjectFilters, ProjectKey
from statsapi.ingest.credentials import rejected
from statsapi.ingest.filters import FilterConfig
from statsapi.ingest.loading import Loader
from tsdb.intake import Quota
from tsdb.states import Unsettled as UnsettledStates

MOST_PROJECTS = 10_000
"""How many projects a worker knows at a time; a few kilobytes each."""

SETTLING_PATIENCE = 2.0
"""Seconds that a request waits for others who settle projects."""

SHORT = 0.25
"""Seconds for which a locked row is most likely another worker's, which opens the same project: all wait for it."""

PAUSE = 0.02
"""Seconds until they ask again."""

_settling = threading.BoundedSemaphore(2)
_queue = threading.BoundedSemaphore(16)
"""Who waits for a row that is locked holds a thread of the server, and the others must not run out of them."""


@dataclass(frozen=True, slots=True)
class Key:
    id: int
    active: bool
    quota: Quota | None


@dataclass(frozen=True, slots=True)
class Config:
    project: int
    version: str
    keys: dict[str, Key]
    filters: FilterConfig
    environments: dict[str, int] = field(compare=False)
    """Grows when an environment is first seen; environments are never taken away."""

    def environment_id(self, name: str) -> int:
        """Raises Project.DoesNotExist."""
        known = self.environments
        if name not in known and len(known) > services.MOST_ENVIRONMENTS:
            name = services.OTHER_ENVIRONMENT
        if name not in known:
            found = services.environment_id(self.project, name)
            known.update(selectors.load_environments(self.project))
            return found
        return known[name]


_known: dict[int, Config] = {}
_locked_since: dict[int, float] = {}
"""By the monotonic clock, when the row of a project was first found locked, until it is loaded."""
_keeping = threading.Lock()


def known_config(project: int) -> Config:
    """As this worker knows it, which may be old; the counting script tells. Raises RequestError 403."""
    config = _known.get(project)
    return config or load_config(project)


def load_config(project: int) -> Config:
    """Load the project as it is now. Raises RequestError 403 for an unknown project, DatabaseError, RedisError."""
    store = get_store()
    tries = services.TRIES
    while tries:
        # The version is taken first: a change after it makes it old, so it never stands for rows that it does not fit.
        version = store.version(project)
        known = _known.get(project)
        if version and known is not None and known.version == version:
            return known  # another thread was faster
        try:
            return (_reading if version else _opening).ask(project, version)
        except Project.DoesNotExist:
            _known.pop(project, None)
            _locked_since.pop(project, None)
            raise rejected() from None
        except UnsettledStates:
            _settle(project)
        except services.RowLocked:
            now = time.monotonic()
            if now - _locked_since.setdefault(project, now) < SHORT:
                time.sleep(PAUSE)
                continue
            _wait_for_the_row(project)
        tries -= 1
    raise services.Unsettled("the project changes too often")


def _settle(project: int) -> None:
    """Finishes what was begun with the project, which may take seconds; few do it at once, and others fail."""
    if not _settling.acquire(timeout=SETTLING_PATIENCE):
        raise OperationalError("projects are being settled, and this one must wait")
    try:
        services.settle([project])
    finally:
        connection.close_at = 0  # the server has hundreds of threads, and each would keep its own
        _settling.release()


def _wait_for_the_row(project: int) -> None:
    """Returns when nobody else holds the project's row any more; few wait at once, and others fail."""
    if not _queue.acquire(blocking=False):
        raise services.RowLocked("the project's row is locked, and enough others wait for it")
    try:
        with services.locked_project(project):
            pass
    except Project.DoesNotExist:
        pass  # the next try tells
    finally:
        connection.close_at = 0
        _queue.release()


def _load(wanted: Mapping[int, str | None]) -> dict[int, Config | Exception]:
    """What the database says of the projects, each under the version given, or one that it is opened with."""
    closed = [project for project, version in wanted.items() if version is None]
    found = {**wanted, **(services.open_projects(closed) if closed else {})}
    versions = {project: version for project, version in found.items() if isinstance(version, str)}
    keys: dict[int, dict[str, Key]] = {project: {} for project in versions}
    for row in ProjectKey.objects.filter(project_id__in=versions).order_by():
        keys[row.project_id][row.public] = Key(row.pk, row.active, _quota(row))
    filters = ProjectFilters.objects.in_bulk(versions)
    environments = selectors.load_environments_of(versions)
    loaded: dict[int, Config | Exception] = {p: error for p, error in found.items() if isinstance(error, Exception)}
    for project, version in versions.items():
        own = filters.get(project)
        loaded[project] = _keep(
            Config(project, version, keys[project], _filters(own) if own else FilterConfig(), environments[project])
        )
    return loaded


def _keep(config: Config) -> Config:
    with _keeping:
        if len(_known) >= MOST_PROJECTS and config.project not in _known:
            del _known[next(iter(_known))]
        _known[config.project] = config
    _locked_since.pop(config.project, None)
    return config


_reading, _opening = Loader(_load), Loader(_load)
"""To open projects may take longer than to read what is open: SQLite has one writer at a time."""


def authorized(project: int, public_key: str) -> tuple[Config, Key]:
    """The project and its active key. Raises RequestError 403; that alone costs a look whether it still holds."""
    config = known_config(project)
    key = config.keys.get(public_key)
    if key is None or not key.active:
        if get_store().version(project) != config.version:
            config = load_config(project)
            key = config.keys.get(public_key)
        if key is None or not key.active:
            raise rejected()
    return config, key


def _quota(key: ProjectKey) -> Quota | None:
    if key.rate_limit_count is None or key.rate_limit_window is None:
        return None
    return Quota(key.pk, key.rate_limit_count, key.rate_limit_window)


def _filters(row: ProjectFilters) -> FilterConfig:
    return FilterConfig(
        localhost=row.localhost,
        ip_addresses=_lines(row.ip_addresses),
        release_versions=_lines(row.release_versions),
        error_messages=_lines(row.error_messages),
        browser_extensions=row.browser_extensions,
        legacy_browsers=row.legacy_browsers,
        web_crawlers=row.web_crawlers,
        invalid_csp=row.invalid_csp,
    )


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())
