"""The lists of the admin: what they show, what they find, and how many queries they need."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from projects import services
from projects.models import SCOPES, Organization, Project
from tests.projects.pages import url
from tests.tsdb.tools import counted_reads
from tsdb.outcomes import Category, Outcome
from tsdb.series import total
from tsdb.store import Increment, Store

MODELS = ("organization", "project", "projectkey", "apitoken")


def count(project: Project, outcome: Outcome, amount: int) -> None:
    now = int(time.time())
    services.count(project.pk, [Increment(total(project.pk, Category.ERROR, outcome), now, amount)], now=now)


def rows(page: str, field: str) -> list[str]:
    return re.findall(rf'<td class="field-{field}">(.*?)</td>', page, re.DOTALL)


def fill(organization: Organization, number: int) -> list[Project]:
    return [
        services.create_project(organization=organization, slug=f"p-{place}", name=f"Project {place}")
        for place in range(number)
    ]


def test_a_project_stands_there_with_its_counts_of_the_last_day_and_a_chart(
    admin_client: Client, project: Project
) -> None:
    count(project, Outcome.ACCEPTED, 1200)
    count(project, Outcome.FILTERED, 34)
    page = admin_client.get(url("project", "changelist")).content.decode()
    assert rows(page, "received") == ["1,234"]
    assert rows(page, "accepted") == ["1,200"]
    assert "the most: 1,234" in rows(page, "hours")[0]


def test_fifty_projects_cost_as_many_queries_as_one_and_one_read_of_the_store(
    admin_client: Client,
    organization: Organization,
    store: Store,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for project in fill(organization, 50):
        count(project, Outcome.ACCEPTED, project.pk)
    admin_client.get(url("project", "changelist"))  # after this, the process knows the projects
    # One query for the user, two counts for the pager, one for the page, and the choices of the two filters.
    with django_assert_num_queries(7), counted_reads(store) as reads:
        page = admin_client.get(url("project", "changelist")).content.decode()
    assert len(rows(page, "accepted")) == 50
    assert "0" not in rows(page, "accepted")
    assert reads == [1]


@pytest.mark.parametrize("model", MODELS)
def test_a_longer_list_does_not_cost_more_queries(admin_client: Client, model: str) -> None:
    def more(number: int) -> None:
        for place in range(number):
            other = services.create_organization(slug=f"o-{number}-{place}", name="O")
            services.create_project(organization=other, slug="web", name="Web")
            services.create_token(organization=other, scopes=["project:read"])
            services.add_member(organization=other, user_id=User.objects.get().pk)

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            admin_client.get(url(model, "changelist"))
        return len(queries)

    more(1)
    few = cost()
    more(20)
    assert cost() == few > 2


@pytest.mark.parametrize("asked", ["web", "WEB", "Web", "acme", "id", "key"])
def test_a_project_is_found_by_what_one_knows_of_it(
    admin_client: Client, project: Project, other_organization: Organization, asked: str
) -> None:
    services.create_project(organization=other_organization, slug="another", name="Another")
    key = project.keys.get()
    text = {"id": str(project.pk), "key": key.public}.get(asked, asked)
    page = admin_client.get(url("project", "changelist"), {"q": text}).content.decode()
    assert [re.sub("<.*?>", "", row) for row in rows(page, "organization nowrap")] == ["acme"]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("asked", ["%00", "\x00", "' OR 1=1 --", "٣", "9" * 400, "{}:*", "\U0001f600"])
def test_no_search_makes_it_stumble(admin_client: Client, project: Project, model: str, asked: str) -> None:
    assert admin_client.get(url(model, "changelist"), {"q": asked}, follow=True).status_code == 200


def test_an_organization_leads_to_its_projects_and_tokens_and_counts_them(
    admin_client: Client, project: Project, owner: User, token: str
) -> None:
    fill(project.organization, 2)
    revoked = services.create_token(organization=project.organization, scopes=SCOPES).token
    services.revoke_tokens([revoked])
    page = admin_client.get(url("organization", "changelist")).content.decode()
    assert "organization__id__exact=" in rows(page, "projects")[0]
    assert [re.sub("<.*?>", "", rows(page, field)[0]) for field in ("projects", "members", "tokens")] == [
        "3",
        "1",
        "1",
    ]


def test_a_link_of_an_organization_shows_its_projects_alone(
    admin_client: Client, project: Project, other_organization: Organization
) -> None:
    services.create_project(organization=other_organization, slug="another", name="Another")
    page = admin_client.get(url("organization", "changelist")).content.decode()
    links = re.findall(r'href="([^"]+/project/\?organization__id__exact=[0-9]+)"', page)
    found = [rows(admin_client.get(link).content.decode(), "received") for link in links]
    assert [len(each) for each in found] == [1, 1]


@pytest.mark.parametrize(("state", "found"), [("active", "open"), ("expired", "late"), ("revoked", "gone")])
def test_tokens_are_told_apart_by_their_state(
    admin_client: Client, organization: Organization, state: str, found: str
) -> None:
    now = datetime.now(UTC)
    services.create_token(organization=organization, scopes=SCOPES, name="open", expires=now + timedelta(days=1))
    services.create_token(organization=organization, scopes=SCOPES, name="late", expires=now - timedelta(days=1))
    gone = services.create_token(organization=organization, scopes=SCOPES, name="gone").token
    services.revoke_tokens([gone])
    page = admin_client.get(url("apitoken", "changelist"), {"state": state}).content.decode()
    assert rows(page, "state") == [state]
    assert f">{found} …" in page
