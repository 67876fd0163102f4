"""The request to the API that answers the numbers of a page, as a command to copy."""

from __future__ import annotations

import shlex
from urllib.parse import urlencode

from django.conf import settings

from projects.durations import length_text
from statsapi.pages.access import ProjectPlace
from statsapi.pages.project.numbers import Numbers
from tsdb.units import DAY

HEADER = "Authorization: Bearer $TOKEN"


def curl(place: ProjectPlace, numbers: Numbers) -> str:
    """Return the command. The shell puts the value of TOKEN in its place."""
    return f'curl -H "{HEADER}" \\\n  {shlex.quote(settings.PUBLIC_URL + api_path(place, numbers))}'


def api_path(place: ProjectPlace, numbers: Numbers) -> str:
    """Return the path and query of the request.

    For an environment, whose outcomes the API answers one at a time, it is the one for what was received.
    """
    organization, project = place.organization.slug, place.project.slug
    query, shown = numbers.query, numbers.shown
    zone = {"timezone": shown.days.zone.key} if shown.days else {}
    if query.environment:
        asked = {
            "stat": "received",
            "environment": query.environment,
            "since": str(shown.starts[0]),
            "until": str(shown.starts[-1]),
            "resolution": length_text(shown.interval),
            **zone,
        }
        return f"/api/0/projects/{organization}/{project}/stats/?{urlencode(asked)}"
    asked = {
        "field": "sum(quantity)",
        "groupBy": "outcome",
        "category": query.category,
        "project": project,
        "start": str(shown.start if shown.days else query.start),
        "end": str(query.end),
        "interval": length_text(shown.interval) if shown.interval <= DAY else "auto",
        **zone,
    }
    return f"/api/0/organizations/{organization}/stats_v2/?{urlencode(asked, safe='()')}"
