"""The pages of projects, with their counts of the last 24 hours."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from redis.exceptions import RedisError

from projects import services
from projects.admin.base import DASH, CountedAdmin, safe
from projects.admin.budgets import BudgetInline, save_budgets
from projects.admin.generics import StackedInline
from projects.admin.input_checks import NamedFilters
from projects.admin.keys import KeyInline, dsn_of
from projects.admin.last_day import LastDay, last_day
from projects.connections import get_store
from projects.models import Budget, Project, ProjectFilters
from projects.sparkline import sparkline
from tsdb.outcomes import Outcome

_FIXED = ["organization", "environments", "earlier_slugs", "id", "created"]


class FiltersInline(StackedInline[ProjectFilters, Project]):
    """The inbound filters of a project, on the project's page."""

    model = ProjectFilters
    verbose_name = "inbound filters"
    can_delete = False
    classes = ["collapse"]


class CountedList(NamedFilters):
    """The list of projects with their counts. All rows of a page need one read of the store."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        # A POST runs an action, which shows no rows and needs no counts.
        if request.method != "POST" and not _attach_last_day(self.result_list):
            messages.warning(request, "The counts cannot be read right now: Redis does not answer.")


@admin.register(Project)
class ProjectAdmin(CountedAdmin[Project]):
    """The list of projects, and the page of one project with its keys, filters and budgets."""

    list_display = ["slug_and_name", "hours", "received", "accepted", "organization"]
    list_select_related = ["organization"]
    list_filter = ["organization", "platform", "created"]
    search_fields = ["slug", "name", "organization__slug", "=keys__public", "=id"]
    search_help_text = "Slug, name, id, slug of the organization, or the public half of a key"
    list_per_page = 50
    autocomplete_fields = ["organization"]
    slug_help = "When it changes, the earlier one leads here until another project takes it."

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return CountedList

    def get_fields(self, request: HttpRequest, obj: Project | None = None) -> list[Any]:
        editable = ["name", "slug", "platform"]
        return ["organization", *editable] if obj is None else ["last_24_hours", *editable, *_FIXED]

    def get_readonly_fields(self, request: HttpRequest, obj: Project | None = None) -> list[str]:
        # The organization cannot be changed: a project's redirects and its entries in the cache belong to one.
        return [] if obj is None else ["last_24_hours", *_FIXED]

    def get_inlines(self, request: HttpRequest, obj: Project | None) -> list[type[Any]]:
        return [] if obj is None else [KeyInline, FiltersInline, BudgetInline]

    # --- columns and fields ----------------------------------------------------------------------------------

    @admin.display(description="project", ordering="slug")
    def slug_and_name(self, project: Project) -> str:
        return format_html('{}<br><span class="name">{}</span>', project.slug, project.name)

    @admin.display(description="received")
    def received(self, project: Project) -> str:
        day = _day(project)
        return f"{day.received:,}" if day else DASH

    @admin.display(description="accepted")
    def accepted(self, project: Project) -> str:
        day = _day(project)
        return f"{day.of(Outcome.ACCEPTED):,}" if day else DASH

    @admin.display(description="last 24 hours")
    def hours(self, project: Project) -> str:
        day = _day(project)
        return _chart(day) if day else DASH

    @admin.display(description="last 24 hours")
    def last_24_hours(self, project: Project) -> str:
        _attach_last_day([project])
        day = _day(project)
        if day is None:
            return DASH
        return format_html(
            "{} received: {} accepted, {} filtered, {} rate limited<br>{}",
            *(f"{number:,}" for number in (day.received, *(day.of(outcome) for outcome in day.hours))),
            _chart(day, width=480, height=60),
        )

    @admin.display
    def environments(self, project: Project) -> str:
        # Read-only, because events create environments, and their ids are part of the keys of counts.
        return ", ".join(project.environments.values_list("name", flat=True)) or DASH

    @admin.display
    def earlier_slugs(self, project: Project) -> str:
        return ", ".join(project.redirects.values_list("slug", flat=True)) or DASH

    # --- writes ----------------------------------------------------------------------------------------------

    def save_model(self, request: HttpRequest, obj: Project, form: Any, change: Any) -> None:
        if change:
            services.update_project(project=obj)
            return
        made = services.create_project(
            organization=obj.organization, slug=obj.slug, name=obj.name, platform=obj.platform
        )
        obj.pk = made.pk

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: Any) -> None:
        if formset.model is Budget:
            save_budgets(form.instance, formset)
            return
        changed = formset.save(commit=False)
        services.delete_keys(formset.deleted_objects)  # first, to make room for new keys
        if changed:
            services.save_intake(form.instance, *changed)

    def response_add(self, request: HttpRequest, obj: Project, post_url_continue: str | None = None) -> HttpResponse:
        if not {"_addanother", IS_POPUP_VAR} & request.POST.keys():
            # Whoever adds a project needs its DSN next, so its page follows, as after "Save and continue editing".
            posted = request.POST.copy()
            posted["_continue"] = "1"
            request.POST = posted  # type: ignore[assignment]
        response = super().response_add(request, obj, post_url_continue)
        key = obj.keys.first()
        if key:
            self.message_user(request, format_html("Its DSN: {}", dsn_of(key)), messages.INFO)
        return response

    def condemn(self, rows: Iterable[Project]) -> list[int]:
        return services.condemn_projects(rows)

    def finish(self, numbers: list[int]) -> int:
        return services.finish_projects(numbers)


def _attach_last_day(projects: Sequence[Project]) -> bool:
    """Attach the counts of the last 24 hours to each project. Return False if they cannot be read."""
    try:
        days = last_day(get_store(), [project.pk for project in projects], now=time.time_ns())
    except RedisError:
        return False
    for project in projects:
        project._last_day = days[project.pk]  # type: ignore[attr-defined]
    return True


def _day(project: Project) -> LastDay | None:
    """Return the counts that _attach_last_day attached, or None if they could not be read."""
    return getattr(project, "_last_day", None)


def _chart(day: LastDay, **size: int) -> str:
    most = max(day.received_hours)
    return safe(sparkline(day.received_hours, title=f"Errors received an hour; the most: {most:,}", **size))
