"""What a worker knows of a project that sends: its keys, filters and environments, in the worker's own memory.

It is known under a version that Redis keeps. The counting script compares it, so that an event of a known key costs
one round trip and no SQL, and a disabled key or a changed filter is obeyed at the next event all the same.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from django.db import OperationalError, connection

from projects import selectors, services
from projects.connections import get_store
from projects.models import Project, ProjectFilters, ProjectKey
from statsapi.ingest.credentials import rejected
from statsapi.ingest.filters import FilterConfig
from tsdb.intake import Quota

MOST_PROJECTS = 10_000
"""How many projects a worker knows at a time; a few kilobytes each."""

LOADING_PATIENCE = 2.0
"""Seconds that a request waits for others to ask the database."""


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
_loading = threading.Lock()


def known_config(project: int) -> Config:
    """As this worker knows it, which may be old; the counting script tells. Raises IntakeError 403."""
    config = _known.get(project)
    return config or load_config(project)


def load_config(project: int) -> Config:
    """As it is now. Raises IntakeError 403 where there is no such project, django.db.DatabaseError."""
    version = get_store().version(project)
    # Any of the server's hundreds of threads may come here, and PostgreSQL allows a hundred connections: so one thread
    # at a time asks the database, and does not keep its connection beyond the request.
    if not _loading.acquire(timeout=LOADING_PATIENCE):
        raise OperationalError("the database is too slow to say who may send")
    try:
        known = _known.get(project)
        if known is not None and known.version == (version or get_store().version(project)):
            return known  # another thread was faster
        return _loaded(project)
    finally:
        connection.close_at = 0
        _loading.release()


def _loaded(project: int) -> Config:
    try:
        # The version is taken first: a change after it makes it old, so it never stands for rows that it does not fit.
        version = get_store().version(project) or services.open_project(project)
    except Project.DoesNotExist:
        _known.pop(project, None)
        raise rejected() from None
    keys = ProjectKey.objects.filter(project_id=project)
    filters = ProjectFilters.objects.filter(project_id=project).first()
    config = Config(
        project=project,
        version=version,
        keys={key.public: Key(key.pk, key.active, _quota(key)) for key in keys},
        filters=_filters(filters) if filters else FilterConfig(),
        environments=selectors.load_environments(project),
    )
    if len(_known) >= MOST_PROJECTS:
        _known.clear()
    _known[project] = config
    return config


def authorized(project: int, public_key: str) -> tuple[Config, Key]:
    """The project and its active key. Raises IntakeError 403; that alone costs a look whether it still holds."""
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
