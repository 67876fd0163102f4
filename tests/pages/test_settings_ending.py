"""Merging and deleting a project, and what belongs to an organization."""

from __future__ import annotations

import pytest
from django.test import Client

from projects import services
from projects.connections import get_store
from projects.models import Organization, Project
from tests.ingest.conftest import Sdk
from tests.pages.filled import submit, text_of

pytestmark = pytest.mark.django_db

MERGE = "/o/acme/web/settings/merge/"
DELETE = "/o/acme/web/settings/delete/"
ORGANIZATION = "/organization/acme/settings/"


@pytest.fixture
def shop(organization: Organization) -> Project:
    return services.create_project(organization=organization, slug="shop", name="Shop")


def received(api: Client, slug: str) -> int:
    return sum(count for _, count in api.get(f"/api/0/projects/acme/{slug}/stats/").json())


def test_a_merge_moves_all_counts_and_leaves_the_project_at_zero(
    boss: Client, sdk: Sdk, shop: Project, api: Client
) -> None:
    for _ in range(3):
        assert sdk.event().status_code == 200
    answer = submit(boss, MERGE, into=str(shop.pk), typed="web")
    assert answer.redirect_chain == [("/o/acme/shop/", 302)]
    assert "All counts of “web” are in “shop” now. “web” is still there with its keys" in text_of(answer)
    assert (received(api, "web"), received(api, "shop")) == (0, 3)
    assert sdk.event().status_code == 200
    assert (received(api, "web"), received(api, "shop")) == (1, 3)


def test_a_merge_needs_the_slug_of_what_goes_away_and_a_project_of_the_same_organization(
    boss: Client, sdk: Sdk, shop: Project, api: Client, other_organization: Organization
) -> None:
    foreign = services.create_project(organization=other_organization, slug="web", name="Foreign")
    assert sdk.event().status_code == 200
    for field, into, typed in (
        ("typed", shop.pk, "shop"),
        ("typed", shop.pk, ""),
        ("into", foreign.pk, "web"),
        ("into", sdk.key.project_id, "web"),
        ("into", "", "web"),
        ("into", "x", "web"),
    ):
        answer = submit(boss, MERGE, into=str(into), typed=typed)
        assert f'id="id_{field}_error"' in answer.content.decode(), (into, typed)
    assert (received(api, "web"), received(api, "shop")) == (1, 0)
    assert "Foreign" not in boss.get(MERGE).content.decode()


def test_without_another_project_there_is_nothing_to_merge_into(boss: Client, project: Project) -> None:
    assert "There is no other project in this organization." in text_of(boss.get(MERGE))


def test_a_deleted_project_is_gone_with_its_counts(boss: Client, sdk: Sdk) -> None:
    assert sdk.event().status_code == 200
    answer = submit(boss, DELETE, typed="Web")
    assert "This is not “web”. Nothing was done." in text_of(answer)
    answer = submit(boss, DELETE, typed="web")
    assert answer.redirect_chain == [("/o/acme/", 302)]
    assert "“web” is gone, with all its counts." in text_of(answer)
    assert sdk.event().status_code == 403
    keys = list(get_store().clients.read.scan_iter(f"ts:{{{sdk.key.project_id}}}:*"))
    assert keys in ([], [f"ts:{{{sdk.key.project_id}}}:state".encode()])
    assert boss.get(DELETE).status_code == 404


def test_an_organization_gets_another_name_and_slug(boss: Client, project: Project, api: Client) -> None:
    assert "Another slug changes the addresses of all pages here and the paths of the API." in text_of(
        boss.get(ORGANIZATION)
    )
    answer = submit(boss, ORGANIZATION, name="Acme & Sons", slug="sons")
    assert answer.redirect_chain == [("/organization/sons/settings/", 302)]
    assert "Addresses and API paths have “sons” now instead of “acme”." in text_of(answer)
    assert api.get("/api/0/projects/sons/web/").status_code == 200
    assert api.get("/api/0/projects/acme/web/").status_code == 404
    assert boss.get("/o/acme/").status_code == 404


def test_a_taken_slug_of_an_organization_is_refused_at_its_field(
    boss: Client, organization: Organization, other_organization: Organization
) -> None:
    for slug, said in (("other", "This slug is taken. Choose another."), ("7", "not digits alone")):
        answer = submit(boss, ORGANIZATION, slug=slug)
        assert said in answer.content.decode().partition('id="id_slug_error"')[2].partition("</ul>")[0]
    organization.refresh_from_db()
    assert organization.slug == "acme"


def test_an_organization_is_deleted_with_all_its_projects(boss: Client, sdk: Sdk, shop: Project) -> None:
    assert sdk.event().status_code == 200
    path = f"{ORGANIZATION}delete/"
    assert "all its 2 projects" in text_of(boss.get(path))
    assert "Nothing was done." in text_of(submit(boss, path, typed="web"))
    answer = submit(boss, path, typed="acme")
    assert "“acme” is gone, with all its projects and counts." in text_of(answer)
    assert not Organization.objects.filter(slug="acme").exists()
    assert not Project.objects.exists()
    assert sdk.event().status_code == 403
