"""GET …/stats/ of a project."""

from __future__ import annotations

import pytest
import time_machine
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from projects import services
from projects.models import Organization, Project
from statsapi.api.stats.example import EXAMPLE_COUNTS, EXAMPLE_START
from tests.api.live import OUTCOMES
from tests.api.live import STATS as URL
from tests.stamps import settle_changes

pytestmark = pytest.mark.django_db

EXAMPLE = (
    "[[1537308000.0, 459], [1537311600.0, 1290], [1537315200.0, 1460], [1537318800.0, 1059], "
    "[1537322400.0, 1154], [1537326000.0, 943], [1537329600.0, 1849], [1537333200.0, 545], "
    "[1537336800.0, 832], [1537340400.0, 1726], [1537344000.0, 1174], [1537347600.0, 653], "
    "[1537351200.0, 935], [1537354800.0, 1383], [1537358400.0, 1766], [1537362000.0, 1341], "
    "[1537365600.0, 1508], [1537369200.0, 1142], [1537372800.0, 1259], [1537376400.0, 959], "
    "[1537380000.0, 1591], [1537383600.0, 1571], [1537387200.0, 834], [1537390800.0, 1343]]"
)


def test_it_answers_the_original_documentation_byte_for_byte(api: Client, project: Project) -> None:
    with time_machine.travel(EXAMPLE_START + 24 * 3600 - 1, tick=False):
        outcomes = [
            {"outcome": "accepted", "quantity": count, "timestamp": EXAMPLE_START + 3600 * hour}
            for hour, count in enumerate(EXAMPLE_COUNTS)
        ]
        posted = api.post(OUTCOMES, {"outcomes": outcomes}, content_type="application/json")
        assert (posted.status_code, posted.json()) == (201, {"accepted": sum(EXAMPLE_COUNTS)})
        response = api.get(URL)

    assert response.status_code == 200
    assert response.content.decode() == EXAMPLE
    shown = {
        "Content-Length": "520",
        "X-XSS-Protection": "1; mode=block",
        "Content-Language": "en",
        "X-Content-Type-Options": "nosniff",
        "Vary": "Accept-Language, Cookie",
        "Allow": "GET, HEAD, OPTIONS",
        "X-Frame-Options": "deny",
        "Content-Type": "application/json",
    }
    assert {name: response[name] for name in shown} == shown
    assert response["X-Stats-Resolution"] == "3600"


def test_the_request_of_the_original_documentation_works_as_it_stands(organization: Organization, api: Client) -> None:
    organization.slug = "the-interstellar-jurisdiction"
    services.update_organization(organization=organization)
    services.create_project(organization=organization, slug="pump-station", name="Pump Station")
    response = api.get("/api/0/projects/the-interstellar-jurisdiction/pump-station/stats/")
    assert (response.status_code, len(response.json())) == (200, 24)


@pytest.mark.parametrize(
    "query",
    ["", "?stat=rejected", "?environment=production", "?stat=localhost", "?stat=localhost&environment=production"],
)
@pytest.mark.parametrize("by", ["slug", "id"])
def test_a_warm_request_touches_no_sql(
    api: Client, project: Project, django_assert_num_queries: DjangoAssertNumQueries, query: str, by: str
) -> None:
    services.environment_id(project.pk, "production")
    url = URL if by == "slug" else f"/api/0/projects/{project.organization.pk}/{project.pk}/stats/"
    settle_changes()
    assert api.get(url + query).status_code == 200
    with django_assert_num_queries(0):
        assert api.get(url + query).status_code == 200


def test_a_warm_count_touches_no_sql(
    api: Client, project: Project, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settle_changes()
    body = {"outcomes": [{"outcome": "accepted", "environment": "production"}]}
    api.post(OUTCOMES, body, "application/json")
    with django_assert_num_queries(0):
        assert api.post(OUTCOMES, body, "application/json").status_code == 201


def test_a_new_project_has_a_series_of_zeros(api: Client, project: Project) -> None:
    points = api.get(URL).json()
    assert len(points) == 24
    assert {count for _, count in points} == {0}


def test_projects_are_counted_apart(api: Client, project: Project) -> None:
    services.create_project(organization=project.organization, slug="other", name="Other")
    api.post(OUTCOMES, {"outcomes": [{"outcome": "accepted", "quantity": 5}]}, "application/json")
    assert sum(count for _, count in api.get(URL).json()) == 5
    assert sum(count for _, count in api.get(URL.replace("web", "other")).json()) == 0
