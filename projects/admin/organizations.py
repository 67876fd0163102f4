"""The pages of organizations and their members."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Count, ForeignKey, IntegerField, Model, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from projects import services
from projects.admin.base import CountedAdmin
from projects.admin.generics import TabularInline
from projects.admin.input_checks import known_choice
from projects.models import ApiToken, Membership, Organization, Project


class MembershipInline(TabularInline[Membership, Organization]):
    """The members of an organization, on the organization's page."""

    model = Membership
    autocomplete_fields = ["user"]
    extra = 0
    classes = ["untitled-rows"]
    verbose_name = "member"
    verbose_name_plural = "members"

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any], request: HttpRequest, **kwargs: Any) -> Any:
        return known_choice(self, db_field, super().formfield_for_foreignkey(db_field, request, **kwargs))


@admin.register(Organization)
class OrganizationAdmin(CountedAdmin[Organization]):
    """The list of organizations, and the page of one organization."""

    list_display = ["slug", "name", "projects", "members", "tokens"]
    search_fields = ["slug", "name", "=id"]
    search_help_text = "Slug, name or id"
    list_filter = ["created"]
    list_per_page = 50
    slug_help = "It stands in the addresses of the API: whoever asks them must learn of a change."

    def get_fields(self, request: HttpRequest, obj: Organization | None = None) -> list[Any]:
        return ["name", "slug"] if obj is None else ["name", "slug", "id", "projects", "tokens", "created"]

    def get_readonly_fields(self, request: HttpRequest, obj: Organization | None = None) -> list[str]:
        return ["id", "projects", "tokens", "created"]

    def get_inlines(self, request: HttpRequest, obj: Organization | None) -> list[type[Any]]:
        return [MembershipInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        return (
            super()
            .get_queryset(request)
            .annotate(
                project_count=_count(Project),
                member_count=_count(Membership),
                token_count=_count(ApiToken, revoked=None),
            )
        )

    @admin.display(ordering="project_count")
    def projects(self, organization: Organization) -> str:
        return _link("project", organization, _annotation(organization, "project_count"))

    @admin.display(ordering="member_count")
    def members(self, organization: Organization) -> int:
        return _annotation(organization, "member_count")

    @admin.display(ordering="token_count", description="tokens not revoked")
    def tokens(self, organization: Organization) -> str:
        return _link("apitoken", organization, _annotation(organization, "token_count"))

    def save_model(self, request: HttpRequest, obj: Organization, form: Any, change: Any) -> None:
        if change:
            services.update_organization(organization=obj)
        else:
            obj.pk = services.create_organization(slug=obj.slug, name=obj.name).pk

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: Any) -> None:
        changed = formset.save(commit=False)
        services.save_members(form.instance, *changed, removed=formset.deleted_objects)

    def condemn(self, rows: Iterable[Organization]) -> list[int]:
        return services.condemn_organizations(rows)

    def finish(self, numbers: list[int]) -> int:
        return services.finish_organizations(numbers)


def _count(model: type[Model], **filters: Any) -> Coalesce:
    """Return a subquery that counts the rows of `model` for each organization."""
    rows = model._default_manager.filter(organization=OuterRef("pk"), **filters).order_by()
    counted = rows.values("organization").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def _annotation(organization: Organization, name: str) -> int:
    number: int = getattr(organization, name)
    return number


def _link(model: str, organization: Organization, number: int) -> str:
    url = reverse(f"admin:projects_{model}_changelist")
    return format_html('<a href="{}?organization__id__exact={}">{}</a>', url, organization.pk, number)
