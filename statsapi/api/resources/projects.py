"""Projects: list, retrieve, create, change, delete, merge."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypedDict

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import IntegrityError
from django.utils.text import slugify
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from projects import selectors, services
from projects.models import SLUG_PATTERN, Project
from statsapi.api.base import ApiView
from statsapi.api.errors import BadQuery, Conflict, Missing
from statsapi.api.first_events import first_events
from statsapi.api.json_body import read_object
from statsapi.api.objects import get_organization, get_project, get_team, visible_organizations
from statsapi.api.permissions import ADMIN_ALONE, ORGANIZATION_PROJECTS, PROJECT_SCOPES
from statsapi.api.resources import representations
from statsapi.api.resources.fields import Name, Reference, Text
from statsapi.api.resources.filters import Options, options_of, save_options
from statsapi.api.resources.pagination import PAGES, paginated
from statsapi.api.resources.representations import ProjectDetails, ProjectWithOrganization, project_with_organization
from statsapi.api.resources.without_effect import OF_PROJECT, refuse_wishes
from statsapi.api.schema.operations import describe, refusal
from statsapi.http import clock
from tsdb.states import Unsettled

SLUG_TAKEN = "A project with this slug already exists."


def _slug() -> Text:
    message = "Use 1 to 100 of a-z, 0-9, - and _, and not digits alone."
    return Text(SLUG_PATTERN, message, required=False)


class NewProjectSerializer(serializers.Serializer[Project]):
    """A project to be made. Without a slug it gets one of its name."""

    name = Name(50)
    slug = _slug()
    platform = Name(50, required=False, allow_blank=True, allow_null=True)


class ProjectChangeSerializer(NewProjectSerializer):
    """A change of a project. A field that is left out stays as it is."""

    name = Name(50, required=False)
    options = Options(required=False)


class MergeSerializer(serializers.Serializer[Project]):
    """Where the counts of a project go."""

    into = Reference(
        "This field is required: a slug of the same organization.",
        help_text="Slug or id of a project of the same organization.",
    )


class Merged(TypedDict):
    """The answer to a merge: the destination's slug, and how many series were moved."""

    into: str
    series: int


TAKEN = {409: refusal("The slug is taken.")}


class ProjectsView(ApiView):
    """All projects that the caller may see."""

    scope_map = PROJECT_SCOPES

    @describe("list_projects", "List projects", list[ProjectWithOrganization], parameters=PAGES)
    def get(self, request: Request) -> Response:
        rows = Project.objects.filter(organization__in=visible_organizations(self))
        rows = rows.select_related("organization").order_by("organization__slug", "slug")

        def show(page: Sequence[Project]) -> list[ProjectWithOrganization]:
            firsts = _first_events(request, page)
            return [project_with_organization(row, firsts) for row in page]

        return paginated(request, rows, show)


class OrganizationProjectsView(ApiView):
    scope_map = ORGANIZATION_PROJECTS

    @describe(
        "list_organization_projects", "List an organization's projects", list[representations.Project], parameters=PAGES
    )
    def get(self, request: Request, organization_slug: str) -> Response:
        return _listed(request, get_organization(self, organization_slug))

    @describe(
        "create_project",
        "Create a project with a first key",
        ProjectDetails,
        status=201,
        body=NewProjectSerializer,
        refusals=TAKEN,
    )
    def post(self, request: Request, organization_slug: str) -> Response:
        return _create(request, get_organization(self, organization_slug))


class TeamProjectsView(ApiView):
    """The endpoint at which clients made for Sentry list and create projects.

    The team is the organization's one team.
    """

    scope_map = ORGANIZATION_PROJECTS

    @describe("list_team_projects", "List an organization's projects", list[representations.Project], parameters=PAGES)
    def get(self, request: Request, organization_slug: str, team_slug: str) -> Response:
        return _listed(request, get_team(self, organization_slug, team_slug))

    @describe(
        "create_team_project",
        "Create a project with a first key",
        ProjectDetails,
        status=201,
        body=NewProjectSerializer,
        refusals=TAKEN,
    )
    def post(self, request: Request, organization_slug: str, team_slug: str) -> Response:
        return _create(request, get_team(self, organization_slug, team_slug))


class ProjectView(ApiView):
    scope_map = PROJECT_SCOPES

    @describe("retrieve_project", "Retrieve a project", ProjectDetails)
    def get(self, request: Request, organization_slug: str, project_slug: str) -> Response:
        row = _row(self, organization_slug, project_slug)
        return Response(_details(row, _first_events(request, [row])))

    @describe("change_project", "Change a project", ProjectDetails, body=ProjectChangeSerializer, refusals=TAKEN)
    def put(self, request: Request, organization_slug: str, project_slug: str) -> Response:
        found = get_project(self, organization_slug, project_slug)
        body = read_object(request)
        refuse_wishes(body, OF_PROJECT)
        wanted = ProjectChangeSerializer(data=body)
        wanted.is_valid(raise_exception=True)
        changes = wanted.validated_data
        with _free_slug(found.organization, changes.get("slug")), services.changing_project(found.id) as row:
            row.slug = changes.get("slug", row.slug)
            row.name = changes.get("name", row.name)
            row.platform = changes.get("platform", row.platform) or ""
            services.update_project(project=row)
            if "options" in changes:
                save_options(row, changes["options"])
        try:
            firsts = _first_events(request, [row])
        except Unsettled:  # no reason to say that the change failed
            firsts = {}
        return Response(_details(row, firsts))

    @describe("delete_project", "Delete a project and its counts", status=204, says="Gone.")
    def delete(self, request: Request, organization_slug: str, project_slug: str) -> Response:
        services.delete_project(project=_row(self, organization_slug, project_slug))
        return Response(status=204)


class MergeView(ApiView):
    scope_map = ADMIN_ALONE

    @describe("merge_project", "Move all counts of a project into another", Merged, body=MergeSerializer)
    def post(self, request: Request, organization_slug: str, project_slug: str) -> Response:
        source = get_project(self, organization_slug, project_slug)
        wanted = MergeSerializer(data=read_object(request))
        wanted.is_valid(raise_exception=True)
        destination = selectors.find_project(source.organization, wanted.validated_data["into"])
        if destination is None or destination.moved:
            raise serializers.ValidationError({"into": ["There is no such project in this organization."]})
        if destination.id == source.id:
            raise BadQuery("A project cannot be merged into itself.")
        moved = services.merge_projects(source=source.id, destination=destination.id)
        return Response(Merged(into=destination.slug, series=moved))


def _listed(request: Request, organization: int) -> Response:
    rows = selectors.projects_of(organization)

    def show(page: Sequence[Project]) -> list[representations.Project]:
        firsts = _first_events(request, page)
        return [representations.project(row, firsts) for row in page]

    return paginated(request, rows, show)


def _first_events(request: Request, rows: Sequence[Project]) -> dict[int, int]:
    return first_events([row.pk for row in rows], clock.now(request))


def _create(request: Request, organization: int) -> Response:
    body = read_object(request)
    refuse_wishes(body, OF_PROJECT)
    wanted = NewProjectSerializer(data=body)
    wanted.is_valid(raise_exception=True)
    name = wanted.validated_data["name"]
    slug = wanted.validated_data.get("slug") or slug_of(name)
    row = selectors.get_organization(organization)
    with _free_slug(organization, slug):
        project = services.create_project(
            organization=row, slug=slug, name=name, platform=wanted.validated_data.get("platform") or ""
        )
    return Response(_details(project, {}), status=201)


def _details(row: Project, firsts: Mapping[int, int]) -> ProjectDetails:
    return {**project_with_organization(row, firsts), "options": options_of(row.pk)}


def slug_of(name: str) -> str:
    """Return a slug made of a project's name."""
    slug = slugify(name)
    # A name in other scripts leaves no letters, and digits alone are for ids.
    return slug if slug and not slug.isdigit() else f"project-{slug or secrets.token_hex(4)}"


@contextmanager
def _free_slug(organization: int, slug: str | None) -> Iterator[None]:
    """Raise Conflict if a write inside fails because the slug is another project's.

    It is not asked whose the slug is: before the write two requests could both find it free, and after the write the
    other project may be gone again.
    """
    try:
        yield
    except services.LimitReached:
        raise
    except (IntegrityError, DjangoValidationError):
        selectors.get_organization(organization)
        if slug:
            raise Conflict(SLUG_TAKEN) from None  # everything else was checked before
        raise


def _row(view: ApiView, organization_slug: str, project_slug: str) -> Project:
    found = get_project(view, organization_slug, project_slug)
    row = Project.objects.select_related("organization").filter(pk=found.id).first()
    if row is None:
        raise Missing
    return row
