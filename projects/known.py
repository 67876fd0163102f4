"""What this process knows of organizations: tokens, projects and environments, in memory and never stale.

It stands under the organization's stamp in the store of counts (tsdb/stamps.py), which every change of the rows behind
it replaces. So a request that finds in memory what it needs asks no database. It compares the stamp once, best together
with the counts that it reads, and if another process has changed something, it begins anew (statsapi/api/base.py).

That a row does not exist is not kept.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import TypeVar

from django.db import transaction
from redis.exceptions import RedisError

from projects import selectors
from projects.connections import get_store
from projects.selectors import FoundProject, Token
from tsdb.series import stamp_key
from tsdb.stamps import Stamp

log = logging.getLogger(__name__)

MOST_ENTRIES = 100_000
"""The most entries in memory, at less than a kilobyte each: tokens, ways to a project, names of environments."""

K = TypeVar("K")
T = TypeVar("T")


@dataclass
class _Shelf:
    """Rows of an organization that were read under one value of its stamp. With None they serve one request only."""

    value: bytes | None
    tokens: dict[str, Token] = field(default_factory=dict)
    projects: dict[str, FoundProject] = field(default_factory=dict)
    environments: dict[int, dict[str, int]] = field(default_factory=dict)
    slugs: dict[int, dict[int, str]] = field(default_factory=dict)
    """Those of all projects, under the organization's id."""


class _Shelves:
    """The shelves of this process. All are forgotten when so many entries were added that there could be too many."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._added = 0
        self.of: dict[int, _Shelf] = {}
        """By organization."""
        self.organizations: dict[str, int] = {}
        """The organization of each token that was used lately, by the token's digest. It never changes."""

    def now(self, organization: int) -> _Shelf:
        """Return the shelf of the stamp's present value."""
        value = get_store().stamps.read(organization)
        with self._lock:
            known = self.of.get(organization)
            if known is not None and known.value == value:
                return known
            self.of.pop(organization, None)
            shelf = _Shelf(value)
            if value is not None:
                self.of[organization] = shelf
        self.note(1)
        return shelf

    def note(self, entries: int) -> None:
        """Note that entries were added."""
        with self._lock:
            self._added += entries
            if self._added > MOST_ENTRIES:
                self._forget()

    def forget(self) -> None:
        """Forget everything."""
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        self.of.clear()
        self.organizations.clear()
        self._added = 0


_shelves = _Shelves()
forget_all = _shelves.forget


class Known:
    """What one request needs to know of an organization, from memory or else from the database.

    Before anything is loaded, the stamp is read and compared. Raises Outdated if something from memory was used that is
    not certain any more. Then the request must begin anew.
    """

    def __init__(self, organization: int) -> None:
        self.organization = organization
        self._shelf = _shelves.of.get(organization) or _Shelf(None)
        self._stamp = Stamp(stamp_key(organization), self._shelf.value)
        self._is_used = False

    @property
    def stamp(self) -> Stamp | None:
        """The stamp that a read of counts should bring along; None if it was compared."""
        return None if self._stamp.is_compared else self._stamp

    def compare(self) -> None:
        """Compare the stamp if that was not done yet. Raises Outdated, RedisError."""
        if self._stamp.is_compared:
            return
        shelf = _shelves.now(self.organization)
        if self._is_used:
            self._stamp.compare(shelf.value)
        self._shelf, self._stamp.is_compared = shelf, True

    def begin_anew(self) -> None:
        """Take nothing for known that was, because this request has finished somebody's change."""
        self._is_used = self._stamp.is_compared = False
        self.compare()

    def token(self, digest: str) -> Token | None:
        """Return the token with this digest, or None if it is unknown or revoked. It may have expired."""
        return self._find(lambda shelf: shelf.tokens, digest, lambda: selectors.find_token(digest))

    def note_use(self, digest: str, now: int) -> None:
        """Note in memory when the token was last used."""
        token = self._shelf.tokens.get(digest)
        if token is not None:
            self._shelf.tokens[digest] = token._replace(last_used=now)

    def project(self, reference: str) -> FoundProject | None:
        """Return the project with this slug, id or earlier slug, or None if there is none."""
        load = partial(selectors.find_project, self.organization, reference)
        return self._find(lambda shelf: shelf.projects, reference, load)

    def slugs(self) -> Mapping[int, str]:
        """Return the slug of each project by the project's id, in the order of the slugs."""
        load = partial(selectors.project_slugs, self.organization)
        return self._find(lambda shelf: shelf.slugs, self.organization, load) or {}

    def environments(self, project: int, *, anew: bool = False) -> Mapping[str, int]:
        """Return the names of the project's environments with their ids.

        One that was created lately may be missing, because that is no change: environments are never removed. `anew`
        asks the database for them.
        """
        if anew:
            self.compare()
            self._shelf.environments.pop(project, None)
        load = partial(selectors.load_environments, project)
        return self._find(lambda shelf: shelf.environments, project, load) or {}

    def _find(self, of: Callable[[_Shelf], dict[K, T]], key: K, load: Callable[[], T | None]) -> T | None:
        found = of(self._shelf).get(key)
        if found is not None:
            self._is_used = True
            return found
        self.compare()
        shelf = self._shelf
        found = of(shelf).get(key)
        if found is None:
            found = load()
            if found is not None:
                of(shelf)[key] = found
                if shelf.value is not None:
                    _shelves.note(1 + (len(found) if isinstance(found, dict) else 0))
        return found


def known_by(digest: str) -> Known | None:
    """Return what is known of the organization of the token with this digest, or None if it is unknown or revoked."""
    organization = _shelves.organizations.get(digest)
    if organization is None:
        organization = selectors.organization_of_token(digest)
        if organization is None:
            return None
        _shelves.note(1)
        _shelves.organizations[digest] = organization
    return Known(organization)


def changing(organizations: Iterable[int]) -> None:
    """Begin a change of rows that may be known, of these organizations. It ends with the transaction.

    Call this inside the transaction, before the rows change. Raises RedisError if Redis does not take it, and then the
    transaction must not go on.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("a change needs a transaction, with which it ends")
    for organization in sorted(set(organizations)):
        change = get_store().stamps.begin(organization)
        transaction.on_commit(partial(_end, organization, change))


def _end(organization: int, change: str) -> None:
    try:
        get_store().stamps.end(organization, change)
    except RedisError as error:  # the rows are changed, and until the change expires everybody asks the database
        log.warning("the end of a change of organization %d was not announced: %s", organization, error)
