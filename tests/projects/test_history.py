"""The history: what each service says in it and who did it, what it leaves out, and how long it gets."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from django.test import Client

from projects import services
from projects.acting import COMMAND_LINE, acting_as
from projects.models import SCOPES, ApiToken, Change, Membership, Organization, Project, ProjectFilters
from projects.services import history
from projects.services.tokens import digest_of
from tsdb import series
from tsdb.outcomes import Category, Outcome
from tsdb.state import Phase
from tsdb.states import Unsettled
from tsdb.store import Increment, Store

pytestmark = pytest.mark.django_db

NOW = 1_541_455_200
ENDS = datetime(2030, 1, 2, 3, 4, tzinfo=UTC)


@pytest.fixture
def web(project: Project) -> Project:
    """The project `web` of `acme`, before which nothing stands in the history."""
    Change.objects.all().delete()
    return project


def said(of: Organization | None = None) -> list[str]:
    """Return the lines of the history, oldest first, as "project: what"."""
    lines = Change.objects.order_by("id")
    lines = lines if of is None else lines.filter(organization=of)
    return [f"{line.project}: {line.what}" if line.project else line.what for line in lines]


def shown(key: object) -> str:
    return f"({getattr(key, 'public')[:6]}…)"  # noqa: B009


def count(project: Project) -> None:
    one = series.total(project.pk, Category.ERROR, Outcome.ACCEPTED)
    services.count(project.pk, [Increment(one, NOW, 1)], now=NOW)


# --- organizations and members -------------------------------------------------------------------------------


def test_an_organization_and_its_names(db: None) -> None:
    organization = services.create_organization(slug="acme", name="Acme")
    organization.name, organization.slug = "Acme & Sons", "acme-sons"
    services.update_organization(organization=organization)
    assert said() == [
        "created the organization “Acme”",
        "renamed the organization: “Acme” → “Acme & Sons”",
        "changed the organization's slug: acme → acme-sons",
    ]


def test_a_member_comes_gets_another_role_and_goes(web: Project) -> None:
    ann = User.objects.create_user("ann@example.com")
    membership = services.add_member(organization=web.organization, user_id=ann.pk)
    membership.role = Membership.Role.MEMBER
    services.save_members(web.organization, membership)
    services.save_members(web.organization, removed=[membership])
    assert said() == [
        "added ann@example.com as viewer",
        "changed the role of ann@example.com: viewer → member",
        "removed ann@example.com, who was member",
    ]


def test_a_membership_that_is_given_to_somebody_else_is_two_lines(web: Project) -> None:
    ann, ben = (User.objects.create_user(name) for name in ("ann", "ben"))
    membership = services.add_member(organization=web.organization, user_id=ann.pk)
    membership.user = ben
    services.save_members(web.organization, membership)
    assert said()[1:] == ["removed ann, who was viewer", "added ben as viewer"]


# --- projects ------------------------------------------------------------------------------------------------


def test_a_project_is_made_and_changed(organization: Organization) -> None:
    project = services.create_project(organization=organization, slug="web", name="Web")
    project.name, project.slug, project.platform = "Shop", "shop", "python"
    services.update_project(project=project)
    assert said()[1:] == [
        "web: created the project “Web”",
        "shop: renamed the project: “Web” → “Shop”",
        "shop: changed the project's slug: web → shop",
        "shop: changed the project's platform: none → python",
    ]


def test_counts_are_deleted_alone(web: Project) -> None:
    services.empty_project(web.pk)
    assert said() == ["web: deleted all counts of the project"]


def test_a_deleted_project_stays_in_the_history(web: Project) -> None:
    count(web)
    services.delete_project(project=web)
    assert said() == ["web: deleted the project “Web” with all its counts"]


def test_a_deletion_is_said_when_it_is_decided_by_who_decided_it_and_once(web: Project) -> None:
    with acting_as("ann"):
        services.condemn_projects([web])
    with acting_as("ben"):
        services.condemn_projects([web])
        services.settle([web.pk])
    assert not Project.objects.exists()
    assert [(line.who, line.what) for line in Change.objects.all()] == [
        ("ann", "deleted the project “Web” with all its counts")
    ]


def test_a_deletion_that_cannot_be_said_is_not_begun(
    web: Project, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise DatabaseError

    monkeypatch.setattr(history, "note_project", fail)
    with pytest.raises(DatabaseError):
        services.delete_project(project=web)
    assert store.states.get(web.pk).phase is not Phase.DELETING


def test_a_deletion_that_must_wait_for_a_merge_is_said_once(web: Project, store: Store) -> None:
    shop = services.create_project(organization=web.organization, slug="shop", name="Shop")
    news = services.create_project(organization=web.organization, slug="news", name="News")
    for one in (web, shop, news):
        count(one)
    Change.objects.all().delete()
    assert services.merging.begin(source=web.pk, destination=shop.pk)
    services.delete_projects([news, shop])
    assert said() == [
        "news: deleted the project “News” with all its counts",
        "shop: deleted the project “Shop” with all its counts",
    ]


def test_a_deletion_that_is_refused_is_not_said(web: Project, store: Store) -> None:
    gone = Project(pk=web.pk + 1, slug="gone", organization=web.organization)
    with pytest.raises(Project.DoesNotExist):
        services.delete_projects([web, gone])
    assert said() == []


def test_both_projects_of_a_merge_say_so(web: Project) -> None:
    shop = services.create_project(organization=web.organization, slug="shop", name="Shop")
    count(web)
    Change.objects.all().delete()
    services.merge_projects(source=web.pk, destination=shop.pk)
    assert said() == ["web: moved all counts into the project shop", "shop: took in all counts of the project web"]


def test_a_merge_that_somebody_else_finishes_is_said_by_who_began_it(web: Project, store: Store) -> None:
    shop = services.create_project(organization=web.organization, slug="shop", name="Shop")
    count(web)
    Change.objects.all().delete()
    with acting_as("ann"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(services.merging, "finish", _die)
        with pytest.raises(InterruptedError):
            services.merge_projects(source=web.pk, destination=shop.pk)
    with acting_as("ben"):
        services.settle([shop.pk])
    assert store.states.get(shop.pk).phase is Phase.CLOSED
    assert {line.who for line in Change.objects.all()} == {"ann"}
    assert len(said()) == 2


def test_a_merge_that_never_comes_to_its_end_says_so(web: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = services.create_project(organization=web.organization, slug="shop", name="Shop")
    count(web)
    Change.objects.all().delete()
    finish = services.merging.finish
    monkeypatch.setattr(services.merging, "finish", lambda project: finish(project) and False)
    with pytest.raises(services.Unsettled):
        services.merge_projects(source=web.pk, destination=shop.pk)
    assert said() == [
        "web: moved all counts into the project shop",
        "shop: took in all counts of the project web",
        "web: gave up moving counts into the project shop",
        "shop: gave up taking in counts of the project web",
    ]


def _die(project: int) -> bool:
    raise InterruptedError


# --- keys and filters ----------------------------------------------------------------------------------------


def test_a_key_from_its_first_day_to_its_last(web: Project) -> None:
    key = services.create_key(project=web, label="Phones")
    key.label = "Old phones"
    services.save_intake(web, key)
    key.rate_limit_count, key.rate_limit_window = 100, 3600
    services.save_intake(web, key)
    key.rate_limit_count, key.rate_limit_window = 1, 90
    services.save_intake(web, key)
    key.rate_limit_count = key.rate_limit_window = None
    services.save_intake(web, key)
    key.active = False
    services.save_intake(web, key)
    key.active = True
    services.save_intake(web, key)
    services.delete_keys([key])
    mark = shown(key)
    assert said() == [
        f"web: created the key “Phones” {mark}",
        f"web: renamed the key “Phones” {mark} to “Old phones”",
        f"web: changed the quota of the key “Old phones” {mark}: no quota → 100 errors an hour",
        f"web: changed the quota of the key “Old phones” {mark}: 100 errors an hour → 1 error in 90 seconds",
        f"web: changed the quota of the key “Old phones” {mark}: 1 error in 90 seconds → no quota",
        f"web: disabled the key “Old phones” {mark}",
        f"web: enabled the key “Old phones” {mark}",
        f"web: deleted the key “Old phones” {mark}",
    ]


def test_no_line_holds_a_whole_key(web: Project) -> None:
    key = services.create_key(project=web, label="Phones")
    services.delete_keys([key])
    assert not any(key.public in line or key.secret in line for line in said())


def test_filters_say_which_and_what(web: Project) -> None:
    filters = ProjectFilters(project=web, localhost=True, ip_addresses="10.0.0.0/8\n192.0.2.7")
    services.save_intake(web, filters)
    filters.localhost, filters.invalid_csp = False, True
    filters.ip_addresses = "192.0.2.7\n10.1.0.0/16"
    filters.error_messages = "\n".join(f"*{word}*" for word in ("one", "two", "three", "four", "five"))
    services.save_intake(web, filters)
    assert said() == [
        "web: turned the inbound filter localhost on",
        "web: changed the inbound filter of IP addresses: added “10.0.0.0/8”, “192.0.2.7”",
        "web: turned the inbound filter localhost off",
        "web: turned the inbound filter Invalid CSP on",
        "web: changed the inbound filter of IP addresses: added “10.1.0.0/16”; removed “10.0.0.0/8”",
        "web: changed the inbound filter of error messages: added “*one*”, “*two*”, “*three*” and 2 more",
    ]


# --- tokens --------------------------------------------------------------------------------------------------


def test_a_token_from_its_first_day_to_its_last(web: Project) -> None:
    made = services.create_token(
        organization=web.organization, scopes=["project:read", "org:read"], name="Grafana", expires=ENDS
    )
    token, four = made.token, made.secret[-4:]
    token.name, token.scopes, token.expires = "Boards", ["project:read"], None
    services.update_token(token=token)
    new = services.rotate_token(token=token)
    services.revoke_tokens([new.token])
    services.delete_tokens([new.token])
    now = new.secret[-4:]
    assert said() == [
        f"created the token “Grafana” …{four} with project:read, org:read, until 2030-01-02 03:04 UTC",
        f"renamed the token “Grafana” …{four} to “Boards”",
        f"changed the scopes of the token “Boards” …{four}: project:read, org:read → project:read",
        f"changed the end of the token “Boards” …{four}: 2030-01-02 03:04 UTC → never",
        f"rotated the token “Boards” …{four}: it is …{now} now",
        f"revoked the token “Boards” …{now}",
        f"deleted the token “Boards” …{now}",
    ]
    for secret in (made.secret, new.secret):
        assert not any(secret in line or digest_of(secret) in line for line in said())


def test_a_token_without_a_name_and_with_every_scope(web: Project) -> None:
    made = services.create_token(organization=web.organization, scopes=SCOPES)
    assert said() == [f"created the token …{made.secret[-4:]} with all scopes"]


def test_old_tokens_that_make_room_are_not_said_to_be_deleted(web: Project, settings: object) -> None:
    settings.ORGANIZATION_MAX_TOKENS = 1  # type: ignore[attr-defined]
    for _ in range(3):
        services.revoke_tokens([services.create_token(organization=web.organization, scopes=SCOPES).token])
    services.create_token(organization=web.organization, scopes=SCOPES)
    assert ApiToken.objects.count() == 2
    assert not [line for line in said() if line.startswith("deleted")]


# --- what is not said ----------------------------------------------------------------------------------------


def test_a_save_that_changes_nothing_says_nothing(web: Project, owner: User, token: str) -> None:
    filters = ProjectFilters(project=web, localhost=True, release_versions="1.*\n2.*")
    services.save_intake(web, filters)
    Change.objects.all().delete()
    services.update_organization(organization=web.organization)
    services.save_members(web.organization, Membership.objects.get())
    services.update_project(project=web)
    services.save_intake(web, web.keys.get(), ProjectFilters.objects.get())
    services.update_token(token=ApiToken.objects.get())
    filters.release_versions = "2.*\n\n1.*"  # the same globs in another order
    services.save_intake(web, filters)
    assert said() == []


def test_what_is_done_already_says_nothing(web: Project) -> None:
    token = services.create_token(organization=web.organization, scopes=SCOPES).token
    services.revoke_tokens([token])
    before = said()
    assert services.revoke_tokens([token]) == 0
    assert said() == before


def test_events_and_their_environments_say_nothing(web: Project) -> None:
    count(web)
    services.environment_id(web.pk, "production")
    services.open_project(web.pk)
    assert said() == []


def test_what_is_refused_says_nothing(web: Project, organization: Organization) -> None:
    services.create_project(organization=organization, slug="shop", name="Shop")
    before = said()
    web.slug = "shop"
    with pytest.raises(ValidationError):
        services.update_project(project=web)
    with pytest.raises(ValidationError):
        services.create_token(organization=organization, scopes=["project:dance"])
    assert said() == before


def test_a_change_that_is_rolled_back_takes_its_line_along(web: Project) -> None:
    with transaction.atomic():
        services.create_key(project=web)
        assert len(said()) == 1
        transaction.set_rollback(True)
    assert said() == []


def test_another_organization_has_a_history_of_its_own(web: Project, other_organization: Organization) -> None:
    services.create_key(project=web)
    assert said(other_organization) == ["created the organization “Other”"]


# --- who -----------------------------------------------------------------------------------------------------


def test_who_is_the_command_line_unless_somebody_is_named(web: Project) -> None:
    services.empty_project(web.pk)
    with acting_as("ann"):
        services.empty_project(web.pk)
    services.empty_project(web.pk)
    assert [line.who for line in Change.objects.order_by("id")] == [COMMAND_LINE, "ann", COMMAND_LINE]


def test_a_name_is_looked_up_only_when_something_is_changed(web: Project) -> None:
    asked = []

    def name() -> str:
        asked.append(1)
        return "ann"

    with acting_as(name):
        services.update_project(project=web)
        assert asked == []
        services.empty_project(web.pk)
    assert asked == [1]
    assert Change.objects.get().who == "ann"


# --- its length ----------------------------------------------------------------------------------------------


def test_a_text_is_cut_to_what_the_line_holds(web: Project) -> None:
    with acting_as("w" * 300):
        history.note_project(web, "x" * 500, "y" * 501)
    first, second = Change.objects.order_by("id")
    assert (first.what, second.what) == ("x" * 500, "y" * 499 + "…")
    assert first.who == "w" * 199 + "…"


def test_a_long_name_leaves_room_for_the_rest_of_the_line(web: Project) -> None:
    web.name = "n" * 100
    services.update_project(project=web)
    assert said() == [f"web: renamed the project: “Web” → “{'n' * 59}…”"]


def test_only_the_latest_lines_are_kept_of_each_organization(
    web: Project, other_organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MOST_CHANGES", 150)
    monkeypatch.setattr(history, "PRUNED_EVERY", 10)
    history.note_project(web, *map(str, range(400)))
    kept = said(web.organization)
    assert 150 <= len(kept) < 160
    assert kept[-150:] == [f"web: {number}" for number in range(250, 400)]
    assert said(other_organization) == ["created the organization “Other”"]


def test_it_goes_with_its_organization(web: Project) -> None:
    services.empty_project(web.pk)
    services.delete_organization(organization=web.organization)
    assert not Change.objects.exists()


def test_an_unfinished_merge_refuses_to_empty_and_nothing_is_said(web: Project) -> None:
    shop = services.create_project(organization=web.organization, slug="shop", name="Shop")
    count(web)
    count(shop)
    Change.objects.all().delete()
    assert services.merging.begin(source=web.pk, destination=shop.pk)
    with pytest.raises(Unsettled):
        services.empty_project(shop.pk)
    assert said() == []


def test_a_public_link_is_made_and_revoked_once(web: Project) -> None:
    new = services.create_link(project=web, name="Wiki")
    services.revoke_link(new.link)
    services.revoke_link(new.link)
    named = f"the public link “Wiki” …{new.secret[-4:]}"
    assert said()[-2:] == [f"web: created {named}", f"web: revoked {named}"]


@pytest.mark.parametrize("action", ["", "delete_selected"])
def test_a_member_whose_account_an_operator_deletes_is_noted(web: Project, admin_client: Client, action: str) -> None:
    ann = User.objects.create_user("ann@example.com")
    services.add_member(organization=web.organization, user_id=ann.pk)
    if action:
        form = {"action": action, "_selected_action": [ann.pk], "post": "yes"}
        assert admin_client.post("/admin/auth/user/", form).status_code == 302
    else:
        assert admin_client.post(f"/admin/auth/user/{ann.pk}/delete/", {"post": "yes"}).status_code == 302
    assert said()[-1] == "removed ann@example.com, who was viewer"
    assert Change.objects.latest("id").who == "admin"
