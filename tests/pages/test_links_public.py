"""What everybody with a public link sees: the API's numbers of one project, and nothing else."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from projects import services
from projects.models import Organization, Project, PublicLink
from tests.api.counting import HOUR, MINUTE, NOW, post, row
from tests.pages.linking import picture_of
from tests.pages.showing import QUANTITY, V2, counts_of

pytestmark = pytest.mark.django_db

RANGES = {"24h": "5m", "7d": "1h", "30d": "1h", "90d": "1d"}


@pytest.fixture(autouse=True)
def _now() -> object:
    with time_machine.travel(NOW + 33, tick=False):
        yield


@pytest.fixture
def path(project: Project) -> str:
    """Return the path of a link to `web`."""
    return f"/share/{services.create_link(project=project, name='Wiki').secret}/"


def count(api: Client) -> None:
    post(
        api,
        "web",
        row(quantity=1234),
        row("filtered", 2, age=30 * MINUTE, reason="localhost"),
        row("rate_limited", 3, age=20 * HOUR, reason="key_quota"),
        row("client_discard", 4, age=50 * HOUR, reason="sample_rate"),
        row("invalid", 5, age=20 * 24 * HOUR, reason="too_large"),
        row("accepted", 7, category="transaction"),
    )


@pytest.mark.parametrize("name", RANGES)
def test_every_range_has_the_numbers_of_the_api(client: Client, api: Client, path: str, name: str) -> None:
    count(api)
    page = client.get(path, {"range": name}).content.decode()
    drawn = counts_of(page)
    asked = {"field": QUANTITY, "category": "error", "groupBy": "outcome"}
    span = {"start": str(drawn["starts"][0]), "end": str(NOW + 34)}
    answer = api.get(V2, {**asked, **span, "interval": RANGES[name]}).json()
    wanted = {one["by"]["outcome"]: one for one in answer["groups"]}
    assert {outcome: counts for outcome, counts in drawn["series"].items() if any(counts)} == {
        outcome: one["series"][QUANTITY] for outcome, one in wanted.items()
    }
    totals = [int(number.replace(",", "")) for number in re.findall(r"<dd>([\d,]+)</dd>", page)]
    sums = [wanted[one]["totals"][QUANTITY] if one in wanted else 0 for one in drawn["series"]]
    assert totals == [sum(sums[:3]), *sums]
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", page, re.DOTALL)
    in_rows = [[int(one.replace(",", "")) for one in re.findall(r"<td>([\d,]+)<", line)] for line in rows[::-1]]
    by_bucket = list(zip(*drawn["series"].values(), strict=True))
    assert in_rows == [[sum(counts[:3]), *counts] for counts in by_bucket]


def test_without_a_range_or_with_another_it_shows_seven_days(client: Client, path: str) -> None:
    pages = [client.get(path, query).content for query in ({}, {"range": "400d"}, {"range": "x"}, {"range": "7d"})]
    assert len(set(pages)) == 1


def test_the_address_cannot_ask_for_more_than_the_link_shows(client: Client, api: Client, path: str) -> None:
    count(api)
    plain = client.get(path).content
    wider = {
        "category": "transaction",
        "environment": "production",
        "from": "0",
        "to": str(NOW),
        "resolution": "10s",
        "timezone": "Europe/Berlin",
        "before": "1",
        "format": "csv",
        "project": "2",
    }
    for name, value in wider.items():
        assert client.get(path, {name: value}).content == plain, name
    assert client.get(f"{path}?range=7d&range=400d&category=transaction").content == plain


def test_it_names_the_project_and_nothing_else_of_the_organization(
    client: Client, api: Client, organization: Organization, project: Project
) -> None:
    organization.name = "Secretive Industries"
    services.update_organization(organization=organization)
    project.name = "Storefront"
    services.update_project(project=project)
    services.create_project(organization=organization, slug="hush", name="Hushed")
    secret = services.create_link(project=project, name="For the wiki").secret
    key = project.keys.get()
    rows = [row("filtered", 2, reason="localhost", key=key.public), row(environment="production")]
    post(api, "web", *rows, row("client_discard", 4, reason="sample_rate"))
    for path in (f"/share/{secret}/", f"/share/{secret}.svg"):
        shown = client.get(path).content.decode()
        assert "Storefront" in shown
        hidden = [
            "Secretive",
            "acme",
            "Hush",
            "For the wiki",
            key.public,
            "localhost",
            "sample_rate",
            "production",
            "/o/",
        ]
        assert [one for one in hidden if one in shown] == []


def test_it_needs_no_session_and_makes_none(client: Client, member: Client, path: str) -> None:
    services.use_link(path.split("/")[2], now=NOW)
    with CaptureQueriesContext(connection) as queries:
        for one in (path, picture_of(path)):
            response = client.get(one)
            assert response.status_code == 200
            assert not response.cookies
    assert len(queries) == 2
    assert client.get(path).content == member.get(path).content


@pytest.mark.parametrize("form", ["{}/", "{}.svg"])
def test_a_link_that_is_not_in_force_is_the_same_404_as_no_link(
    client: Client, project: Project, organization: Organization, form: str
) -> None:
    new = services.create_link(project=project)
    shop = services.create_project(organization=organization, slug="shop", name="Shop")
    gone = services.create_link(project=shop).secret
    services.delete_project(project=shop)
    services.revoke_link(new.link)
    with time_machine.travel(NOW - 86400, tick=False):
        over = services.create_link(project=project, expires=datetime.fromtimestamp(NOW, UTC)).secret
    secrets = [new.secret, gone, over, "shl_" + "a" * 43, "shl_", "x", "shl_" + "%00" * 43]
    answers = [client.get("/share/" + form.format(secret)) for secret in secrets]
    missing = client.get("/nowhere/")
    assert {answer.status_code for answer in answers} == {404}
    assert {answer.content for answer in answers} == {missing.content}
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}


def test_a_revoked_link_ends_with_the_next_request(client: Client, path: str) -> None:
    assert [client.get(one).status_code for one in (path, picture_of(path))] == [200, 200]
    services.revoke_link(PublicLink.objects.get())
    assert [client.get(one).status_code for one in (path, picture_of(path))] == [404, 404]


def test_a_project_whose_deletion_was_interrupted_is_gone(client: Client, project: Project, path: str) -> None:
    services.condemn_projects([project])
    assert [client.get(one).status_code for one in (path, picture_of(path))] == [404, 404]
    assert not Project.objects.exists()


@pytest.mark.parametrize("method", ["post", "put", "delete", "options"])
def test_it_can_only_be_read(client: Client, path: str, method: str) -> None:
    for one in (path, picture_of(path)):
        response = getattr(client, method)(one)
        assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD")


def test_head_answers_as_get_does_without_a_body(client: Client, path: str) -> None:
    for one in (path, picture_of(path)):
        got, head = client.get(one), client.head(one)
        assert (head.status_code, head.content) == (200, b"")
        assert dict(head.items()) == dict(got.items())


def test_the_theme_is_the_one_of_the_address_or_the_one_that_was_chosen(client: Client, path: str) -> None:
    assert b"data-theme" not in client.get(path).content
    assert b'data-theme="dark"' in client.get(path, {"theme": "dark"}).content
    assert b"?range=30d&amp;theme=dark" in client.get(path, {"theme": "dark"}).content
    assert b"data-theme" not in client.get(path, {"theme": '"><script>'}).content
    client.cookies["theme"] = "dark"
    assert b'data-theme="dark"' in client.get(path).content
    assert b'data-theme="light"' in client.get(path, {"theme": "light"}).content
