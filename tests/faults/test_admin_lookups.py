"""Queries that no page of the admin sends: the answer is 400 or a page, and never shows a secret.

The tests ask every registered model, so a new model is tested as soon as it is registered.
See docs/reliability.md#admin-lookups.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import models
from django.test import Client
from django.urls import reverse
from django.utils.http import urlencode

from projects import services
from projects.models import Project

BEYOND = "99999999999999999999"
ODD = (BEYOND, "1\x00", "0001-01-01 00:00:00+23:59")
LONG = ("9" * 5000, "a " * 3000)
ODD_IDS = ("x", BEYOND, "9" * 5000, "_00", "_ED_A0_80", "1%00")
FILTERED = ("__exact", "__isnull", "__gte", "__lt", "__id__exact")
LOOKUPS = ("", "__gte", "__regex")


class Pages(NamedTuple):
    model: type[models.Model]

    def url(self, page: str, *args: Any) -> str:
        return reverse(f"admin:{self.model._meta.app_label}_{self.model._meta.model_name}_{page}", args=args)

    @property
    def list(self) -> str:
        return self.url("changelist")


REGISTERED = [pytest.param(Pages(model), id=model.__name__) for model in admin.site._registry]


def named_by_filters(model: type[models.Model]) -> set[str]:
    """Return the parameters that the filters of the list read."""
    return {
        parameter
        for name in admin.site._registry[model].list_filter
        if isinstance(name, str)
        for parameter in (
            name,
            *(f"{name}{lookup}" for lookup in ("__exact", "__isnull", "__gte", "__lt", "__id__exact")),
        )
    }


@pytest.fixture
def filled(project: Project, token: str) -> Project:
    """Make a row of every registered model."""
    user = User.objects.create(username="somebody", password="!hash")
    services.add_member(organization=project.organization, user_id=user.pk)
    return project


@pytest.fixture
def asking(admin_client: Client, filled: Project) -> Iterator[Client]:
    admin_client.raise_request_exception = False
    logging.disable()  # logging the traceback of a refusal takes longer than the refusal
    yield admin_client
    logging.disable(logging.NOTSET)


def wrong(client: Client, paths: Iterator[str], **more: Any) -> list[tuple[int, str]]:
    """Return the addresses whose answer is not a page, a redirect, 400 or 404."""
    found = []
    for path in paths:
        status = client.get(path, **more).status_code
        if status not in (200, 302, 400, 404):
            found.append((status, path[:200]))
    return found


def paths_to_fields(model: type[models.Model], depth: int = 2) -> Iterator[str]:
    for field in model._meta.get_fields():
        yield field.name
        if depth and field.is_relation and field.related_model is not None:
            yield from (f"{field.name}__{path}" for path in paths_to_fields(field.related_model, depth - 1))


@pytest.mark.django_db
@pytest.mark.parametrize("pages", REGISTERED)
def test_a_list_is_filtered_by_what_its_filters_name_and_by_nothing_else(asking: Client, pages: Pages) -> None:
    allowed = named_by_filters(pages.model)
    obeyed = [
        (status, name)
        for path in paths_to_fields(pages.model, 1)
        for lookup in LOOKUPS
        if (name := f"{path}{lookup}") not in allowed
        if (status := asking.get(pages.list, {name: "1"}).status_code) != 400
    ]
    assert obeyed == []


@pytest.mark.django_db(transaction=True)  # a query that PostgreSQL refuses would end the transaction of the test
@pytest.mark.parametrize("pages", REGISTERED)
def test_no_odd_value_in_the_address_of_a_list_is_an_error_of_the_service(asking: Client, pages: Pages) -> None:
    filters = asking.get(pages.list).context["cl"].filter_specs
    names = [name for one in filters for name in one.expected_parameters()]
    names += ["q", "p", "o", "e", "_popup", "_to_field", "_changelist_filters"]
    asked = [{name: value} for name in names for value in ODD]
    asked += [{name: value} for name in ("q", "p", "o") for value in LONG]
    asked += [{"_facets": "True", name: BEYOND} for name in names]
    assert wrong(asking, (f"{pages.list}?{urlencode(query)}" for query in asked)) == []


@pytest.mark.django_db
@pytest.mark.parametrize("pages", REGISTERED)
def test_no_odd_id_in_the_path_is_an_error_of_the_service(asking: Client, pages: Pages) -> None:
    paths = (f"{pages.list}{number}/{page}/" for number in ODD_IDS for page in ("change", "delete", "history"))
    assert wrong(asking, paths, follow=True) == []


@pytest.mark.django_db
@pytest.mark.parametrize("pages", REGISTERED)
def test_no_odd_value_in_the_address_of_a_form_is_an_error_of_the_service(asking: Client, pages: Pages) -> None:
    row = pages.model._default_manager.first()
    assert row
    forms = [pages.url("change", row.pk), pages.url("delete", row.pk)]
    if admin.site._registry[pages.model].has_add_permission(asking.get(pages.list).wsgi_request):
        forms.append(pages.url("add"))
    fields = [field.name for field in pages.model._meta.get_fields()]
    asked = [(*fields,), ("_popup", "_to_field"), ("_changelist_filters", "_source_model")]
    queries = [urlencode(dict.fromkeys(names, value)) for names in asked for value in ODD]
    assert wrong(asking, (f"{form}?{query}" for query in queries for form in forms)) == []


@pytest.mark.django_db
@pytest.mark.parametrize("pages", REGISTERED)
def test_no_action_on_odd_rows_is_an_error_of_the_service(asking: Client, pages: Pages) -> None:
    for number in ("0", *ODD):
        for action in ("delete_selected", *list(admin.site._registry[pages.model].actions or ())[:1]):
            data = {"action": action, "index": "0", "_selected_action": [number], "post": "yes"}
            assert asking.post(pages.list, data).status_code in (200, 302, 400), (action, number)


@pytest.mark.django_db
@pytest.mark.parametrize("pages", REGISTERED)
@pytest.mark.parametrize("value", ODD)
def test_no_odd_value_in_a_form_is_an_error_of_the_service(asking: Client, pages: Pages, value: str) -> None:
    row = pages.model._default_manager.first()
    assert row
    for form in (pages.url("change", row.pk), pages.url("add")):
        page = asking.get(form)
        names = [field.name for field in pages.model._meta.get_fields()]
        data = dict.fromkeys(names, value)
        if page.status_code == 200:
            for inline in page.context["inline_admin_formsets"]:
                prefix = inline.formset.prefix
                data |= {f"{prefix}-TOTAL_FORMS": "2", f"{prefix}-INITIAL_FORMS": "1"}
                fields = ("id", "user", "organization", "project", "role", "label", "rate_limit_count", "active")
                data |= {f"{prefix}-{place}-{name}": value for name in fields for place in (0, 1)}
        assert asking.post(form, data).status_code in (200, 302, 400, 403), form


@pytest.mark.django_db
@pytest.mark.parametrize("value", ODD)
def test_no_odd_value_of_a_completion_is_an_error_of_the_service(asking: Client, value: str) -> None:
    good = {"app_label": "projects", "model_name": "membership", "field_name": "user", "term": "some"}
    for name in (*good, "page"):
        status = asking.get("/admin/autocomplete/", {**good, name: value}).status_code
        assert status in (200, 302, 403, 404), name
