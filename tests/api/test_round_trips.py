"""How often a question with a known token asks Redis: once. It asks no database."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from projects import services
from projects.connections import get_store
from projects.models import Project
from tests.api.live import OUTCOMES, STATS

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def commands(request: pytest.FixtureRequest) -> Callable[[Callable[[], object]], list[str]]:
    """Return a function that calls another, and returns the commands that Redis got meanwhile."""

    def watch(ask: Callable[[], object]) -> list[str]:
        client = get_store().clients.write
        found: list[str] = []
        with client.servers()[0].monitor() as monitor:  # type: ignore[no-untyped-call]
            ask()
            client.execute_command("ECHO", "the end")
            while not (said := str(monitor.next_command()["command"])).startswith("ECHO"):
                if not said.startswith(("PING", "INFO", "CLIENT", "HELLO", "SELECT")):
                    found.append(said)
        return found

    return watch


@pytest.mark.parametrize(
    "query", ["", "?stat=rejected", "?environment=production", "?stat=localhost&environment=production", "?format=csv"]
)
@pytest.mark.parametrize("name", ["slug", "id"])
def test_a_warm_question_is_one_round_trip_and_no_sql(
    api: Client,
    project: Project,
    commands: Callable[[Callable[[], object]], list[str]],
    django_assert_num_queries: DjangoAssertNumQueries,
    query: str,
    name: str,
) -> None:
    services.environment_id(project.pk, "production")
    url = STATS if name == "slug" else f"/api/0/projects/{project.organization_id}/{project.pk}/stats/"
    services.open_project(project.pk)
    assert [api.get(url + query).status_code for _ in range(2)] == [200, 200]
    with django_assert_num_queries(0):
        [asked] = commands(lambda: api.get(url + query))
    assert asked.startswith("MGET ")
    assert asked.endswith(f" stamp:{{{project.organization_id}}}")


@pytest.mark.parametrize("query", ["", "?group=project", "?group=project&format=csv"])
def test_a_warm_question_about_all_projects_is_one_round_trip_and_no_sql(
    api: Client,
    project: Project,
    commands: Callable[[Callable[[], object]], list[str]],
    django_assert_num_queries: DjangoAssertNumQueries,
    query: str,
) -> None:
    services.open_project(project.pk)
    url = f"/api/0/organizations/acme/stats/{query}"
    assert [api.get(url).status_code for _ in range(2)] == [200, 200]
    with django_assert_num_queries(0):
        assert len(commands(lambda: api.get(url))) == 1


def test_a_project_that_is_made_renamed_or_deleted_is_seen_at_the_next_question_about_all(
    api: Client, project: Project
) -> None:
    url = "/api/0/organizations/acme/stats/?group=project&format=csv"

    def slugs() -> list[str]:
        lines = api.get(url).content.decode().splitlines()[1:]
        return sorted({line.split(",")[1] for line in lines})

    assert slugs() == ["web"]
    shop = services.create_project(organization=project.organization, slug="shop", name="Shop")
    assert slugs() == ["shop", "web"]
    shop.slug = "store"
    services.update_project(project=shop)
    assert slugs() == ["store", "web"]
    services.delete_project(project=shop)
    assert slugs() == ["web"]


def test_a_warm_refusal_is_one_round_trip(
    api: Client, project: Project, commands: Callable[[Callable[[], object]], list[str]]
) -> None:
    refused = STATS + "?stat=nonsense"
    assert [api.get(one).status_code for one in (STATS, refused)] == [200, 400]
    assert commands(lambda: api.get(refused)) == [f"MGET stamp:{{{project.organization_id}}}"]


def test_a_warm_count_is_two_round_trips(
    api: Client, project: Project, commands: Callable[[Callable[[], object]], list[str]]
) -> None:
    """It looks first who may count. A write cannot be done twice."""
    body = {"outcomes": [{"outcome": "accepted", "environment": "production"}]}

    def count() -> None:
        assert api.post(OUTCOMES, body, "application/json").status_code == 201

    for _ in range(3):
        count()
    assert len([said for said in commands(count) if said.startswith(("MGET", "EVALSHA"))]) == 2
