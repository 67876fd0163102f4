"""The members of an organization, to read. They are invited, changed and removed on pages."""

from __future__ import annotations

import re

from rest_framework.request import Request
from rest_framework.response import Response

from projects.models import Membership
from statsapi.api.base import ApiView
from statsapi.api.errors import Missing
from statsapi.api.objects import get_organization
from statsapi.api.parameters import ID
from statsapi.api.permissions import ORGANIZATION_SCOPES
from statsapi.api.resources import people
from statsapi.api.resources.pagination import PAGES, paginated
from statsapi.api.schema.operations import describe


class MembersView(ApiView):
    scope_map = ORGANIZATION_SCOPES

    @describe("list_members", "List an organization's members", list[people.Member], parameters=PAGES)
    def get(self, request: Request, organization_slug: str) -> Response:
        organization = get_organization(self, organization_slug)
        rows = Membership.objects.filter(organization_id=organization).select_related("user").order_by("id")
        return paginated(request, rows, lambda page: [people.member(row) for row in page])


class MemberView(ApiView):
    scope_map = ORGANIZATION_SCOPES

    @describe("retrieve_member", "Retrieve a member", people.Member)
    def get(self, request: Request, organization_slug: str, member_id: str) -> Response:
        organization = get_organization(self, organization_slug)
        if not re.fullmatch(ID, member_id):
            raise Missing
        rows = Membership.objects.filter(organization_id=organization).select_related("user")
        return Response(people.member(rows.get(pk=int(member_id))))
