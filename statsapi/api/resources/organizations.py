"""Organizations, and the one team that each has for Sentry's clients."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from projects import selectors
from projects.models import Organization
from statsapi.api.base import ApiView
from statsapi.api.first_events import first_events
from statsapi.api.objects import get_organization, get_team, visible_organizations
from statsapi.api.permissions import ANY_READ, ORGANIZATION_SCOPES
from statsapi.api.resources import representations
from statsapi.api.resources.pagination import PAGES, paginated
from statsapi.api.schema.operations import describe
from statsapi.http import clock


class OrganizationsView(ApiView):
    scope_map = ORGANIZATION_SCOPES

    @describe("list_organizations", "List organizations", list[representations.Organization], parameters=PAGES)
    def get(self, request: Request) -> Response:
        rows = Organization.objects.filter(pk__in=visible_organizations(self)).order_by("slug")
        return paginated(request, rows, lambda page: [representations.organization(row) for row in page])


class OrganizationView(ApiView):
    scope_map = ORGANIZATION_SCOPES

    @describe("retrieve_organization", "Retrieve an organization", representations.OrganizationDetails)
    def get(self, request: Request, organization_slug: str) -> Response:
        found = get_organization(self, organization_slug)
        row = selectors.get_organization(found)
        projects = list(selectors.projects_of(found))
        firsts = first_events([one.pk for one in projects], clock.now(request))
        return Response(representations.organization_details(row, projects, firsts))


class TeamsView(ApiView):
    scope_map = ANY_READ

    @describe("list_teams", "List the organization's one team", list[representations.Team], parameters=PAGES)
    def get(self, request: Request, organization_slug: str) -> Response:
        found = get_organization(self, organization_slug)
        return paginated(
            request,
            Organization.objects.filter(pk=found).order_by("slug"),
            lambda page: [representations.team(row) for row in page],
        )


class TeamView(ApiView):
    scope_map = ANY_READ

    @describe("retrieve_team", "Retrieve the organization's one team", representations.TeamWithOrganization)
    def get(self, request: Request, organization_slug: str, team_slug: str) -> Response:
        row = selectors.get_organization(get_team(self, organization_slug, team_slug))
        return Response(representations.team_with_organization(row))
