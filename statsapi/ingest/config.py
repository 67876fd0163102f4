"""The keys, filters and environments of projects, in the memory of a worker.

They are known under a version, which Redis keeps too and the counting script compares. So an event of a known key costs
one round trip and no SQL, and a disabled key or a changed filter still takes effect at the next event.
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
"""The most projects that a worker knows at a time, at a few kilobytes each."""

SETTLING_PATIENCE = 2.0
"""Seconds that a request waits while other requests settle projects."""

SHORT = 0.25
"""Seconds for which a locked row is most likely held by another worker that opens the project. Everyone waits then."""

PAUSE = 0.02
"""Seconds between two tries meanwhile."""

_settling = threading.BoundedSemaphore(2)
_queue = threading.BoundedSemaphore(16)
"""Bounds the requests that wait for a locked row. Each holds a thread of the server, which other requests need."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a project."""

    id: int
    active: bool
    quota: Quota | None


@dataclass(frozen=True, slots=True)
class Config:
    """What decides about the events of a project, as it was under a version."""

    project: int
    version: str
    keys: dict[str, Key]
    filters: FilterConfig
    environments: dict[str, int] = field(compare=False)
    """Ids by name. It grows when an environment is first seen; environments are never removed."""

    def environment_id(self, name: str) -> int:
        """Return the id of the environment, which is made on first sight. Raises Project.DoesNotExist, RowLocked."""
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
"""When the row of a project was first found locked, by the monotonic clock. Loading the project removes it."""
_keeping = threading.Lock()


def known_config(project: int) -> Config:
    """Return the project as this worker knows it. It may be outdated, which the counting script notices.

    Raises RequestError 403 for an unknown project.
    """
    config = _known.get(project)
    return config or load_config(project)


def load_config(project: int) -> Config:
    """Load the project as it is now. Raises RequestError 403 for an unknown project, DatabaseError, RedisError."""
    store = get_store()
    tries = services.TRIES
    while tries:
        # The version is read before the rows. A later change makes it outdated, so it never stands for other rows.
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
    """Finish what was begun with the project, which may take seconds.

    Few threads do so at once. Raises OperationalError if the others do not finish in time.
    """
    if not _settling.acquire(timeout=SETTLING_PATIENCE):
        raise OperationalError("projects are being settled, and this one must wait")
    try:
        services.settle([project])
    finally:
        connection.close_at = 0  # the server has hundreds of threads, and each would keep a connection
        _settling.release()


def _wait_for_the_row(project: int) -> None:
    """Wait until nobody else holds the project's row. Few threads wait at once. Raises RowLocked."""
    if not _queue.acquire(blocking=False):
        raise services.RowLocked("the project's row is locked, and enough others wait for it")
    try:
        with services.locked_project(project):
            pass
    except Project.DoesNotExist:
        pass  # the next try notices it
    finally:
        connection.close_at = 0
        _queue.release()


def _load(wanted: Mapping[int, str | None]) -> dict[int, Config | Exception]:
    """Load projects from the database, and return the project or an exception for each number.

    A project is known under the version given. If that is None, the project is opened, which gives it a version.
    """
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
    """Remember the project, and forget the one that was remembered first if there are too many."""
    with _keeping:
        if len(_known) >= MOST_PROJECTS and config.project not in _known:
            del _known[next(iter(_known))]
        _known[config.project] = config
    _locked_since.pop(config.project, None)
    return config


_reading, _opening = Loader(_load), Loader(_load)
"""Opening projects may take longer than reading open ones, because SQLite has one writer at a time."""


def authorized(project: int, public_key: str) -> tuple[Config, Key]:
    """Return the project and its active key. Raises RequestError 403 if the key may not send.

    Before a refusal the version is compared, because the key may be new. An accepted key costs no look here.
    """
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
