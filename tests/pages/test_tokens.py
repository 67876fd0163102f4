"""The page of tokens: made, shown once, rotated and revoked by owners alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client

from projects import services
from projects.models import SCOPES, ApiToken, Change, Organization, Preference, Project

pytestmark = pytest.mark.django_db

PAGE = "/organization/acme/tokens/"
STATS = "/api/0/projects/acme/web/stats/"
NEW = {"name": "Grafana", "preset": "read", "last_day": ""}


@pytest.fixture
def made(organization: Organization) -> ApiToken:
    """A token of `acme` with every scope."""
    return services.create_token(organization=organization, scopes=SCOPES, name="Old one").token


def secrets_in(page: Any) -> list[str]:
    return re.findall(r"sta_[A-Za-z0-9_-]{43}", page.content.decode())


def status_with(secret: str) -> int:
    return Client().get(STATS, headers={"authorization": f"Bearer {secret}"}).status_code


def state_of(token: ApiToken) -> str:
    token.refresh_from_db()
    return "revoked" if token.revoked else "in force"


# --- who may -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "{}/revoke/", "{}/rotate/"])
@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
@pytest.mark.parametrize("role", ["viewer", "member", "owner", "nobody"])
def test_only_owners_see_tokens_and_change_them(
    sign_in: Callable[[str], Client], made: ApiToken, role: str, method: str, path: str
) -> None:
    answer = getattr(sign_in(role), method)(PAGE + path.format(made.pk), NEW)
    if method in ("put", "delete"):
        assert answer.status_code == 405
    elif role == "owner":
        assert answer.status_code == (302 if method == "post" and "revoke" in path else 200)
    else:
        assert answer.status_code == (404 if role == "nobody" else 403)
        assert made.last_four not in answer.content.decode()
    if role != "owner" or method in ("get", "put", "delete"):
        assert (state_of(made), ApiToken.objects.count()) == ("in force", 1)


def test_a_stranger_is_sent_to_the_login_page(client: Client, made: ApiToken) -> None:
    for path in (PAGE, f"{PAGE}{made.pk}/revoke/", f"{PAGE}{made.pk}/rotate/"):
        assert client.post(path, NEW)["Location"] == "/login/?next=/"
    assert (state_of(made), ApiToken.objects.count()) == ("in force", 1)


def test_an_outsider_sees_the_page_of_what_does_not_exist(stranger_signed_in: Client, made: ApiToken) -> None:
    paths = [PAGE, f"{PAGE}{made.pk}/revoke/", f"{PAGE}{made.pk}/rotate/", "/organization/missing/tokens/"]
    answers = [stranger_signed_in.post(path, NEW) for path in paths]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert (state_of(made), ApiToken.objects.count()) == ("in force", 1)


@pytest.mark.parametrize("what", ["revoke", "rotate"])
def test_a_token_of_another_organization_does_not_exist_here(
    boss: Client, made: ApiToken, other_organization: Organization, what: str
) -> None:
    theirs = services.create_token(organization=other_organization, scopes=SCOPES).token
    for number in (str(theirs.pk), "0", "x", "²", "9" * 40):
        assert boss.post(f"{PAGE}{number}/{what}/").status_code == 404
    assert state_of(theirs) == "in force"


def test_a_form_without_its_csrf_token_is_refused(boss: Client, made: ApiToken) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = boss.cookies
    for path in (PAGE, f"{PAGE}{made.pk}/revoke/", f"{PAGE}{made.pk}/rotate/"):
        assert strict.post(path, NEW).status_code == 403
    assert (state_of(made), ApiToken.objects.count()) == ("in force", 1)


# --- a new one -----------------------------------------------------------------------------------------------


def test_a_new_token_is_shown_in_the_answer_and_works(boss: Client, project: Project) -> None:
    page = boss.post(PAGE, NEW)
    (secret,) = set(secrets_in(page))
    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    assert status_with(secret) == 200
    token = ApiToken.objects.get()
    assert (token.name, token.scopes, token.expires) == ("Grafana", ["project:read", "org:read"], None)
    line = Change.objects.get(what__contains="token")
    assert line.who == "owner@example.com"
    assert line.what == f"created the token “Grafana” …{secret[-4:]} with project:read, org:read"


def test_its_secret_is_nowhere_else_and_never_shown_again(
    boss: Client, project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    page = boss.post(PAGE, NEW)
    rotated = boss.post(f"{PAGE}{ApiToken.objects.get().pk}/rotate/")
    secrets = {*secrets_in(page), *secrets_in(rotated)}
    assert len(secrets) == 2
    kept = [str(list(ApiToken.objects.values())), str(list(Change.objects.values())), caplog.text, str(boss.cookies)]
    kept += [str(session.get_decoded()) for session in Session.objects.all()]
    kept += [str(page.headers), str(rotated.headers)]
    kept += [boss.get(path).content.decode() for path in (PAGE, "/o/acme/", "/organization/acme/history/")]
    for secret in secrets:
        assert not [text for text in kept if secret in text]


@pytest.mark.parametrize(
    ("preset", "scopes"),
    [
        ("read", ["project:read", "org:read"]),
        ("count", ["project:read", "project:write"]),
        ("all", list(SCOPES)),
        ("custom", ["project:admin", "event:write"]),
    ],
)
def test_a_purpose_decides_the_scopes(boss: Client, project: Project, preset: str, scopes: list[str]) -> None:
    # Single scopes count only where they are chosen.
    boss.post(PAGE, {**NEW, "preset": preset, "scopes": ["event:write", "project:admin"]})
    assert ApiToken.objects.get().scopes == scopes


def test_scopes_that_open_nothing_are_not_offered_and_kept_where_somebody_chose_them(
    boss: Client, project: Project
) -> None:
    boxes = [f'value="{scope}"' for scope in SCOPES]
    page = boss.get(PAGE).content.decode()
    assert [box in page for box in boxes] == [True] * 6 + [False] * 3
    chosen = {**NEW, "name": "", "preset": "custom", "scopes": ["event:write"]}
    page = boss.post(PAGE, chosen).content.decode()
    assert [box in page for box in boxes] == [True] * 6 + [False, True, False]


def test_it_works_until_the_end_of_its_last_day_in_the_readers_zone(boss: Client, project: Project) -> None:
    Preference.objects.create(user_id=int(boss.session["_auth_user_id"]), timezone="America/New_York")
    with time_machine.travel(datetime(2026, 11, 26, 12, tzinfo=UTC), tick=False):
        boss.post(PAGE, {**NEW, "last_day": "2026-11-26"})
    assert ApiToken.objects.get().expires == datetime(2026, 11, 27, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "x" * 101}, "at most 100 characters"),
        ({"name": "\0"}, "Null characters are not allowed."),
        ({"preset": "dance"}, "Select a valid choice."),
        ({"preset": ""}, "This field is required."),
        ({"preset": "custom"}, "Choose at least one scope."),
        ({"preset": "custom", "scopes": ["project:dance"]}, "Select a valid choice."),
        ({"last_day": "2020-01-01"}, "This day is over already."),
        ({"last_day": "soon"}, "Enter a valid date."),
        ({"last_day": "9999-12-31"}, "Choose a day of the next 100 years"),
    ],
)
def test_what_is_wrong_is_said_in_the_form(
    boss: Client, project: Project, fields: dict[str, Any], refusal: str
) -> None:
    page = boss.post(PAGE, {**NEW, **fields})
    assert page.status_code == 200
    assert refusal in page.content.decode()
    assert not ApiToken.objects.exists()


def test_a_refused_form_keeps_what_was_filled_in(boss: Client, project: Project) -> None:
    page = boss.post(PAGE, {"name": "Mine", "preset": "custom", "scopes": ["org:read"], "last_day": "soon"})
    text = page.content.decode()
    assert 'value="Mine"' in text
    assert 'value="custom" checked' in text
    assert 'value="org:read" checked' in text
    assert 'value="org:write" checked' not in text


def test_the_limit_is_named_and_says_what_to_do(boss: Client, made: ApiToken, settings: Any) -> None:
    settings.ORGANIZATION_MAX_TOKENS = 1
    page = boss.post(PAGE, NEW)
    assert "This organization has 1 tokens in force" in page.content.decode()
    assert ApiToken.objects.get() == made


# --- the list ------------------------------------------------------------------------------------------------


@pytest.fixture
def in_summer() -> Iterator[None]:
    with time_machine.travel(datetime(2026, 7, 1, 12, tzinfo=UTC), tick=False):
        yield


def test_the_list_says_what_each_may_and_its_state(boss: Client, made: ApiToken, in_summer: None) -> None:
    organization = made.organization
    later = datetime(2027, 1, 2, 3, 4, tzinfo=UTC)
    services.create_token(organization=organization, scopes=["org:read"], name="Ends", expires=later)
    gone = services.create_token(organization=organization, scopes=["event:read"]).token
    services.revoke_tokens([gone])
    old = services.create_token(organization=organization, scopes=["org:admin"], name="Expired").token
    ApiToken.objects.filter(pk=old.pk).update(expires=datetime.now(UTC) - timedelta(days=1))
    ApiToken.objects.filter(pk=made.pk).update(last_used=datetime.now(UTC))
    valid, _, over = boss.get(PAGE).content.decode().partition("<details")
    assert [name for name in ("Old one", "Ends", "Expired", "no name") if name in valid] == ["Old one", "Ends"]
    assert "2 Jan 2027, 03:04" in valid
    assert "1 Jul 2026, 12:00" in valid
    assert f"…{made.last_four}" in valid
    assert (over.count("revoked</span>"), over.count("expired</span>")) == (1, 1)
    assert f"{gone.pk}/revoke/" not in over


def test_names_are_text(boss: Client, organization: Organization) -> None:
    token = services.create_token(organization=organization, scopes=SCOPES, name="<script>alert(1)</script>").token
    for path in ("", f"{token.pk}/revoke/", f"{token.pk}/rotate/"):
        assert "<script>alert" not in boss.get(PAGE + path).content.decode()
    assert "<script>alert" not in boss.post(f"{PAGE}{token.pk}/revoke/", follow=True).content.decode()


def test_many_tokens_cost_no_more_queries(
    boss: Client, organization: Organization, django_assert_max_num_queries: Any
) -> None:
    for _ in range(20):
        services.create_token(organization=organization, scopes=SCOPES)
    with django_assert_max_num_queries(8):
        boss.get(PAGE)


# --- revoked and rotated -------------------------------------------------------------------------------------


def test_a_token_is_revoked_after_a_question(boss: Client, project: Project) -> None:
    secret = services.create_token(organization=project.organization, scopes=SCOPES, name="CI").secret
    token = ApiToken.objects.get()
    assert status_with(secret) == 200
    question = boss.get(f"{PAGE}{token.pk}/revoke/").content.decode()
    assert f"CI …{token.last_four}" in question
    assert state_of(token) == "in force"
    answer = boss.post(f"{PAGE}{token.pk}/revoke/", follow=True)
    assert answer.redirect_chain == [(PAGE, 302)]
    assert f"The token “CI” …{token.last_four} is revoked." in answer.content.decode()
    assert (state_of(token), status_with(secret)) == ("revoked", 401)


def test_a_token_that_is_revoked_already_says_so(boss: Client, made: ApiToken) -> None:
    services.revoke_tokens([made])
    assert "was revoked before" in boss.get(f"{PAGE}{made.pk}/revoke/").content.decode()
    assert "was revoked before" in boss.post(f"{PAGE}{made.pk}/revoke/", follow=True).content.decode()
    answer = boss.post(f"{PAGE}{made.pk}/rotate/", follow=True)
    assert "stays as it is" in answer.content.decode()
    assert secrets_in(answer) == []


def test_a_rotated_token_has_the_same_rights_and_another_secret(boss: Client, project: Project) -> None:
    ends = datetime(2100, 1, 1, tzinfo=UTC)
    old = services.create_token(organization=project.organization, scopes=["project:read"], name="CI", expires=ends)
    page = boss.post(f"{PAGE}{old.token.pk}/rotate/")
    (secret,) = set(secrets_in(page))
    new = ApiToken.objects.get(revoked=None)
    assert (new.name, new.scopes, new.expires) == ("CI", ["project:read"], ends)
    assert (status_with(old.secret), status_with(secret)) == (401, 200)
