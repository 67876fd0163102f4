"""The JSON of objects, without the dates of their creation."""

from __future__ import annotations

import re
from typing import Any

from projects.models import Organization, Project, ProjectKey

DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
HOME = "http://127.0.0.1:8000"


def organization_of(row: Organization) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "slug": row.slug,
        "name": row.name,
        "status": {"id": "active", "name": "active"},
        "avatar": {"avatarType": "letter_avatar", "avatarUuid": None},
        "isEarlyAdopter": False,
        "require2FA": False,
        "requireEmailVerification": False,
        "features": [],
        "links": {"organizationUrl": HOME, "regionUrl": HOME},
    }


def team_of(row: Organization) -> dict[str, Any]:
    return {"id": str(row.pk), "slug": row.slug, "name": row.name}


def project_of(row: Project) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "slug": row.slug,
        "name": row.name,
        "platform": row.platform or None,
        "isBookmarked": False,
        "isMember": True,
        "hasAccess": True,
        "features": [],
        "firstEvent": None,
        "status": "active",
        "team": team_of(row.organization),
        "teams": [team_of(row.organization)],
        "platforms": [row.platform] if row.platform else [],
    }


def key_of(row: ProjectKey) -> dict[str, Any]:
    host, project = HOME.removeprefix("http://"), row.project_id
    return {
        "id": row.public,
        "name": row.label,
        "label": row.label,
        "public": row.public,
        "secret": row.secret,
        "projectId": project,
        "isActive": row.active,
        "rateLimit": None,
        "dsn": {
            "public": f"http://{row.public}@{host}/{project}",
            "secret": f"http://{row.public}:{row.secret}@{host}/{project}",
            "csp": f"{HOME}/api/{project}/csp-report/?sentry_key={row.public}",
            "security": f"{HOME}/api/{project}/security/?sentry_key={row.public}",
        },
    }
