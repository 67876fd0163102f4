"""Environments: the names that a project's events brought. None can be hidden."""

from __future__ import annotations

from django.db.models import Min, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from projects.models import Environment
from statsapi.api.base import ApiView
from statsapi.api.objects import get_organization, get_project
from statsapi.api.parameters import Choice
from statsapi.api.permissions import ORGANIZATION_SCOPES, PROJECT_SCOPES
from statsapi.api.resources import representations
from statsapi.api.resources.pagination import PAGES, paginated
from statsapi.api.schema.operations import describe

VISIBILITY = Choice(
    "visibility", "No environment is hidden: `hidden` lists none.", ("visible", "all", "hidden"), default="visible"
)


class ProjectEnvironmentsView(ApiView):
    scope_map = PROJECT_SCOPES

    @describe(
        "list_project_environments",
        "List a project's environments",
        list[representations.Environment],
        parameters=[VISIBILITY, *PAGES],
    )
    def get(self, request: Request, organization_slug: str, project_slug: str) -> Response:
        project = get_project(self, organization_slug, project_slug)
        rows = _visible(request, Environment.objects.filter(project_id=project.id))
        return paginated(request, rows, lambda page: [representations.environment(row) for row in page])


class OrganizationEnvironmentsView(ApiView):
    scope_map = ORGANIZATION_SCOPES

    @describe(
        "list_organization_environments",
        "List the environments of all projects, each name once",
        list[representations.NamedEnvironment],
        parameters=[VISIBILITY, *PAGES],
    )
    def get(self, request: Request, organization_slug: str) -> Response:
        of_all = Environment.objects.filter(project__organization_id=get_organization(self, organization_slug))
        firsts = of_all.order_by().values("name").annotate(first=Min("id")).values("first")
        rows = _visible(request, Environment.objects.filter(pk__in=firsts))
        return paginated(request, rows, lambda page: [representations.named_environment(row) for row in page])


def _visible(request: Request, rows: QuerySet[Environment]) -> QuerySet[Environment]:
    hidden = VISIBILITY.read(request.query_params) == "hidden"
    return rows.none() if hidden else rows.order_by("name")
