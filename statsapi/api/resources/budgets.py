"""The budgets of a project: how many of a category it accepts in a window, and what is used of that now."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypedDict

from django.core.exceptions import NON_FIELD_ERRORS
from django.core.exceptions import ValidationError as DjangoValidationError
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from projects import models, services
from projects.connections import get_store
from projects.selectors import FoundProject
from statsapi.api.base import ApiView
from statsapi.api.errors import Conflict, Missing
from statsapi.api.json_body import read_object
from statsapi.api.objects import get_project
from statsapi.api.parameters import ID
from statsapi.api.permissions import PROJECT_SCOPES
from statsapi.api.resources.fields import PRINTABLE, Text, Whole, Window
from statsapi.api.resources.pagination import PAGES, paginated
from statsapi.api.resources.representations import date
from statsapi.api.schema.operations import describe, refusal
from statsapi.api.shapes import Count, Date, More
from statsapi.http import clock
from tsdb.budgets import LARGEST_LIMIT, MONTH, BudgetUse, read_uses
from tsdb.outcomes import CATEGORY_NAMES, LONGEST_CATEGORY, Category

TAKEN = refusal("The project has a budget of this category and window already.")


class ShownBudget(TypedDict):
    """A budget, and what is used of it in the window that is open now.

    The last five are None for a budget that is not enforced, because no resolution that is kept makes up its window.
    """

    id: str
    category: str
    limit: Count
    window: int | Literal["month"]
    dateCreated: Date
    used: Count | None
    ratio: Annotated[float, More(minimum=0)] | None
    start: Date | None
    until: Date | None
    forecast: Count | None


@extend_schema_field({"type": "string", "enum": sorted(CATEGORY_NAMES)})
class CategoryName(Text):
    """A name of a category. The service refuses one that is not known."""

    def __init__(self, **options: Any) -> None:
        super().__init__(PRINTABLE, "Use the name of a category.", max_length=LONGEST_CATEGORY, **options)


class BudgetChangeSerializer(serializers.Serializer[models.Budget]):
    """A change of a budget. A field that is left out stays as it is."""

    category = CategoryName(required=False)
    limit = Whole(min_value=0, max_value=LARGEST_LIMIT, required=False)
    window = Window(required=False)


class NewBudgetSerializer(BudgetChangeSerializer):
    """A budget to be made: at most `limit` accepted in each window."""

    limit = Whole(min_value=0, max_value=LARGEST_LIMIT)
    window = Window()


class BudgetsView(ApiView):
    scope_map = PROJECT_SCOPES

    @describe("list_budgets", "List a project's budgets with their use", list[ShownBudget], parameters=PAGES)
    def get(self, request: Request, organization_slug: str, project_slug: str) -> Response:
        project = get_project(self, organization_slug, project_slug)
        rows = models.Budget.objects.filter(project_id=project.id).order_by("id")
        return paginated(request, rows, lambda page: _shown(request, project.id, page))

    @describe(
        "create_budget",
        "Create a budget",
        ShownBudget,
        status=201,
        body=NewBudgetSerializer,
        refusals={409: TAKEN},
    )
    def post(self, request: Request, organization_slug: str, project_slug: str) -> Response:
        project = get_project(self, organization_slug, project_slug)
        wanted = {"category": Category.ERROR.value, **_read(NewBudgetSerializer, request)}
        with _refusals():
            row = services.create_budget(models.Project.objects.get(pk=project.id), **wanted)
        return Response(_shown_alone(request, row), status=201)


class BudgetView(ApiView):
    scope_map = PROJECT_SCOPES

    @describe("retrieve_budget", "Retrieve a budget with its use", ShownBudget)
    def get(self, request: Request, organization_slug: str, project_slug: str, budget_id: str) -> Response:
        project = get_project(self, organization_slug, project_slug)
        [shown] = _shown(request, project.id, [_find(project, budget_id)])
        return Response(shown)

    @describe(
        "change_budget",
        "Change a budget; its use so far stays",
        ShownBudget,
        body=BudgetChangeSerializer,
        refusals={409: TAKEN},
    )
    def put(self, request: Request, organization_slug: str, project_slug: str, budget_id: str) -> Response:
        project = get_project(self, organization_slug, project_slug)
        row = _find(project, budget_id)
        with _refusals():
            services.change_budget(row, **_read(BudgetChangeSerializer, request))
        return Response(_shown_alone(request, row))

    @describe("delete_budget", "Delete a budget", status=204, says="Gone.")
    def delete(self, request: Request, organization_slug: str, project_slug: str, budget_id: str) -> Response:
        project = get_project(self, organization_slug, project_slug)
        services.delete_budget(_find(project, budget_id))
        return Response(status=204)


def _find(project: FoundProject, budget_id: str) -> models.Budget:
    """Return the project's budget with that id. Raises Missing, also for a budget of another project."""
    if not re.fullmatch(ID, budget_id):
        raise Missing
    row = models.Budget.objects.filter(project_id=project.id, pk=int(budget_id)).first()
    if row is None:
        raise Missing
    return row


def _read(serializer: type[BudgetChangeSerializer], request: Request) -> dict[str, Any]:
    wanted = serializer(data=read_object(request))
    wanted.is_valid(raise_exception=True)
    return dict(wanted.validated_data)


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn what a service refuses into an answer: messages by the field, or Conflict for what is there already."""
    try:
        yield
    except services.LimitReached:
        raise
    except DjangoValidationError as error:
        found = error.message_dict
        if NON_FIELD_ERRORS in found:
            raise Conflict(" ".join(found[NON_FIELD_ERRORS])) from None
        raise serializers.ValidationError(found) from None


def _shown_alone(request: Request, row: models.Budget) -> ShownBudget:
    """Return a budget after a write. What somebody else began with the project is finished first."""
    [shown] = services.settled(lambda: _shown(request, row.project_id, [row]))
    return shown


def _shown(request: Request, project: int, rows: Sequence[models.Budget]) -> list[ShownBudget]:
    """Return budgets with their use now. One read of the store. Raises RedisError, Unsettled."""
    now = clock.now(request)
    uses = read_uses(get_store(), {project: [row.plain() for row in rows]}, now=now)
    return [_show(row, uses.get(row.pk), now) for row in rows]


def _show(row: models.Budget, use: BudgetUse | None, now: int) -> ShownBudget:
    return {
        "id": str(row.pk),
        "category": row.category,
        "limit": row.limit,
        "window": "month" if row.window == MONTH else row.window,
        "dateCreated": date(row.created),
        "used": use and use.used,
        "ratio": use and use.ratio,
        "start": use and _date(use.start),
        "until": use and _date(use.until),
        "forecast": use and use.forecast(now),
    }


def _date(instant: int) -> str:
    return date(datetime.fromtimestamp(instant, UTC))
