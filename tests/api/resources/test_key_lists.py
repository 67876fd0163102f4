"""The lists of keys: of a project, and of all projects of an organization."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from projects import services
from projects.models import Project, ProjectKey

pytestmark = pytest.mark.django_db

KEYS = "/api/0/projects/acme/web/keys/"


def test_the_keys_of_all_projects_are_listed_within_few_queries(
    api: Client, project: Project, shop: Project, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    ProjectKey.objects.bulk_create([ProjectKey(project=shop, label=str(number)) for number in range(50)])
    api.get("/api/0/organizations/acme/project-keys/")  # which notes the use of the token
    with django_assert_max_num_queries(3):
        listed = api.get("/api/0/organizations/acme/project-keys/").json()
    assert [key["projectId"] for key in listed] == [project.pk, *[shop.pk] * 51]
    assert listed[0] == api.get(KEYS).json()[0]


@pytest.mark.parametrize("url", [KEYS, "/api/0/organizations/acme/project-keys/"])
def test_keys_are_listed_by_status(api: Client, project: Project, url: str) -> None:
    services.save_intake(project, ProjectKey(project=project, label="Off", active=False))

    def labels(status: str) -> list[str]:
        return [key["label"] for key in api.get(url, {"status": status}).json()]

    assert [labels(status) for status in ("", "all", "active", "inactive")] == [
        ["Default", "Off"],
        ["Default", "Off"],
        ["Default"],
        ["Off"],
    ]
    refused = api.get(url, {"status": "on"})
    assert (refused.status_code, refused.json()) == (400, {"detail": "Invalid status: on"})
