"""POST /api/0/projects/{organization_slug}/{project_slug}/outcomes/: counts from who counted by itself."""

from __future__ import annotations

from hashlib import sha256

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from projects import services
from projects.connections import get_store
from projects.models import Project
from projects.selectors import find_key_id
from statsapi import clock
from statsapi.api import schema
from statsapi.api.base import ApiView
from statsapi.api.errors import Conflict, Missing, TooLarge
from statsapi.api.objects import get_project
from statsapi.api.outcome_rows import Row, parse_rows, unknown_key
from statsapi.api.permissions import PROJECT_SCOPES
from tsdb import series
from tsdb.outcomes import Category, Outcome
from tsdb.store import Claim, ClaimConflict, Increment

MAX_BODY_BYTES = 1024 * 1024
"""A thousand full rows take some 300 KB."""

IDEMPOTENCY_SECONDS = 86400
MAX_IDEMPOTENCY_KEY = 255


class OutcomesView(ApiView):
    scope_map = PROJECT_SCOPES

    @extend_schema(**schema.OUTCOMES)
    def post(self, request: Request, organization_slug: str, project_slug: str) -> Response:
        now = clock.now(request)
        project = get_project(self, request, organization_slug, project_slug)
        body = _read(request)
        claim = _claim(request, body)
        rows = parse_rows(body, now=now, retention=get_store().rollups[-1].span)
        try:
            services.count(project.id, _increments(project.id, rows), now=now, claim=claim)
        except Project.DoesNotExist:
            raise Missing from None
        except ClaimConflict:
            raise Conflict("This Idempotency-Key was used with another body.") from None
        return Response({"accepted": sum(row.quantity for row in rows)}, status=201)


def _read(request: Request) -> bytes:
    body: bytes = request._request.read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge(f"The body is larger than {MAX_BODY_BYTES} bytes. Send fewer outcomes at a time.")
    return body


def _claim(request: Request, body: bytes) -> Claim | None:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 1 <= len(key) <= MAX_IDEMPOTENCY_KEY:
        raise ValidationError({"Idempotency-Key": [f"Use 1 to {MAX_IDEMPOTENCY_KEY} characters."]})
    digest = sha256(key.encode()).hexdigest()
    return Claim(f"outcomes:{digest}", sha256(body).hexdigest(), IDEMPOTENCY_SECONDS)


def _increments(project: int, rows: list[Row]) -> list[Increment]:
    """Each row's increments. Raises ValidationError for a key that is not the project's."""
    publics = {row.key for row in rows if row.key is not None}
    keys: dict[str | None, int | None] = {
        None: 0,
        **{public: find_key_id(project, public) for public in publics},
    }
    unknown = [place for place, row in enumerate(rows) if keys[row.key] is None]
    if unknown:
        raise unknown_key(unknown)
    increments = []
    for row in rows:
        environment_id = None
        if row.environment and row.outcome is Outcome.ACCEPTED and row.category is Category.ERROR:
            environment_id = services.environment_id(project, row.environment)
        counted = series.of_event(
            project,
            keys[row.key] or 0,
            row.category,
            row.outcome,
            reason=row.reason,
            environment_id=environment_id,
        )
        increments += [Increment(one, row.timestamp, row.quantity) for one in counted]
    return increments
