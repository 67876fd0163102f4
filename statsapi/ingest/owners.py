"""The projects that public keys belong to, for requests whose address does not say it or says another one.

A key stays with its project. What is known is kept for a while, also that nobody has a key. So a sender that is refused
again and again asks the database once a minute, and those with ever new keys ask it together in batches.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from django.db import DatabaseError

from projects.models import ProjectKey
from statsapi.door import threads
from statsapi.http.errors import RequestError
from statsapi.ingest.credentials import UNKNOWN_KEY, rejected
from statsapi.ingest.loading import Loader

KEPT = 60.0
"""Seconds for which an owner is believed."""

MOST_KEYS = 10_000
"""The most keys whose owner a worker remembers, at some 200 bytes each."""

MOST_LOOKS = 20
"""Refused requests that may ask the database within a second, in one worker. The others are told less."""

FOREIGN_KEY = "key of another project: copy the whole DSN, the number at its end is the project's"
DISABLED_KEY = "disabled key: enable it in the settings of its project, or use another key"
NOT_OF_PROJECT = "unknown key, or key of another project: copy the whole DSN from the page of its project"

_known: dict[str, tuple[float, int | None]] = {}
"""Until when an owner is believed, by the monotonic clock, and the project's id, or None if nobody has the key."""
_looks = 0
_second = 0


async def owner_of(public_key: str) -> int | None:
    """Return the id of the project that has the key, or None. It may be outdated by KEPT seconds.

    Raises DatabaseError, threads.Full.
    """
    known = _known.get(public_key)
    if known is not None and known[0] > time.monotonic():
        return known[1]
    owner = await _loader.ask(int(public_key, 16))
    _known.pop(public_key, None)  # so that it is the youngest again
    if len(_known) >= MOST_KEYS:
        del _known[next(iter(_known))]
    _known[public_key] = time.monotonic() + KEPT, owner
    return owner


def forget_owners() -> None:
    """Forget all, as a new worker knows nothing."""
    _known.clear()


async def refusal(project: int, public_key: str, *, is_disabled: bool) -> RequestError:
    """Return the error 403 for a key that may not send to this project. `is_disabled` says that the project has it.

    The cause tells the holder of a key about this key, and nothing of the project: one that does not exist looks like
    one that does not have the key.
    """
    if is_disabled:
        return rejected(DISABLED_KEY)
    if public_key not in _known and not _may_look():
        return rejected(NOT_OF_PROJECT)
    try:
        owner = await owner_of(public_key)
    except (DatabaseError, threads.Full):
        return rejected(NOT_OF_PROJECT)
    # The caller has just seen that the project does not have the key. If it is the owner, the key was deleted since.
    return rejected(UNKNOWN_KEY if owner in (None, project) else FOREIGN_KEY)


def _may_look() -> bool:
    global _looks, _second
    now = int(time.monotonic())
    if now != _second:
        _second, _looks = now, 0
    _looks += 1
    return _looks <= MOST_LOOKS


def _load(wanted: Mapping[int, str | None]) -> dict[int, int | Exception | None]:
    """Return the id of the project of each key, which is given as a number. This runs in a thread."""
    names = {f"{number:032x}": number for number in wanted}
    found: dict[int, int | Exception | None] = dict.fromkeys(wanted)
    for public, project in ProjectKey.objects.filter(public__in=names).values_list("public", "project_id"):
        found[names[public]] = project
    return found


_loader: Loader[int | None] = Loader(_load)
