"""The keys, filters, budgets and environments of projects, in the memory of a worker.

They are known under a version, which Redis keeps too and the counting script compares. So an event of a known key costs
one round trip and no SQL, and a disabled key or a changed filter still takes effect at the next event.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from django.db import OperationalError

from projects import selectors, services
from projects.connections import get_store, server_of
from projects.globs import without_alternatives
from projects.legacy_browsers import LEGACY_BROWSERS
from projects.lines import lines_of
from projects.models import Project, ProjectFilters, ProjectKey
from statsapi.door import threads
from statsapi.ingest.filters import FilterConfig
from statsapi.ingest.loading import Loader
from statsapi.ingest.owners import forget_owners, refusal
from tsdb.arrivals import Quota
from tsdb.budgets import Budget, rollup_for
from tsdb.states import Unsettled as UnsettledStates

MOST_PROJECTS = 10_000
"""The most projects that a worker knows at a time, at a few kilobytes each."""

SETTLING = 2
"""The most projects that a worker settles at the same time."""

SETTLING_PATIENCE = 2.0
"""Seconds that a request waits while other projects are settled."""

WAITING = 4
"""The most threads that wait for locked rows. Other requests need threads too."""

SHORT = 0.25
"""Seconds for which a locked row is most likely held by another worker that opens the project. Everyone waits then."""

PAUSE = 0.02
"""Seconds between two tries meanwhile."""


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
    budgets: Mapping[str, Sequence[Budget]]
    """By category. Those that no rollup makes up any more are left out."""
    environments: dict[str, int] = field(compare=False)
    """Ids by name. It grows when an environment is first seen; environments are never removed."""

    def active_key(self, public_key: str) -> Key | None:
        """Return the key with that public half if it may send, else None."""
        key = self.keys.get(public_key)
        return key if key is not None and key.active else None

    async def environment_id(self, name: str) -> int:
        """Return the id of the environment, which is made on first sight. Raises Project.DoesNotExist, RowLocked."""
        known = self.environments
        if name not in known and len(known) > services.MOST_ENVIRONMENTS:
            name = services.OTHER_ENVIRONMENT
        if name not in known:
            found, all_of_them = await threads.in_thread(_make_environment, self.project, name)
            known.update(all_of_them)
            return found
        return known[name]


_known: dict[int, Config] = {}
_locked_since: dict[int, float] = {}
"""When the row of a project was first found locked, by the monotonic clock. Loading the project removes it."""
_settling = 0
_waiting = 0


async def authorized(project: int, public_key: str) -> tuple[Config, Key]:
    """Return the project and its active key. Raises RequestError 403 if the key may not send.

    What the worker knows may be outdated. The counting script notices it if the key may send. Before a refusal the
    version is compared here, because the key may be new.
    """
    config = _known.get(project)
    key = config.active_key(public_key) if config else None
    if config is None or key is None:
        return await authorized_now(project, public_key)
    return config, key


async def authorized_now(project: int, public_key: str) -> tuple[Config, Key]:
    """Return the project and its active key, as they are now. Raises RequestError 403 if the key may not send."""
    try:
        config = await load_config(project)
    except Project.DoesNotExist:
        raise await refusal(project, public_key, is_disabled=False) from None
    key = config.active_key(public_key)
    if key is None:
        raise await refusal(project, public_key, is_disabled=public_key in config.keys)
    return config, key


async def load_config(project: int) -> Config:
    """Return the project as it is now. Raises Project.DoesNotExist, DatabaseError, RedisError."""
    tries = services.TRIES
    while tries:
        # The version is read before the rows. A later change makes it outdated, so it never stands for other rows.
        loaders = _loaders_of(project)
        version = await loaders.versions.ask(project) or None
        known = _known.get(project)
        if known is not None and known.version == version:
            return known
        try:
            return _keep(await (_reading if version else loaders.opening).ask(project, version))
        except Project.DoesNotExist:
            _known.pop(project, None)
            _locked_since.pop(project, None)
            raise
        except UnsettledStates:
            await _settle(project)
        except services.RowLocked:
            now = time.monotonic()
            if now - _locked_since.setdefault(project, now) < SHORT:
                await asyncio.sleep(PAUSE)
                continue
            await _wait_for_the_row(project)
        tries -= 1
    raise services.Unsettled("the project changes too often")


def forget_all() -> None:
    """Forget every project, as a new worker knows none."""
    _known.clear()
    _locked_since.clear()
    forget_owners()


async def _settle(project: int) -> None:
    """Finish what was begun with the project, which may take seconds. Raises OperationalError if too many wait."""
    global _settling
    deadline = time.monotonic() + SETTLING_PATIENCE
    while _settling >= SETTLING:
        if time.monotonic() > deadline:
            raise OperationalError("projects are being settled, and this one must wait")
        await asyncio.sleep(PAUSE)
    _settling += 1
    try:
        await threads.in_thread(services.settle, [project])
    finally:
        _settling -= 1


async def _wait_for_the_row(project: int) -> None:
    """Wait until nobody else holds the project's row. Few requests wait at once. Raises RowLocked."""
    global _waiting
    if _waiting >= WAITING:
        raise services.RowLocked("the project's row is locked, and enough others wait for it")
    _waiting += 1
    try:
        await threads.in_thread(_lock, project)
    finally:
        _waiting -= 1


# --- What runs in threads, because it asks the stores --------------------------------------------------------


def _lock(project: int) -> None:
    try:
        with services.locked_project(project):
            pass
    except Project.DoesNotExist:
        pass  # the next try notices it


def _make_environment(project: int, name: str) -> tuple[int, dict[str, int]]:
    """Return the id of the environment, and all environments of the project."""
    return services.environment_id(project, name), selectors.load_environments(project)


def _look(wanted: Mapping[int, str | None]) -> dict[int, str | Exception]:
    """Return the present version of each project, which is empty if the project is not open, or an error."""
    return {project: version or "" for project, version in get_store().versions(list(wanted)).items()}


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
    budgets = selectors.budgets_of_many(versions)
    environments = selectors.load_environments_of(versions)
    loaded: dict[int, Config | Exception] = {p: error for p, error in found.items() if isinstance(error, Exception)}
    for project, version in versions.items():
        own = filters.get(project)
        loaded[project] = Config(
            project,
            version,
            keys[project],
            _filters(own) if own else FilterConfig(),
            _by_category(budgets.get(project, ())),
            environments[project],
        )
    return loaded


class _Loaders(NamedTuple):
    """What asks one server of Redis, so that nobody waits for another one that hangs."""

    versions: Loader[str]
    opening: Loader[Config]


_reading = Loader(_load)
"""Asks the database alone. Opening may take longer, because SQLite has one writer at a time."""
_loaders: dict[str, _Loaders] = {}


def _loaders_of(project: int) -> _Loaders:
    server = server_of(project)
    if server not in _loaders:
        _loaders[server] = _Loaders(Loader(_look), Loader(_load))
    return _loaders[server]


def _keep(config: Config) -> Config:
    """Remember the project, and forget the one that was remembered first if there are too many."""
    if len(_known) >= MOST_PROJECTS and config.project not in _known:
        del _known[next(iter(_known))]
    _known[config.project] = config
    _locked_since.pop(config.project, None)
    return config


def _quota(key: ProjectKey) -> Quota | None:
    if key.rate_limit_count is None or key.rate_limit_window is None:
        return None
    return Quota(key.pk, key.rate_limit_count, key.rate_limit_window)


def _by_category(budgets: Iterable[Budget]) -> dict[str, list[Budget]]:
    rollups, found = get_store().rollups, dict[str, list[Budget]]()
    for budget in budgets:
        if rollup_for(budget.window, rollups):
            found.setdefault(budget.category, []).append(budget)
    return found


def _filters(row: ProjectFilters) -> FilterConfig:
    return FilterConfig(
        localhost=row.localhost,
        ip_addresses=tuple(lines_of(row.ip_addresses)),
        release_versions=without_alternatives(lines_of(row.release_versions)),
        error_messages=without_alternatives(lines_of(row.error_messages)),
        browser_extensions=row.browser_extensions,
        legacy_browsers=_legacy_browsers(row),
        web_crawlers=row.web_crawlers,
        invalid_csp=row.invalid_csp,
    )


def _legacy_browsers(row: ProjectFilters) -> tuple[str, ...]:
    """Return the subfilters that are on. A name that this version does not know is left out."""
    if not row.legacy_browsers:
        return ()
    chosen = lines_of(row.legacy_browser_subfilters)
    return tuple(name for name in LEGACY_BROWSERS if name in chosen) if chosen else LEGACY_BROWSERS
