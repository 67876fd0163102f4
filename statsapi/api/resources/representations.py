"""How objects look in JSON, as Sentry's clients expect them.

Fields that stand for what this service does not have (teams, features, avatars) have the value that says so.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from projects.dsn import dsn
from projects.models import Organization, Project, ProjectKey


def date(moment: datetime) -> str:
    """`2018-11-06T21:19:55.101Z`."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def organization(row: Organization) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "slug": row.slug,
        "name": row.name,
        "dateCreated": date(row.created),
        "status": {"id": "active", "name": "active"},
        "avatar": {"avatarType": "letter_avatar", "avatarUuid": None},
        "isEarlyAdopter": False,
        "require2FA": False,
        "features": [],
        "links": {"organizationUrl": settings.PUBLIC_URL, "regionUrl": settings.PUBLIC_URL},
    }


def team(row: Organization) -> dict[str, Any]:
    """The one team that every organization is thought to have."""
    return {
        "id": str(row.pk),
        "slug": row.slug,
        "name": row.name,
        "dateCreated": date(row.created),
        "isMember": True,
        "hasAccess": True,
        "isPending": False,
        "memberCount": 1,
        "avatar": {"avatarType": "letter_avatar", "avatarUuid": None},
    }


def project(row: Project, *, nested: bool = False) -> dict[str, Any]:
    """`nested`: with its organization, as lists over organizations and the object itself have it."""
    of_team = {"id": str(row.organization.pk), "slug": row.organization.slug, "name": row.organization.name}
    shown: dict[str, Any] = {
        "id": str(row.pk),
        "slug": row.slug,
        "name": row.name,
        "platform": row.platform or None,
        "dateCreated": date(row.created),
        "isBookmarked": False,
        "isMember": True,
        "hasAccess": True,
        "features": [],
        "firstEvent": None,
        "status": "active",
        "team": of_team,
        "teams": [of_team],
        "platforms": [row.platform] if row.platform else [],
    }
    if nested:
        shown["organization"] = organization(row.organization)
    return shown


def key(row: ProjectKey, *, with_secret: bool) -> dict[str, Any]:
    """Without its secret half, which counts events in the project's name, what would show it is None."""
    limited = row.rate_limit_count is not None and row.rate_limit_window is not None
    url = urlsplit(settings.PUBLIC_URL)
    base = f"{settings.PUBLIC_URL}/api/{row.project_id}"
    return {
        "id": row.public,
        "name": row.label,
        "label": row.label,
        "public": row.public,
        "secret": row.secret if with_secret else None,
        "projectId": row.project_id,
        "isActive": row.active,
        "rateLimit": {"window": row.rate_limit_window, "count": row.rate_limit_count} if limited else None,
        "dsn": {
            "public": dsn(row.public, row.project_id),
            "secret": f"{url.scheme}://{row.public}:{row.secret}@{url.netloc}{url.path}/{row.project_id}"
            if with_secret
            else None,
            "csp": f"{base}/csp-report/?sentry_key={row.public}",
            "security": f"{base}/security/?sentry_key={row.public}",
        },
        "dateCreated": date(row.created),
    }
