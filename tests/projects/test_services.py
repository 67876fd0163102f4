"""The services: projects, counting, environments, tokens and members."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import connection
from pytest_django import DjangoAssertNumQueries
from redis.exceptions import RedisError

from projects import selectors, services
from projects.connections import get_store
from projects.models import SCOPES, ApiToken, Environment, Organization, Project, ProjectRedirect
from projects.selectors import Token
from tests.servers import free_port
from tsdb import series
from tsdb.outcomes import Category, Outcome
from tsdb.store import Claim, ClaimConflict, Increment, Store
from tsdb.timeline import window
from tsdb.units import NS

pytestmark = pytest.mark.django_db

NOW = 1541538000


def event(project: Project, amount: int = 1) -> list[Increment]:
    return [Increment(series.total(project.pk, Category.ERROR, Outcome.ACCEPTED), NOW, amount)]


def counted(project: Project) -> int:
    store = get_store()
    one = series.total(project.pk, Category.ERROR, Outcome.ACCEPTED)
    return store.get_sums([one], window(store.rollups[-1], NOW * NS, NOW * NS), now=NOW)[one]


def keys_of(number: int) -> list[Any]:
    return list(get_store().clients.read.scan_iter(f"ts:{{{number}}}:*"))


@pytest.fixture
def no_store(settings: LazySettings) -> Iterator[None]:
    settings.TSDB_URL, settings.TSDB_IS_EMBEDDED = f"redis://127.0.0.1:{free_port()}/0", False
    get_store.cache_clear()
    yield
    get_store.cache_clear()


# --- projects ------------------------------------------------------------------------------------------------


def test_a_project_is_made_with_a_key(organization: Organization) -> None:
    project = services.create_project(organization=organization, slug="web", name="Web", platform="python")
    assert (project.slug, project.name, project.platform) == ("web", "Web", "python")
    assert project.keys.get().active


def test_a_slug_that_is_taken_is_refused_and_leaves_nothing(project: Project) -> None:
    with pytest.raises(ValidationError, match="already exists"):
        services.create_project(organization=project.organization, slug="web", name="Again")
    assert Project.objects.get() == project


def test_a_change_that_keeps_the_slug_leaves_no_redirect(project: Project) -> None:
    project.name = "Website"
    services.update_project(project=project)
    assert Project.objects.get().name == "Website"
    assert not ProjectRedirect.objects.exists()


def test_a_rename_to_what_is_no_slug_changes_nothing(project: Project) -> None:
    project.slug = "WEB"
    with pytest.raises(ValidationError):
        services.update_project(project=project)
    assert Project.objects.get().slug == "web"
    assert not ProjectRedirect.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_projects_can_swap_their_names(project: Project) -> None:
    other = services.create_project(organization=project.organization, slug="site", name="Site")
    organization = project.organization.pk
    for moved, slug in ((project, "between"), (other, "web"), (project, "site")):
        moved.slug = slug
        services.update_project(project=moved)
    found = {slug: selectors.find_project(organization, slug) for slug in ("web", "site", "between")}
    assert {slug: (one.id, one.moved) for slug, one in found.items() if one} == {
        "web": (other.pk, False),
        "site": (project.pk, False),
        "between": (project.pk, True),
    }


def test_a_deleted_project_leaves_no_key_and_others_keep_theirs(project: Project) -> None:
    other = services.create_project(organization=project.organization, slug="other", name="Other")
    for one in (project, other):
        services.count(one.pk, event(one), now=NOW)
    number, there = project.pk, len(keys_of(project.pk))
    assert services.delete_project(project=project) == there > 1
    assert keys_of(number) == []
    assert counted(other) == 1


def test_a_project_whose_counts_cannot_be_deleted_stays(project: Project, no_store: None) -> None:
    with pytest.raises(RedisError):
        services.delete_project(project=project)
    assert Project.objects.filter(slug="web").exists()


def test_a_deleted_project_cannot_be_counted_into(project: Project) -> None:
    services.count(project.pk, event(project), now=NOW)
    number = project.pk
    services.delete_project(project=project)
    late = [Increment(series.total(number, Category.ERROR, Outcome.ACCEPTED), NOW)]
    with pytest.raises(Project.DoesNotExist):
        services.count(number, late, now=NOW)
    assert keys_of(number) == []


def test_a_deleted_organization_takes_all_with_it(project: Project, other_organization: Organization) -> None:
    services.create_token(organization=project.organization, scopes=SCOPES)
    services.count(project.pk, event(project), now=NOW)
    number = project.pk
    assert services.delete_organization(organization=project.organization) > 0
    assert keys_of(number) == []
    assert not Project.objects.exists()
    assert not ApiToken.objects.exists()
    assert Organization.objects.get() == other_organization


@pytest.mark.django_db(transaction=True)
def test_what_is_made_in_an_organization_while_it_is_deleted_goes_with_it(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete_projects = services.delete_projects
    made: list[tuple[int, str]] = []

    def make() -> None:
        try:
            late = services.create_project(organization=organization, slug="late", name="Late")
            services.count(late.pk, event(late), now=NOW)
            secret = services.create_token(organization=organization, scopes=SCOPES).secret
            assert services.use_token(secret, now=NOW)
            made.append((late.pk, secret))
        finally:
            connection.close()

    def delete_and_make(projects: Iterable[Project]) -> int:
        gone = delete_projects(projects)
        # The tests' SQLite lies in memory, where a writer does not wait for another but fails.
        if not made and connection.vendor == "postgresql":
            with ThreadPoolExecutor(1) as pool:
                pool.submit(make).result()
        return gone

    monkeypatch.setattr(services.organizations, "delete_projects", delete_and_make)
    services.delete_organization(organization=organization)
    assert not Organization.objects.exists()
    for number, secret in made:
        assert keys_of(number) == []
        assert services.use_token(secret, now=NOW) is None


# --- counting ------------------------------------------------------------------------------------------------


def test_a_new_project_is_opened_by_its_first_count(project: Project) -> None:
    assert keys_of(project.pk) == []
    assert services.count(project.pk, event(project, 3), now=NOW)
    assert counted(project) == 3


def test_a_claim_is_counted_once(project: Project) -> None:
    claim = Claim("id", "value", 60)
    assert services.count(project.pk, event(project), now=NOW, claim=claim)
    assert not services.count(project.pk, event(project), now=NOW, claim=claim)
    with pytest.raises(ClaimConflict):
        services.count(project.pk, event(project), now=NOW, claim=claim._replace(value="other"))
    assert counted(project) == 1


def test_nobody_can_count_into_what_was_never_there(db: None, store: Store) -> None:
    with pytest.raises(Project.DoesNotExist):
        services.count(4711, [Increment(series.total(4711, Category.ERROR, Outcome.ACCEPTED), NOW)], now=NOW)
    assert keys_of(4711) == []


# --- environments --------------------------------------------------------------------------------------------


def test_an_environment_has_one_id(project: Project) -> None:
    first = services.environment_id(project.pk, "production")
    assert services.environment_id(project.pk, "production") == first
    assert services.environment_id(project.pk, "Production") != first


def test_of_an_unknown_project_there_is_no_environment(db: None) -> None:
    with pytest.raises(Project.DoesNotExist):
        services.environment_id(4711, "production")


def test_the_101st_environment_and_all_after_it_are_other(project: Project) -> None:
    numbers = [services.environment_id(project.pk, f"e{number}") for number in range(100)]
    beyond = {services.environment_id(project.pk, f"beyond{number}") for number in range(3)}
    assert len(set(numbers)) == 100
    assert beyond == {Environment.objects.get(name="other").pk}
    assert Environment.objects.count() == 101
    assert services.environment_id(project.pk, "e99") == numbers[99]


def test_an_environment_that_is_called_other_takes_no_place(project: Project) -> None:
    other = services.environment_id(project.pk, "other")
    for number in range(100):
        services.environment_id(project.pk, f"e{number}")
    assert services.environment_id(project.pk, "beyond") == other
    assert Environment.objects.count() == 101


def test_beyond_the_last_environment_who_knows_them_needs_no_sql(
    project: Project, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    Environment.objects.bulk_create(Environment(project=project, name=f"e{number}") for number in range(100))
    services.environment_id(project.pk, "beyond")
    known = selectors.load_environments(project.pk)
    with django_assert_num_queries(0):
        services.environment_id(project.pk, "far beyond", known=known)


def test_a_project_counts_its_own_environments(project: Project) -> None:
    other = services.create_project(organization=project.organization, slug="other", name="Other")
    Environment.objects.bulk_create(Environment(project=other, name=f"e{number}") for number in range(100))
    services.environment_id(project.pk, "production")
    assert project.environments.get().name == "production"


@pytest.mark.django_db(transaction=True)
def test_first_sights_at_once_do_not_pass_the_limit_together(project: Project) -> None:
    Environment.objects.bulk_create(Environment(project=project, name=f"e{number}") for number in range(97))

    def sight(name: str) -> int:
        try:
            return services.environment_id(project.pk, name)
        finally:
            connection.close()

    # The tests' SQLite lies in memory, where a writer does not wait for another but fails.
    with ThreadPoolExecutor(8 if connection.vendor == "postgresql" else 1) as pool:
        numbers = list(pool.map(sight, [f"new{number}" for number in range(8)] * 2))
    assert numbers[:8] == numbers[8:]
    assert Environment.objects.exclude(name="other").count() == 100
    assert numbers[:8].count(Environment.objects.get(name="other").pk) == 5


# --- tokens --------------------------------------------------------------------------------------------------


def used(secret: str, now: int = NOW) -> Token | None:
    found = services.use_token(secret, now=now)
    return found and found.token


def test_a_token_is_found_by_its_secret(organization: Organization) -> None:
    expires = datetime(2018, 11, 7, tzinfo=UTC)
    new = services.create_token(organization=organization, scopes=["project:write", "org:read"], expires=expires)
    assert new.secret.startswith("sta_")
    for _ in range(2):  # first from the database, then from memory
        token = used(new.secret)
        assert token
        assert (token.id, token.organization, token.organization_slug) == (new.token.pk, organization.pk, "acme")
        assert sorted(token.scopes) == ["org:read", "project:write"]
        assert token.expires == int(expires.timestamp())


@pytest.mark.parametrize("scopes", [[], ["project"], ["project:read", "project:delete"], ["PROJECT:READ"]])
def test_a_token_without_a_known_scope_is_refused(organization: Organization, scopes: list[str]) -> None:
    with pytest.raises(ValidationError, match="Unknown scope"):
        services.create_token(organization=organization, scopes=scopes)
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("secret", ["", "sta_", "sta_x", "x", "\0", "sta_" + "é" * 1000])
def test_any_other_secret_is_no_token(token: str, secret: str) -> None:
    assert used(secret) is None
    assert used(token[:-1]) is None
    assert used(token + "x") is None


def test_the_last_use_is_noted_once_an_hour(organization: Organization) -> None:
    new = services.create_token(organization=organization, scopes=SCOPES)

    def last_used(now: int) -> int:
        used(new.secret, now)
        found = ApiToken.objects.get().last_used
        assert found
        return int(found.timestamp())

    assert [last_used(NOW + later) for later in (0, 1, 3599, 3600, 3601)] == [NOW, NOW, NOW, NOW + 3600, NOW + 3600]


CHANGES: dict[str, Callable[[ApiToken], object]] = {
    "revoked": lambda token: services.revoke_tokens([token]),
    "rotated": lambda token: services.rotate_token(token=token),
    "deleted": lambda token: services.delete_tokens([token]),
    "its organization deleted": lambda token: services.delete_organization(organization=token.organization),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_token_that_ended_is_unknown_at_its_next_use(
    organization: Organization, change: Callable[[ApiToken], object]
) -> None:
    new = services.create_token(organization=organization, scopes=SCOPES)
    assert used(new.secret)
    change(new.token)
    assert used(new.secret) is None


@pytest.mark.django_db(transaction=True)
def test_a_changed_token_is_seen_at_its_next_use(organization: Organization) -> None:
    new = services.create_token(organization=organization, scopes=SCOPES)
    assert used(new.secret)
    new.token.scopes = ["org:read"]
    services.update_token(token=new.token)
    organization.slug = "ajax"
    services.update_organization(organization=organization)
    token = used(new.secret)
    assert token
    assert (list(token.scopes), token.organization_slug) == (["org:read"], "ajax")


def test_tokens_are_revoked_once_and_say_when(organization: Organization) -> None:
    tokens = [services.create_token(organization=organization, scopes=SCOPES).token for _ in range(3)]
    assert services.revoke_tokens(tokens[:1]) == 1
    first = ApiToken.objects.get(pk=tokens[0].pk).revoked
    assert services.revoke_tokens(tokens) == 2
    assert ApiToken.objects.get(pk=tokens[0].pk).revoked == first
    assert services.revoke_tokens(tokens) == services.revoke_tokens([]) == 0


def test_a_rotated_token_keeps_what_it_may_do(organization: Organization) -> None:
    expires = datetime(2030, 1, 1, tzinfo=UTC)
    old = services.create_token(organization=organization, scopes=["org:read"], name="ci", expires=expires)
    new = services.rotate_token(token=old.token)
    assert new.secret != old.secret
    assert (new.token.name, new.token.scopes, new.token.expires) == ("ci", ["org:read"], expires)
    assert ApiToken.objects.filter(revoked=None).get() == new.token


# --- members -------------------------------------------------------------------------------------------------


def test_a_user_is_a_member_once(organization: Organization, owner: User) -> None:
    with pytest.raises(ValidationError):
        services.add_member(organization=organization, user_id=owner.pk)
    with pytest.raises(ValidationError):
        services.add_member(organization=organization, user_id=owner.pk + 1000)


@pytest.mark.django_db(transaction=True)
def test_a_project_starts_at_zero_in_a_redis_that_outlived_its_database(project: Project, store: Store) -> None:
    following = Project(pk=project.pk + 1)
    store.open(following.pk)
    store.incr_multi(event(following), now=NOW)
    created = services.create_project(organization=project.organization, slug="next", name="Next")

    assert created.pk == following.pk
    assert keys_of(created.pk) == []
    assert counted(created) == 0
