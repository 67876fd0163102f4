"""POST /api/0/projects/{organization_slug}/{project_slug}/outcomes/: counts that were counted elsewhere."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TypedDict

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from projects import services
from projects.connections import get_store
from projects.known import Known
from projects.models import Project
from projects.selectors import find_claim, find_key_ids
from statsapi.api.base import ApiView
from statsapi.api.errors import Conflict, Missing
from statsapi.api.json_body import read_body
from statsapi.api.objects import get_project
from statsapi.api.permissions import PROJECT_SCOPES
from statsapi.api.resources.outcome_rows import BODY, Row, parse_rows, unknown_key
from statsapi.api.schema.operations import describe, refusal
from statsapi.http import clock
from tsdb import series
from tsdb.store import Claim, ClaimConflict, Increment

IDEMPOTENCY_SECONDS = 86400
_CLAIM = re.compile(rb"[0-9a-f]{64}:([0-9]{1,30})")
"""The values that _claim_value makes."""

MAX_IDEMPOTENCY_KEY = 255

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY},
    OpenApiParameter.HEADER,
    description="A repeat with the same body within 24 hours counts nothing and answers the same.",
)


class Counted(TypedDict):
    """The answer: how many events were counted, of any outcome."""

    accepted: int


class OutcomesView(ApiView):
    scope_map = PROJECT_SCOPES

    @describe(
        "count_outcomes",
        "Count outcomes that were determined elsewhere",
        Counted,
        status=201,
        says="The sum of the quantities.",
        parameters=[IDEMPOTENCY_KEY],
        body=BODY,
        refusals={409: refusal("The Idempotency-Key was used with another body.")},
        description="All of them are counted, or none.",
    )
    def post(self, request: Request, organization_slug: str, project_slug: str) -> Response:
        now = clock.now(request)
        project = get_project(self, organization_slug, project_slug)
        body = read_body(request)
        claim_id = _claim_id(request)
        accepted = _accepted_before(project.id, claim_id, body) if claim_id else None
        if accepted is None:
            rows = parse_rows(body, now=clock.now_ns(request) / 1e9, retention=get_store().rollups[-1].span)
            accepted = sum(row.quantity for row in rows)
            claim = Claim(claim_id, _claim_value(body, accepted), IDEMPOTENCY_SECONDS) if claim_id else None
            try:
                services.count(project.id, _increments(project.id, rows, self.caller.known), now=now, claim=claim)
            except Project.DoesNotExist:
                raise Missing from None
            except ClaimConflict:
                raise _conflict() from None
        return Response(Counted(accepted=accepted), status=201)


def _claim_id(request: Request) -> str | None:
    key = request.headers.get(IDEMPOTENCY_KEY.name)
    if key is None:
        return None
    if not 1 <= len(key) <= MAX_IDEMPOTENCY_KEY:
        raise ValidationError({IDEMPOTENCY_KEY.name: [f"Use 1 to {MAX_IDEMPOTENCY_KEY} characters."]})
    return f"outcomes:{sha256(key.encode()).hexdigest()}"


def _claim_value(body: bytes, accepted: int) -> str:
    """Return what is stored under an Idempotency-Key: the body's hash, and what was answered."""
    return f"{sha256(body).hexdigest()}:{accepted}"


def _accepted_before(project: int, claim_id: str, body: bytes) -> int | None:
    """Return what was answered to the same body before; None if it is new. Raises Conflict if there was another body.

    The body is not checked again, because by now its rows may be too old, or its key deleted.
    """
    claim = find_claim(project, claim_id, _CLAIM.fullmatch)
    if claim is None:
        return None
    accepted = int(claim[1])
    if claim[0] != _claim_value(body, accepted).encode():
        raise _conflict()
    return accepted


def _conflict() -> Conflict:
    return Conflict("This Idempotency-Key was used with another body.")


def _increments(project: int, rows: list[Row], known: Known | None) -> list[Increment]:
    """Return the increments of all rows. Raises ValidationError for a key that is not the project's."""
    keys = find_key_ids(project, {row.key for row in rows if row.key})
    unknown = [place for place, row in enumerate(rows) if row.key and row.key not in keys]
    if unknown:
        raise unknown_key(unknown)
    there = known.environments(project) if known and any(row.environment for row in rows) else None
    environments: dict[str, int] = {}
    increments = []
    for row in rows:
        name, environment_id = row.environment, None
        if name and series.is_of_environment(row.category, row.outcome):
            if name not in environments:
                environments[name] = services.environment_id(project, name, known=there)
            environment_id = environments[name]
        counted = series.of_event(
            project,
            keys[row.key] if row.key else 0,
            row.category,
            row.outcome,
            reason=row.reason,
            environment_id=environment_id,
        )
        increments += [Increment(one, row.timestamp, row.quantity) for one in counted]
    if known and there is not None and not set(environments.values()) <= set(there.values()):
        known.environments(project, anew=True)
    return increments
