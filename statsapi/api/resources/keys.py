"""The keys of a project, which its DSNs contain."""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import IntegrityError
from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from projects import services
from projects.models import HEX_PATTERN, LONGEST_QUOTA_WINDOW, ProjectKey
from projects.selectors import FoundProject
from statsapi.api.base import ApiView
from statsapi.api.errors import Conflict, Missing
from statsapi.api.json_body import read_object
from statsapi.api.objects import get_organization, get_project, may_see_secrets
from statsapi.api.parameters import Choice
from statsapi.api.permissions import ORGANIZATION_SCOPES, PROJECT_SCOPES
from statsapi.api.resources import representations
from statsapi.api.resources.fields import Flag, Name, Text, WholeOrNone
from statsapi.api.resources.pagination import PAGES, paginated
from statsapi.api.resources.without_effect import OF_KEY, refuse_wishes
from statsapi.api.schema.operations import describe, refusal

STATUS = Choice("status", "Which keys: those in use, or the disabled ones.", ("all", "active", "inactive"), "all")
IN_USE = "This public key is in use."
CANNOT_CHANGE = "A key keeps its halves, which DSNs contain. Make another key instead."


class QuotaSerializer(serializers.Serializer[ProjectKey]):
    """At most `count` errors in `window` seconds. An empty count, an empty window or one of 0 means no limit."""

    count = WholeOrNone(min_value=0, max_value=2**31 - 1)
    window = WholeOrNone(min_value=0, max_value=LONGEST_QUOTA_WINDOW)


class KeyChangeSerializer(serializers.Serializer[ProjectKey]):
    """A change of a key. A field that is left out stays as it is."""

    name = Name(64, required=False)
    rateLimit = QuotaSerializer(required=False, allow_null=True)
    isActive = Flag(required=False)


class NewKeySerializer(KeyChangeSerializer):
    """A key to be made. Halves that are left out are made at random."""

    public = Text(HEX_PATTERN, "Use 32 hexadecimal digits in lower case.", required=False)
    secret = Text(HEX_PATTERN, "Use 32 hexadecimal digits in lower case.", required=False)


class KeysView(ApiView):
    scope_map = PROJECT_SCOPES

    @describe("list_keys", "List a project's keys", list[representations.Key], parameters=[STATUS, *PAGES])
    def get(self, request: Request, organization_slug: str, project_slug: str) -> Response:
        project = get_project(self, organization_slug, project_slug)
        return _listed(self, request, project.organization, ProjectKey.objects.filter(project_id=project.id))

    @describe(
        "create_key",
        "Create a key",
        representations.Key,
        status=201,
        body=NewKeySerializer,
        refusals={409: refusal("The public key is in use.")},
    )
    def post(self, request: Request, organization_slug: str, project_slug: str) -> Response:
        project = get_project(self, organization_slug, project_slug)
        changes = _read(NewKeySerializer, request)
        key = ProjectKey(project_id=project.id)
        key.public = changes.get("public", key.public)
        key.secret = changes.get("secret", key.secret)
        try:
            _change(key, changes)
        except services.LimitReached:
            raise
        except (IntegrityError, DjangoValidationError):
            # Everything else was checked before. It is not asked whose the key is, since it may be free again by now.
            raise Conflict(IN_USE) from None
        return Response(representations.key(key, with_secret=True), status=201)


class OrganizationKeysView(ApiView):
    scope_map = ORGANIZATION_SCOPES

    @describe(
        "list_organization_keys",
        "List the keys of all projects",
        list[representations.Key],
        parameters=[STATUS, *PAGES],
    )
    def get(self, request: Request, organization_slug: str) -> Response:
        organization = get_organization(self, organization_slug)
        rows = ProjectKey.objects.filter(project__organization_id=organization)
        return _listed(self, request, organization, rows)


class KeyView(ApiView):
    scope_map = PROJECT_SCOPES

    @describe("retrieve_key", "Retrieve a key", representations.Key)
    def get(self, request: Request, organization_slug: str, project_slug: str, public_key: str) -> Response:
        project = get_project(self, organization_slug, project_slug)
        key, with_secret = find_key(project, public_key), may_see_secrets(self, project.organization)
        return Response(representations.key(key, with_secret=with_secret))

    @describe("change_key", "Change a key", representations.Key, body=KeyChangeSerializer)
    def put(self, request: Request, organization_slug: str, project_slug: str, public_key: str) -> Response:
        project = get_project(self, organization_slug, project_slug)
        key = find_key(project, public_key)
        changes = _read(KeyChangeSerializer, request, key)
        with services.changing_project(project.id):
            key = find_key(project, public_key)  # again, because it may have been changed or deleted meanwhile
            _change(key, changes)
        return Response(representations.key(key, with_secret=True))

    @describe("delete_key", "Delete a key", status=204, says="Gone.")
    def delete(self, request: Request, organization_slug: str, project_slug: str, public_key: str) -> Response:
        project = get_project(self, organization_slug, project_slug)
        services.delete_keys([find_key(project, public_key)])
        return Response(status=204)


def _listed(view: ApiView, request: Request, organization: int, rows: QuerySet[ProjectKey]) -> Response:
    status = STATUS.read(request.query_params)
    if status != "all":
        rows = rows.filter(active=status == "active")
    with_secret = may_see_secrets(view, organization)
    return paginated(
        request,
        rows.order_by("id"),
        lambda page: [representations.key(row, with_secret=with_secret) for row in page],
    )


def find_key(project: FoundProject, public_key: str) -> ProjectKey:
    """Return the project's key with that public half. Raises Missing, also for a key of another project."""
    if not re.match(HEX_PATTERN, public_key):
        raise Missing
    key = ProjectKey.objects.filter(project_id=project.id, public=public_key).first()
    if key is None:
        raise Missing
    return key


def _read(serializer: type[KeyChangeSerializer], request: Request, of_key: ProjectKey | None = None) -> dict[str, Any]:
    body = read_object(request)
    refuse_wishes(body, OF_KEY)
    if of_key:
        halves = {"public": of_key.public, "secret": of_key.secret}
        if changed := [name for name, half in halves.items() if body.get(name, half) not in (half, None)]:
            raise serializers.ValidationError({name: [CANNOT_CHANGE] for name in changed})
    wanted = serializer(data=body)
    wanted.is_valid(raise_exception=True)
    return dict(wanted.validated_data)


def _change(key: ProjectKey, changes: dict[str, Any]) -> None:
    key.label = changes.get("name", key.label)
    key.active = changes.get("isActive", key.active)
    if "rateLimit" in changes:
        limit = changes["rateLimit"]
        limited = limit is not None and limit["count"] is not None and bool(limit["window"])
        key.rate_limit_count = limit["count"] if limited else None
        key.rate_limit_window = limit["window"] if limited else None
    services.save_intake(key.project, key)
