"""Rows in memory are never older than those of the database. Each race that threatens this is replayed step by step."""

from __future__ import annotations

import pytest
from django.db import transaction
from pytest_django import DjangoAssertNumQueries

from projects import known, services
from projects.connections import get_store
from projects.known import Known, changing
from projects.models import SCOPES, Organization, Project
from projects.services.tokens import digest_of
from tests.meddling import after_reading
from tsdb.series import stamp_key
from tsdb.stamps import Outdated

pytestmark = pytest.mark.django_db(transaction=True)


def slug_of(organization: int, reference: str) -> str | None:
    """Return the slug of a project, as a request does that finds it where it can."""
    try:
        one = Known(organization)
        found = one.project(reference)
        one.compare()
    except Outdated:
        one = Known(organization)
        one.compare()
        found = one.project(reference)
    return found and found.slug


def rename(project: Project, slug: str) -> None:
    project.slug = slug
    services.update_project(project=project)


def lose_the_stamp(organization: int) -> None:
    """Do what time does with a change that is never ended."""
    get_store().clients.write.delete(stamp_key(organization))


@pytest.fixture
def number(project: Project) -> int:
    return project.organization_id


def test_what_was_read_once_needs_no_database(
    project: Project, number: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    digest = digest_of(services.create_token(organization=project.organization, scopes=SCOPES).secret)
    services.environment_id(project.pk, "production")

    def ask() -> tuple[object, ...]:
        one = known.known_by(digest)
        assert one
        return one.token(digest), one.project("web"), one.project(str(project.pk)), one.environments(project.pk)

    first = ask()
    with django_assert_num_queries(0):
        assert ask() == first
    assert None not in first


def test_that_there_is_no_row_is_not_kept(organization: Organization) -> None:
    assert slug_of(organization.pk, "web") is None
    project = Project.objects.create(organization=organization, slug="web", name="Web")
    assert slug_of(organization.pk, "web") == "web"
    assert Known(organization.pk).environments(project.pk) == {}
    services.environment_id(project.pk, "production")
    assert set(Known(organization.pk).environments(project.pk, anew=True)) == {"production"}
    assert set(Known(organization.pk).environments(project.pk)) == {"production"}


def test_what_is_used_and_no_longer_true_is_noticed(project: Project, number: int) -> None:
    assert slug_of(number, "web") == "web"
    one = Known(number)
    assert one.project("web")
    rename(project, "site")
    with pytest.raises(Outdated):
        one.compare()
    again = Known(number)
    again.compare()  # nothing was used yet
    found = again.project("web")
    assert found
    assert (found.slug, found.moved) == ("site", True)


def test_what_is_loaded_beside_something_that_is_no_longer_true_is_not_mixed_with_it(
    project: Project, number: int
) -> None:
    slug_of(number, "web")
    one = Known(number)
    assert one.project("web")
    rename(project, "site")
    with pytest.raises(Outdated):
        one.project("site")


def test_a_request_that_has_compared_goes_on_with_what_it_has(project: Project, number: int) -> None:
    one = Known(number)
    assert one.project("web")
    rename(project, "site")
    one.compare()  # it was compared before the change, and may not be repeated any more
    assert one.stamp is None
    assert one.project("site")
    assert slug_of(number, "web") == "site"


def test_a_row_that_was_read_before_a_change_is_not_believed_after_it(project: Project, number: int) -> None:
    with after_reading("projects_project", lambda: rename(project, "site")):
        assert slug_of(number, "web") == "web"  # it began before the change
    assert slug_of(number, "web") == "site"


def test_a_reader_during_a_change_keeps_nothing(project: Project, number: int) -> None:
    with transaction.atomic():
        changing([number])
        assert slug_of(number, "web") == "web"
        Project.objects.filter(pk=project.pk).update(slug="site")
        assert slug_of(number, "web") is None
        assert slug_of(number, "site") == "site"
    assert slug_of(number, "web") is None


def test_the_first_of_two_changes_does_not_end_the_other(project: Project, number: int) -> None:
    other = get_store().stamps.begin(number)
    rename(project, "site")
    assert slug_of(number, "web") == "site"
    Project.objects.filter(pk=project.pk).update(slug="page")
    assert slug_of(number, "web") == "page"
    get_store().stamps.end(number, other)
    assert slug_of(number, "web") == "page"


def test_a_change_that_dies_before_its_commit_leaves_the_row_as_it_was(project: Project, number: int) -> None:
    slug_of(number, "web")
    get_store().stamps.begin(number)
    assert slug_of(number, "web") == "web"
    lose_the_stamp(number)
    assert slug_of(number, "web") == "web"


def test_a_change_that_dies_between_its_commit_and_its_end_leaves_nothing_old(project: Project, number: int) -> None:
    slug_of(number, "web")
    with transaction.atomic():
        changing([number])
        Project.objects.filter(pk=project.pk).update(slug="site")
        transaction.get_connection().run_on_commit.clear()
    assert (slug_of(number, "web"), slug_of(number, "site")) == (None, "site")
    lose_the_stamp(number)
    assert (slug_of(number, "web"), slug_of(number, "site")) == (None, "site")


def test_a_change_that_is_rolled_back_leaves_the_row_as_it_was(project: Project, number: int) -> None:
    slug_of(number, "web")
    with transaction.atomic():
        changing([number])
        Project.objects.filter(pk=project.pk).update(slug="site")
        transaction.set_rollback(True)
    assert (slug_of(number, "web"), slug_of(number, "site")) == ("web", None)
    lose_the_stamp(number)
    assert (slug_of(number, "web"), slug_of(number, "site")) == ("web", None)


def test_a_change_that_outlives_its_mark_is_seen_when_it_ends(project: Project, number: int) -> None:
    with transaction.atomic():
        changing([number])
        lose_the_stamp(number)
        assert slug_of(number, "web") == "web"  # and this is kept
        Project.objects.filter(pk=project.pk).update(slug="site")
    assert slug_of(number, "web") is None


def test_a_redis_that_lost_everything_makes_everybody_load_anew(project: Project, number: int) -> None:
    slug_of(number, "web")
    Project.objects.filter(pk=project.pk).update(slug="site")
    assert slug_of(number, "web") == "web"  # nobody said that it changes
    get_store().clients.write.flushdb()
    assert slug_of(number, "web") is None


def test_a_change_needs_a_transaction(organization: Organization) -> None:
    with pytest.raises(transaction.TransactionManagementError):
        changing([organization.pk])


def test_no_organization_is_no_change(db: None) -> None:
    with transaction.atomic():
        changing([])
    assert not list(get_store().clients.read.scan_iter("stamp:*"))


def test_memory_is_bounded(
    project: Project, number: int, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    slug_of(number, "web")
    monkeypatch.setattr(known, "MOST_ENTRIES", 10)
    for reference in (str(project.pk), "web") * 10:
        slug_of(number, reference)
    with django_assert_num_queries(0):
        slug_of(number, "web")  # asking again adds nothing
    services.environment_id(project.pk, "production")
    for _ in range(10):
        Known(number).environments(project.pk, anew=True)
    with django_assert_num_queries(1):
        slug_of(number, "web")
