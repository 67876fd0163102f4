"""Public links of a project's chart: creating, using and revoking them.

A link's secret is a part of its address. It is shown once, and only its digest is stored.
"""

from __future__ import annotations

import logging
import re
import secrets
from datetime import UTC, datetime
from typing import NamedTuple

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from django.db.models import Q, QuerySet

from projects.lines import lines_of
from projects.models import Project, PublicLink
from projects.services import history, wording
from projects.services.locking import locked_project, without_waiting
from projects.services.object_limits import refuse_more
from projects.services.tokens import LAST_USED_SECONDS, digest_of

log = logging.getLogger(__name__)

LINK_PREFIX = "shl_"
"""How each secret begins, so that logs can cover it (statsapi/operations/logs.py)."""

MOST_ORIGINS = 20
"""The most sites that a link names. They stand in a header of each answer."""

# A header is made of it, so it has nothing that could end or widen a list there: no blank, comma, semicolon or star.
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ORIGIN = re.compile(
    rf"https?://(?=[a-z0-9.-]{{1,253}}(?::|\Z)){_LABEL}(?:\.{_LABEL})*(?::(?P<port>[1-9][0-9]{{0,4}}))?"
)
_SECRET = re.compile(rf"{LINK_PREFIX}[A-Za-z0-9_-]{{43}}")
_LAST_PORT = 65535


class Link(NamedTuple):
    """A link that may be used now. `origins` are the sites that may show it in a frame, as `https://example.com`."""

    id: int
    project: Project
    origins: tuple[str, ...]


class NewLink(NamedTuple):
    """A link that was just created, and its secret, which is not stored anywhere. Its repr() leaves the secret out."""

    link: PublicLink
    secret: str

    def __repr__(self) -> str:
        return f"<NewLink {self.link}>"


def create_link(*, project: Project, name: str = "", expires: datetime | None = None, origins: str = "") -> NewLink:
    """Create a link and return it with its secret. `origins` has one site a line, as `https://example.com`.

    Raises ValidationError, LimitReached, Project.DoesNotExist, RowLocked.
    """
    allowed = clean_origins(origins)
    with locked_project(project.pk) as row:
        refuse_more(
            row.public_links.exclude(_is_over()),
            adding=1,
            setting="PROJECT_MAX_LINKS",
            of="project",
            what="public links in force",
            do="revoke some, or raise the limit",
        )
        secret = LINK_PREFIX + secrets.token_urlsafe(32)
        link = PublicLink(
            project=row,
            name=name,
            expires=expires,
            origins="\n".join(allowed),
            digest=digest_of(secret),
            last_four=secret[-4:],
        )
        link.full_clean()
        link.save()
        history.note_project(row, f"created {wording.named_link(link)}")
        _delete_oldest(row.public_links.filter(_is_over()))
    return NewLink(link, secret)


@transaction.atomic
def revoke_link(link: PublicLink) -> bool:
    """Revoke the link. From now on its address leads nowhere. Return whether it was not revoked before."""
    is_done = bool(PublicLink.objects.filter(pk=link.pk, revoked=None).update(revoked=datetime.now(UTC)))
    if is_done:
        history.note_project(link.project, f"revoked {wording.named_link(link)}")
    return is_done


def use_link(secret: str, *, now: int) -> Link | None:
    """Return the link with this secret, or None if it is unknown, revoked or over. `now` is seconds since the epoch.

    A link is gone with its project. Its last use is stored, exact to an hour.
    """
    if not _SECRET.fullmatch(secret):
        return None
    row = PublicLink.objects.select_related("project").filter(digest=digest_of(secret), revoked=None).first()
    if row is None or (row.expires and row.expires.timestamp() <= now):
        return None
    if row.last_used is None or now - row.last_used.timestamp() >= LAST_USED_SECONDS:
        _note_use(row.pk, now)
    return Link(row.pk, row.project, tuple(filter(_is_site, row.origins.split())))


def clean_origins(text: str) -> list[str]:
    """Return the sites that the lines of the text name, each once, as a browser writes them. Raises ValidationError."""
    lines = dict.fromkeys(line.lower().removesuffix("/") for line in lines_of(text))
    if len(lines) > MOST_ORIGINS:
        raise ValidationError({"origins": f"A link names at most {MOST_ORIGINS} sites: these are {len(lines)}."})
    for line in lines:
        if not _is_site(line):
            raise ValidationError({"origins": f"“{line}” is not a site as https://wiki.example.com is."})
    return list(lines)


def _is_site(text: str) -> bool:
    found = _ORIGIN.fullmatch(text)
    return found is not None and int(found["port"] or _LAST_PORT) <= _LAST_PORT


def _note_use(link: int, now: int) -> None:
    try:
        with without_waiting():
            PublicLink.objects.filter(pk=link).update(last_used=datetime.fromtimestamp(now, UTC))
    except DatabaseError as error:  # no reason to refuse the request or to let it wait
        log.warning("the last use of public link %d was not noted: %s", link, error)


def _is_over() -> Q:
    """Return the condition of a link that is revoked or has expired."""
    return Q(revoked__isnull=False) | Q(expires__lte=datetime.now(UTC))


def _delete_oldest(over: QuerySet[PublicLink]) -> None:
    """Delete the oldest of the links that are over. The latest are kept, to show what became of them."""
    oldest = over.order_by("-id")[settings.PROJECT_MAX_LINKS :]
    PublicLink.objects.filter(pk__in=list(oldest.values_list("pk", flat=True))).delete()
