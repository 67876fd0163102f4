"""The organizations and projects that a URL names, and who may see them."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.test import Client

from projects import services
from projects.connections import get_store
from projects.models import Organization, Project

pytestmark = pytest.mark.django_db(transaction=True)

MISSING = {"detail": "The requested resource does not exist"}
ROW = {"outcomes": [{"outcome": "accepted"}]}


def stats_of(organization: object, project: object) -> str:
    return f"/api/0/projects/{quote(str(organization), safe='')}/{quote(str(project), safe='')}/stats/"


@pytest.fixture(params=["token", "session"])
def caller(request: pytest.FixtureRequest, api: Client, log_in: Callable[..., Client], owner: User) -> Client:
    return api if request.param == "token" else log_in(owner)


def test_ids_stand_for_slugs(caller: Client, project: Project) -> None:
    caller.post("/api/0/projects/acme/web/outcomes/", ROW, "application/json")
    for organization in ("acme", project.organization.pk):
        for slug in ("web", project.pk):
            response = caller.get(stats_of(organization, slug), {"resolution": "1d"})
            assert response.status_code == 200
            assert response.json()[-1][1] == 1


@pytest.mark.parametrize("slug", ["a", "-", "_", "0a", "x" * 100, "1-2", "stats"])
def test_any_slug_leads_to_its_project(caller: Client, organization: Organization, slug: str) -> None:
    services.create_project(organization=organization, slug=slug, name="P")
    assert caller.get(stats_of("acme", slug)).status_code == 200


STRANGE = [
    "WEB", "Web", "w\u0435b", "web\0", "web\n", " web", "web ", "we b", "web/", "../web", "web?", "web#", "{web}", "*",
    ":", "%00", "web%0a", "\u202ebew", "ｗｅｂ", "é", "e\u0301", "😀", "x" * 101, "x" * 5000, "'", '"', "web;", "--",
    "١", "-1", "+1", "1.0", "1e0", "0", "00", "9" * 18, "9" * 19, "9" * 100, "None", "null",
]  # fmt: skip


@pytest.mark.parametrize("reference", STRANGE, ids=ascii)
def test_a_strange_reference_is_missing(caller: Client, project: Project, reference: str) -> None:
    for url in (stats_of("acme", reference), stats_of(reference, "web"), stats_of(reference, reference)):
        response = caller.get(url)
        assert (response.status_code, response.json()) == (404, MISSING)


def test_bytes_that_are_no_utf8_are_missing(caller: Client, project: Project) -> None:
    response = caller.get("/api/0/projects/acme/%ff%fe/stats/")
    assert (response.status_code, response.json()) == (404, MISSING)


@pytest.mark.parametrize("zeros", ["0", "000"])
def test_an_id_with_leading_zeros_is_no_id(caller: Client, project: Project, zeros: str) -> None:
    organization = project.organization.pk
    for url in (stats_of("acme", f"{zeros}{project.pk}"), stats_of(f"{zeros}{organization}", "web")):
        assert caller.get(url).status_code == 404


def test_no_spelling_of_an_id_outlives_its_project(caller: Client, project: Project) -> None:
    urls = [stats_of("acme", reference) for reference in ("web", project.pk, f"0{project.pk}")]
    for url in urls:
        caller.get(url)
    services.delete_project(project=project)
    assert {caller.get(url).status_code for url in urls} == {404}


def test_only_numbers_stand_in_the_keys_of_redis(caller: Client, project: Project) -> None:
    caller.post("/api/0/projects/acme/web/outcomes/", ROW, "application/json")
    keys = [key.decode() for key in get_store().clients.read.scan_iter()]
    assert len(keys) > 1
    known = (f"ts:{{{project.pk}}}:", f"stamp:{{{project.organization_id}}}")
    assert all(key.startswith(known) and "web" not in key for key in keys)


def test_a_deleted_project_is_missing_at_the_next_request(caller: Client, project: Project) -> None:
    by_name, by_id = stats_of("acme", "web"), stats_of("acme", project.pk)
    assert caller.get(by_name).status_code == caller.get(by_id).status_code == 200
    services.delete_project(project=project)
    for url in (by_name, by_id):
        response = caller.get(url)
        assert (response.status_code, response.json()) == (404, MISSING)


def test_a_project_with_a_deleted_ones_slug_starts_at_zero(caller: Client, project: Project) -> None:
    caller.post("/api/0/projects/acme/web/outcomes/", ROW, "application/json")
    services.delete_project(project=project)
    services.create_project(organization=project.organization, slug="web", name="Web again")
    assert sum(count for _, count in caller.get(stats_of("acme", "web")).json()) == 0


def test_a_deleted_organization_is_missing_at_the_next_request(api: Client, project: Project) -> None:
    assert api.get(stats_of("acme", "web")).status_code == 200
    services.delete_organization(organization=project.organization)
    assert api.get(stats_of("acme", "web")).status_code == 401  # its tokens went with it


def test_a_renamed_organization_is_found_by_its_new_slug_alone(caller: Client, project: Project) -> None:
    assert caller.get(stats_of("acme", "web")).status_code == 200
    project.organization.slug = "ajax"
    services.update_organization(organization=project.organization)
    assert caller.get(stats_of("ajax", "web")).status_code == 200
    assert caller.get(stats_of("acme", "web")).status_code == 404


# --- renamed projects ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("query", ["", "?stat=rejected&since=1&since=2&x=%26%C3%A9&until="])
def test_a_renamed_project_leads_to_its_new_address_with_the_query(
    caller: Client, renamed_project: Project, method: str, query: str
) -> None:
    for organization in ("acme", renamed_project.organization.pk):
        response = caller.generic(method, stats_of(organization, "old") + query)
        new = stats_of(organization, "web") + query
        if method == "OPTIONS":
            assert response.status_code == 200
            continue
        assert (response.status_code, response["Location"]) == (302, new)
        extra = {"url": new, "slug": "web"}
        detail = {"code": "resource-moved", "message": "Resource has been moved", "extra": extra}
        wanted = {"slug": "web", "detail": detail}
        assert method == "HEAD" or response.json() == wanted


def test_following_the_new_address_answers_as_it_does(caller: Client, renamed_project: Project) -> None:
    query = "?since=1541455200&until=1541455200"
    new = caller.get(stats_of("acme", "old") + query)["Location"]
    assert caller.get(new).json() == [[1541455200.0, 0]]


def test_a_rename_is_seen_at_the_next_request(caller: Client, project: Project) -> None:
    assert caller.get(stats_of("acme", "web")).status_code == 200
    project.slug = "site"
    services.update_project(project=project)
    assert caller.get(stats_of("acme", "web"))["Location"] == stats_of("acme", "site")
    assert caller.get(stats_of("acme", "site")).status_code == 200
    assert caller.get(stats_of("acme", project.pk)).status_code == 200


def test_the_query_is_not_looked_at_before_the_address(caller: Client, renamed_project: Project) -> None:
    assert caller.get(stats_of("acme", "old"), {"stat": "nonsense"}).status_code == 302


def test_every_name_of_a_project_leads_to_the_last_one(caller: Client, project: Project) -> None:
    for slug in ("second", "third", "fourth"):
        project.slug = slug
        services.update_project(project=project)
        for old in {"web", "second", "third"} - {slug}:
            caller.get(stats_of("acme", old))  # so that the cache holds it
    for old in ("web", "second", "third"):
        assert caller.get(stats_of("acme", old))["Location"] == stats_of("acme", "fourth")


def test_a_project_that_gets_its_old_name_back_is_there_again(caller: Client, renamed_project: Project) -> None:
    assert caller.get(stats_of("acme", "old")).status_code == 302
    renamed_project.slug = "old"
    services.update_project(project=renamed_project)
    assert caller.get(stats_of("acme", "old")).status_code == 200
    assert caller.get(stats_of("acme", "web"))["Location"] == stats_of("acme", "old")


def test_an_old_name_that_is_taken_again_leads_to_who_took_it(caller: Client, renamed_project: Project) -> None:
    assert caller.get(stats_of("acme", "old")).status_code == 302
    taker = services.create_project(organization=renamed_project.organization, slug="old", name="New")
    assert caller.get(stats_of("acme", "old")).status_code == 200
    services.delete_project(project=taker)
    assert caller.get(stats_of("acme", "old")).status_code == 404


def test_an_old_name_is_gone_with_its_project(caller: Client, renamed_project: Project) -> None:
    assert caller.get(stats_of("acme", "old")).status_code == 302
    services.delete_project(project=renamed_project)
    assert caller.get(stats_of("acme", "old")).status_code == 404


def test_a_rename_tells_an_outsider_nothing(outsider_api: Client, renamed_project: Project) -> None:
    response = outsider_api.get(stats_of("acme", "old"))
    assert (response.status_code, response.json()) == (404, MISSING)
