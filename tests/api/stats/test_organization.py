"""GET …/organizations/{organization}/stats/: all projects together, or each by itself."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from projects import services
from projects.connections import get_store
from projects.models import Organization, Project
from tests.api.counting import DAY, HOUR, JSON, NOW, post, row
from tests.tsdb.tools import counted_reads
from tsdb.outcomes import FILTERS
from tsdb.rollups import LARGEST

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock_of_statistics")]

URL = "/api/0/organizations/acme/stats/"


def total(api: Client, **query: Any) -> int:
    return sum(count for _, count in api.get(URL, query).json())


def test_it_is_the_sum_of_the_projects(api: Client, project: Project, shop: Project) -> None:
    post(api, "web", row(quantity=3), row("filtered", 2, reason="localhost"))
    post(api, "shop", row(quantity=4, age=HOUR))

    together = api.get(URL)
    assert together.json()[-2:] == [[float(NOW - HOUR), 4], [float(NOW), 5]]
    assert api.get(URL, {"group": "organization"}).json() == together.json()
    each = api.get(URL, {"group": "project"})
    zeros = [[float(NOW - age * HOUR), 0] for age in range(23, 1, -1)]
    assert each.json() == {
        str(shop.pk): [*zeros, [float(NOW - HOUR), 4], [float(NOW), 0]],
        str(project.pk): [*zeros, [float(NOW - HOUR), 0], [float(NOW), 5]],
    }
    for response in (together, each):
        assert response["X-Stats-Resolution"] == "3600"
        assert response["X-Stats-Retained-Since"] == str(NOW - 769 * HOUR)


def test_it_is_written_as_pythons_json_module_writes_it(api: Client, project: Project) -> None:
    query: Any = {"group": "project", "since": NOW, "until": NOW}
    assert api.get(URL, query).content == f'{{"{project.pk}": [[{float(NOW)}, 0]]}}'.encode()
    assert api.get(URL, {"since": NOW, "until": NOW}).content == f"[[{float(NOW)}, 0]]".encode()


def test_another_organizations_projects_are_not_in_it(
    api: Client, outsider_api: Client, project: Project, other_organization: Organization
) -> None:
    services.create_project(organization=other_organization, slug="theirs", name="Theirs")
    rows = {"outcomes": [row(quantity=9)]}
    assert outsider_api.post("/api/0/projects/other/theirs/outcomes/", rows, JSON).status_code == 201
    assert total(api) == 0
    assert list(api.get(URL, {"group": "project"}).json()) == [str(project.pk)]


def test_without_projects_there_are_zeros_and_no_groups(api: Client, organization: Organization) -> None:
    assert [count for _, count in api.get(URL).json()] == [0] * 24
    assert api.get(URL, {"group": "project"}).json() == {}


def test_each_group_is_named_by_its_id_and_a_header_has_the_slugs(api: Client, project: Project, shop: Project) -> None:
    response = api.get(URL, {"group": "project"})
    assert list(response.json()) == [str(shop.pk), str(project.pk)]
    assert response["X-Stats-Projects"] == f"{shop.pk}=shop, {project.pk}=web"
    assert api.get(URL, {"group": "project", "projectID": "web"})["X-Stats-Projects"] == f"{project.pk}=web"
    assert "X-Stats-Projects" not in api.get(URL)
    assert "X-Stats-Projects" not in api.get(URL, {"group": "project", "projectID": "none"})


def test_slugs_that_no_header_should_hold_are_left_out(api: Client, organization: Organization) -> None:
    names = [f"{'s' * 96}{number:04}" for number in range(45)]
    Project.objects.bulk_create(Project(organization=organization, slug=name, name="P") for name in names)
    query: Any = {"group": "project", "resolution": "1d", "projectID": names[:38]}
    assert 3900 < len(api.get(URL, query)["X-Stats-Projects"]) <= 4096
    assert "X-Stats-Projects" not in api.get(URL, {**query, "projectID": names})


def test_ids_and_slugs_of_projects_restrict_the_groups_alone(api: Client, project: Project, shop: Project) -> None:
    post(api, "web", row(quantity=3))
    post(api, "shop", row(quantity=4))

    def shown(*numbers: Any) -> set[str]:
        return set(api.get(URL, {"group": "project", "projectID": numbers}).json())

    web, other = str(project.pk), str(shop.pk)
    assert shown(web) == {web}
    assert shown(web, other, web) == {web, other}
    assert shown("") == shown() == {web, other}
    assert shown("web") == {web}
    assert shown("shop", web, "none", "-1") == {web, other}
    assert shown(10**20) == shown("none") == set()
    assert total(api, projectID=web) == 7


@pytest.mark.parametrize("stat", ["received", "rejected", "blacklisted", "generated", *FILTERS])
def test_every_stat_of_a_project_is_one_of_the_organization(
    api: Client, project: Project, shop: Project, stat: str
) -> None:
    for number, slug in enumerate(("web", "shop"), start=1):
        post(api, slug, row(quantity=number), row("rate_limited", 10 * number))
        post(api, slug, *(row("filtered", 100 * number + place, reason=name) for place, name in enumerate(FILTERS)))
    parts = [
        sum(count for _, count in api.get(f"/api/0/projects/acme/{slug}/stats/", {"stat": stat}).json())
        for slug in ("web", "shop")
    ]
    assert total(api, stat=stat) == sum(parts) > 0
    each = api.get(URL, {"stat": stat, "group": "project"}).json()
    assert [sum(count for _, count in each[str(one.pk)]) for one in (project, shop)] == parts


def test_an_environment_is_that_of_all_projects_that_have_it(api: Client, project: Project, shop: Project) -> None:
    post(api, "web", row(quantity=3, environment="production"), row(quantity=5, environment="staging"), row(quantity=1))
    post(api, "shop", row(quantity=4, environment="production"))
    assert total(api, stat="generated", environment="production") == 7
    assert total(api, stat="generated", environment="staging") == 5
    assert total(api, stat="generated", environment="") == 13
    each = api.get(URL, {"stat": "generated", "environment": "staging", "group": "project"}).json()
    assert {number: sum(count for _, count in pairs) for number, pairs in each.items()} == {
        str(project.pk): 5,
        str(shop.pk): 0,
    }


@pytest.mark.parametrize("group", ["organization", "project"])
def test_every_stat_knows_an_environment(api: Client, project: Project, shop: Project, group: str) -> None:
    for number, slug in enumerate(("web", "shop"), start=1):
        for environment in ("production", "staging", None):
            drops = [row("filtered", 10 * number, reason=reason) for reason in ("localhost", "cors", "made up")]
            rows = [row(quantity=number), row("rate_limited", 100 * number), row("invalid", 7), *drops]
            post(api, slug, *({**one, "environment": environment} for one in rows))
        post(api, slug, row("filtered", 5, reason="web-crawlers", environment="staging"))

    def sums(stat: str, environment: str) -> list[int]:
        answer = api.get(URL, {"stat": stat, "environment": environment, "group": group}).json()
        pairs = [answer] if group == "organization" else [answer[str(one.pk)] for one in (project, shop)]
        return [sum(count for _, count in one) for one in pairs]

    expected = {"received": 131, "generated": 1, "rejected": 100, "blacklisted": 30, "localhost": 10, "web-crawlers": 0}
    for stat, count in expected.items():
        more = {"received": 5, "blacklisted": 5, "web-crawlers": 5}.get(stat, 0)
        together = group == "organization"
        assert sums(stat, "production") == ([3 * count] if together else [count, 2 * count])
        assert sums(stat, "staging") == ([3 * count + 2 * more] if together else [count + more, 2 * count + more])


@pytest.mark.parametrize("stat", ["received", "rejected", "generated", "localhost"])
@pytest.mark.parametrize("name", ["nowhere", "Production", "production x", "\0"])
def test_an_environment_that_no_project_has_is_missing(
    api: Client, outsider_api: Client, project: Project, other_organization: Organization, stat: str, name: str
) -> None:
    post(api, "web", row(environment="production"))
    services.create_project(organization=other_organization, slug="theirs", name="Theirs")
    rows = {"outcomes": [row(environment="nowhere")]}
    assert outsider_api.post("/api/0/projects/other/theirs/outcomes/", rows, JSON).status_code == 201
    # Before the resolution is looked at, as with a project.
    response = api.get(URL, {"stat": stat, "environment": name, "resolution": "x"})
    assert (response.status_code, response.json()) == (404, {"detail": "The requested resource does not exist"})


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ({"group": "team"}, "Invalid group: team"),
        ({"stat": "x"}, "Invalid stat: x"),
        ({"projectID": "X"}, "Invalid projectID: use ids or slugs."),
        ({"group": "project", "projectID": "x y"}, "Invalid projectID: use ids or slugs."),
        ({"group": "project", "projectID": ["1", "web/"]}, "Invalid projectID: use ids or slugs."),
        ({"group": "project", "projectID": "١"}, "Invalid projectID: use ids or slugs."),
        ({"resolution": "15m"}, "Invalid resolution"),
        ({"until": "x"}, "until must be a numeric timestamp."),
        ({"since": "x"}, "since must be a numeric timestamp."),
        ({"since": "2", "until": "1"}, "start must be before or equal to end"),
        (
            {"since": "0", "until": str(NOW), "resolution": "1h"},
            "The query would need 428183 points at 3600s; the limit is 10000. Ask for a shorter range.",
        ),
    ],
)
def test_a_query_that_cannot_be_is_refused(api: Client, project: Project, query: dict[str, Any], detail: str) -> None:
    response = api.get(URL, query)
    assert (response.status_code, response.json()) == (400, {"detail": detail})


def test_an_answer_that_no_one_could_read_is_refused_before_any_work_is_done(
    api: Client, organization: Organization
) -> None:
    Project.objects.bulk_create(Project(organization=organization, slug=f"p{number}", name="P") for number in range(60))
    query: Any = {"group": "project", "resolution": "10s", "since": NOW - 99_000, "until": NOW}
    response = api.get(URL, query)
    assert (response.status_code, response.json()) == (
        400,
        {
            "detail": "The answer would have 9901 points for each of 60 projects, 594060 in all; the limit is 500000. "
            "Ask for a shorter range, a coarser resolution or fewer projects."
        },
    )
    assert api.get(URL, {**query, "projectID": Project.objects.earliest("pk").pk}).status_code == 200
    assert api.get(URL, {**query, "group": "organization"}).status_code == 200


def test_what_is_not_retained_any_more_reads_as_zero_and_what_is_ahead_too(api: Client, project: Project) -> None:
    post(api, "web", row(quantity=3), row(quantity=4, age=40 * DAY))
    for group in ("organization", "project"):
        query: Any = {"group": group, "resolution": "1h", "since": NOW - 45 * DAY, "until": NOW + 20 * DAY}
        answer = api.get(URL, query).json()
        pairs = answer if group == "organization" else answer[str(project.pk)]
        assert len(pairs) == 65 * 24 + 1
        assert [pair for pair in pairs if pair[1]] == [[float(NOW), 3]]


def test_counts_that_are_full_are_added_up_without_wrapping(api: Client, project: Project, shop: Project) -> None:
    full = [row(quantity=10**9)]
    for slug in ("web", "shop"):
        post(api, slug, *full)
    store = get_store()
    hours = next(rollup for rollup in store.rollups if rollup.seconds == HOUR)
    [server] = store.clients.write.servers()
    for key in server.scan_iter(f"ts:*:t:error:accepted:{hours.name}"):
        slot = hours.bucket(NOW) % hours.slots + 1
        server.bitfield(key).set("i64", f"#{slot}", LARGEST).execute()
    query: Any = {"since": NOW, "until": NOW, "resolution": "1h"}
    assert api.get(URL, query).json() == [[float(NOW), 2 * LARGEST]]


@pytest.mark.parametrize("query", [{}, {"group": "project"}, {"stat": "localhost"}])
def test_it_asks_redis_and_the_database_as_often_for_many_projects_as_for_one(
    api: Client, organization: Organization, query: dict[str, str], django_assert_num_queries: Any
) -> None:
    asked = []
    for round_ in range(2):
        Project.objects.bulk_create(
            Project(organization=organization, slug=f"p{round_}-{number}", name="P")
            for number in range(1 + 49 * round_)
        )
        api.get(URL, query)
        with django_assert_num_queries(0), counted_reads(get_store()) as reads:
            api.get(URL, query)
        asked.append(reads[0])
    assert asked[0] == asked[1]
