"""Who may do what, and the order of the checks: caller, scope, method, object, query."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response

from projects import services
from projects.models import SCOPES, Membership, Organization, Project
from statsapi.api.base import ApiView
from statsapi.api.objects import get_project
from statsapi.api.permissions import ORGANIZATION_SCOPES, PROJECT_SCOPES
from tests.api.live import OUTCOMES, STATS

pytestmark = pytest.mark.django_db

NO_PERMISSION = {"detail": "You do not have permission to perform this action."}
ROW = {"outcomes": [{"outcome": "accepted"}]}
ALLOWED = {"stats": ("GET", "HEAD"), "outcomes": ("POST",)}
READ = {"project:read", "project:write", "project:admin"}
WRITE = READ - {"project:read"}
NEEDED = {"GET": READ, "HEAD": READ, "POST": WRITE, "PUT": WRITE, "PATCH": WRITE, "DELETE": {"project:admin"}}
CREDENTIALS = ("none", "unknown", "event:read", "project:read", "project:write", "project:admin")


def expected(credentials: str, endpoint: str, method: str, there: bool, good: bool) -> int:
    """Return the status that docs/contract.md#order-of-checks gives."""
    if credentials in ("none", "unknown"):
        return 401
    if credentials not in NEEDED[method]:
        return 403
    if method not in ALLOWED[endpoint]:
        return 405
    if not there:
        return 404
    if not good:
        return 400
    return 201 if endpoint == "outcomes" else 200


@pytest.mark.parametrize("credentials", CREDENTIALS)
@pytest.mark.parametrize("endpoint", ALLOWED)
@pytest.mark.parametrize("method", NEEDED)
def test_checks_come_in_the_contracts_order(
    make_api: Callable[..., Client], client: Client, project: Project, credentials: str, endpoint: str, method: str
) -> None:
    if credentials == "none":
        caller, headers = client, {}
    elif credentials == "unknown":
        caller, headers = client, {"authorization": "Bearer sta_unknown"}
    else:
        caller, headers = make_api(credentials), {}
    for there, good in itertools.product((True, False), repeat=2):
        url = f"/api/0/projects/acme/{'web' if there else 'missing'}/{endpoint}/"
        url += "" if good else "?stat=x&resolution=x"
        body = '{"outcomes": [{"outcome": "accepted"}]}' if good else "no JSON"
        response = caller.generic(method, url, body, "application/json", headers=headers)
        assert response.status_code == expected(credentials, endpoint, method, there, good), (there, good)


def test_an_unknown_method_asks_for_the_highest_scope(make_api: Callable[..., Client], project: Project) -> None:
    assert make_api("project:write").generic("FROBNICATE", STATS).status_code == 403
    assert make_api("project:admin").generic("FROBNICATE", STATS).status_code == 405


@pytest.mark.parametrize("scope", SCOPES)
def test_any_one_of_the_projects_scopes_suffices_and_no_other(
    make_api: Callable[..., Client], project: Project, scope: str
) -> None:
    api = make_api(scope)
    read, head = api.get(STATS), api.head(STATS)
    write = api.post(OUTCOMES, ROW, "application/json")
    assert read.status_code == head.status_code == (200 if scope in READ else 403)
    assert write.status_code == (201 if scope in WRITE else 403)
    for response in (read, write):
        assert response.status_code != 403 or response.json() == NO_PERMISSION


def test_scopes_are_added_up(make_api: Callable[..., Client], project: Project) -> None:
    api = make_api("event:read", "org:read", "project:read")
    assert api.get(STATS).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_scope_that_was_taken_away_is_missed_at_the_next_request(
    make_api: Callable[..., Client], project: Project
) -> None:
    api = make_api("project:read")
    assert api.get(STATS).status_code == 200
    token = project.organization.tokens.get()
    token.scopes = ["org:read"]
    services.update_token(token=token)
    assert api.get(STATS).status_code == 403


@pytest.mark.parametrize("who", ["owner", "member", "superuser"])
def test_a_user_with_a_part_in_the_organization_may_read_and_count(
    request: pytest.FixtureRequest, log_in: Callable[..., Client], project: Project, who: str
) -> None:
    browser = log_in(request.getfixturevalue(who))
    assert browser.get(STATS).status_code == 200
    assert browser.post(OUTCOMES, ROW, "application/json").status_code == 201


def test_a_viewer_looks_and_changes_nothing(log_in: Callable[..., Client], project: Project, viewer: User) -> None:
    browser = log_in(viewer)
    assert browser.get(STATS).status_code == 200
    assert browser.post(OUTCOMES, ROW, "application/json").status_code == 403


@pytest.mark.parametrize("who", ["viewer", "member", "owner", "superuser", "project:read"])
def test_the_secret_half_of_a_key_is_hidden_from_a_viewer_alone(
    request: pytest.FixtureRequest,
    log_in: Callable[..., Client],
    make_api: Callable[..., Client],
    project: Project,
    who: str,
) -> None:
    key = project.keys.get()
    caller = make_api(who) if ":" in who else log_in(request.getfixturevalue(who))
    url = "/api/0/projects/acme/web/keys/"
    (listed,), alone = caller.get(url).json(), caller.get(f"{url}{key.public}/").json()
    assert listed == alone
    assert alone["public"] in alone["dsn"]["public"]
    if who == "viewer":
        assert alone["secret"] is alone["dsn"]["secret"] is None
    else:
        assert alone["secret"] == key.secret
        assert f"{key.public}:{key.secret}@" in alone["dsn"]["secret"]


@pytest.mark.parametrize(
    ("who", "shown"),
    [("viewer", False), ("member", True), ("owner", True), ("org:read", False), ("org:read project:read", True)],
)
def test_the_keys_of_an_organization_show_their_secret_half_to_those_who_see_it_in_a_project(
    request: pytest.FixtureRequest,
    log_in: Callable[..., Client],
    make_api: Callable[..., Client],
    project: Project,
    who: str,
    shown: bool,
) -> None:
    caller = make_api(*who.split()) if ":" in who else log_in(request.getfixturevalue(who))
    (listed,) = caller.get("/api/0/organizations/acme/project-keys/").json()
    key = project.keys.get()
    assert listed["public"] == key.public
    assert listed["secret"] == (key.secret if shown else None)
    assert (listed["dsn"]["secret"] is not None) == shown


@pytest.mark.parametrize("credentials", ["outsider", "outsider_api"])
@pytest.mark.parametrize("endpoint", ALLOWED)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_to_an_outsider_the_project_does_not_exist(
    request: pytest.FixtureRequest,
    log_in: Callable[..., Client],
    project: Project,
    credentials: str,
    endpoint: str,
    method: str,
) -> None:
    caller = request.getfixturevalue(credentials)
    caller = log_in(caller) if isinstance(caller, User) else caller
    organization = project.organization
    answers = [
        caller.generic(method, f"/api/0/projects/{where}/{endpoint}/", '{"outcomes": []}', "application/json")
        for where in (
            "acme/web",
            "acme/missing",
            "missing/web",
            f"{organization.pk}/{project.pk}",
            f"other/{project.pk}",
            "other/web",
        )
    ]
    wanted = 404 if method in ALLOWED[endpoint] else 405
    assert {answer.status_code for answer in answers} == {wanted}
    assert len({(answer.content, str(answer.items())) for answer in answers}) == 1


def test_a_user_without_any_organization_sees_nothing(log_in: Callable[..., Client], project: Project) -> None:
    response = log_in(User.objects.create_user("newcomer")).get(STATS)
    assert (response.status_code, response.json()) == (404, {"detail": "The requested resource does not exist"})


def test_a_staff_member_is_no_superuser(log_in: Callable[..., Client], project: Project) -> None:
    assert log_in(User.objects.create_user("clerk", is_staff=True)).get(STATS).status_code == 404


def test_a_membership_that_ended_is_missed_at_the_next_request(
    log_in: Callable[..., Client], project: Project, member: User
) -> None:
    browser = log_in(member)
    assert browser.get(STATS).status_code == 200
    Membership.objects.filter(user=member).delete()
    assert browser.get(STATS).status_code == 404


class _Managed(ApiView):
    """A view that asks for more than any endpoint does."""

    scope_map = ORGANIZATION_SCOPES

    def delete(self, request: Request, organization_slug: str, project_slug: str) -> Response:
        get_project(self, organization_slug, project_slug)
        return Response(status=204)

    put = delete


urlpatterns = [path("api/0/managed/<str:organization_slug>/<str:project_slug>/", _Managed.as_view())]


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(
    ("who", "put", "delete"),
    [("owner", 204, 204), ("member", 403, 403), ("viewer", 403, 403), ("superuser", 204, 204), ("outsider", 404, 404)],
)
@pytest.mark.parametrize("there", [True, False], ids=["there", "missing"])
def test_a_users_role_decides(
    request: pytest.FixtureRequest,
    log_in: Callable[..., Client],
    project: Project,
    who: str,
    put: int,
    delete: int,
    there: bool,
) -> None:
    browser = log_in(request.getfixturevalue(who))
    url = f"/api/0/managed/acme/{'web' if there else 'missing'}/"
    answers = (browser.put(url), browser.delete(url))
    wanted = tuple(404 if status == 204 and not there else status for status in (put, delete))
    assert tuple(answer.status_code for answer in answers) == wanted
    assert all(answer.json() == NO_PERMISSION for answer in answers if answer.status_code == 403)


def test_a_view_asks_for_more_the_more_it_does() -> None:
    assert NEEDED == PROJECT_SCOPES
    of_organizations = {
        method: {scope.replace("project", "org") for scope in scopes} for method, scopes in NEEDED.items()
    }
    assert of_organizations == ORGANIZATION_SCOPES


def test_a_token_sees_its_own_organization_alone(
    api: Client, project: Project, other_organization: Organization
) -> None:
    services.create_project(organization=other_organization, slug="theirs", name="Theirs")
    for where in ("other/theirs", f"{other_organization.pk}/theirs", "acme/theirs"):
        assert api.get(f"/api/0/projects/{where}/stats/").status_code == 404
