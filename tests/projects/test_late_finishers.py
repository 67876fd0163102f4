"""Two processes finish the same change, and the slower one ends when others have gone on: it changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import time_machine
from django.db import connection
from redis.exceptions import RedisError

from projects import services
from projects.models import Organization, Project
from projects.services import deleting, merging
from projects.services.settling import settled
from tests.projects.stores import use_store
from tests.tsdb.breaking import cut, meddling
from tests.tsdb.tools import NOW, keys_of, sums
from tsdb.outcomes import Category, Outcome
from tsdb.scripts import Script
from tsdb.series import Series, state_key, total
from tsdb.store import Increment, Store

pytestmark = pytest.mark.django_db(transaction=True)

MOST = 60
"""More commands than any of these changes takes."""


@pytest.fixture(autouse=True)
def _a_clock_that_stands() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def shop(organization: Organization) -> Project:
    return services.create_project(organization=organization, slug="shop", name="Shop")


def accepted(project: Project) -> Series:
    return total(project.pk, Category.ERROR, Outcome.ACCEPTED)


def count(project: Project, amount: int) -> None:
    services.count(project.pk, [Increment(accepted(project), NOW, amount)], now=NOW)


def counted(store: Store, project: Project) -> list[int]:
    return settled(lambda: sums(store, accepted(project)))


def begin_anew(source: Project, destination: Project) -> None:
    """Let the source have 5 events, and begin to merge it into the destination."""
    for project in (source, destination):
        settled(lambda project=project: services.empty_project(project.pk))  # type: ignore[misc]
    count(source, 5)
    services.open_project(destination.pk)
    assert merging.begin(source=source.pk, destination=destination.pk)


class Slow:
    """Runs a function that stops before its n-th command until another function has run."""

    def __init__(self, store: Store, patch: pytest.MonkeyPatch) -> None:
        self.store, self.client = meddling(store)
        self._patch = patch

    def do(self, deed: Callable[[], object], at: int, other: Callable[[], object]) -> bool:
        """Run `deed`, and `other` before its command number `at`. Return False if it takes fewer commands."""

        def act() -> None:
            if connection.in_atomic_block:  # `other` would wait for this transaction
                self.client.meddle_at(1, act)
                return
            self.let(other)

        self.client.meddle_at(at, act)
        use_store(self._patch, self.store)
        deed()
        self._patch.undo()
        return self.client.left <= 0

    def let(self, other: Callable[[], object]) -> None:
        """Run `other` with the ordinary store, while the slow function waits."""
        self._patch.undo()
        other()
        use_store(self._patch, self.store)


@pytest.fixture
def slow(store: Store, monkeypatch: pytest.MonkeyPatch) -> Slow:
    return Slow(store, monkeypatch)


def test_a_slow_merge_brings_nothing_back_after_its_destination_was_reset(
    slow: Slow, store: Store, project: Project, shop: Project
) -> None:
    def reset() -> None:
        settled(lambda: services.empty_project(shop.pk))  # this finishes the merge first
        count(shop, 100)

    for command in range(1, MOST):
        begin_anew(project, shop)
        if not slow.do(lambda: merging.finish(shop.pk), command, reset):
            break
        assert counted(store, shop) == [100] * 4, command
        assert counted(store, project) == [0] * 4, command
    assert 10 < command < MOST - 1


def test_a_slow_reset_leaves_a_deletion_its_tombstone(slow: Slow, store: Store, organization: Organization) -> None:
    for command in range(1, MOST):
        web = services.create_project(organization=organization, slug=f"web-{command}", name="Web")
        count(web, 5)

        def condemn(web: Project = web) -> None:
            services.settle([web.pk])
            count(web, 7)
            services.condemn_projects([web])

        def reset(web: Project = web) -> None:
            settled(lambda: services.empty_project(web.pk))

        met = slow.do(reset, command, condemn)
        if met:
            deleting.finish([web.pk])  # the process that condemned it goes on
            assert keys_of(store, web.pk) == set(), command
            assert not Project.objects.filter(pk=web.pk).exists(), command
        else:
            break
    assert 3 < command < MOST - 1


def test_a_merge_that_another_one_finishes_meanwhile_counts_as_done(
    slow: Slow, store: Store, project: Project, shop: Project
) -> None:
    for command in range(1, MOST):
        begin_anew(project, shop)
        services.settle([shop.pk])
        count(project, 5)
        moved: list[int] = []

        def merge(moved: list[int] = moved) -> None:
            moved.append(services.merge_projects(source=project.pk, destination=shop.pk))

        if not slow.do(merge, command, lambda: services.settle([project.pk])):
            break
        assert (moved, counted(store, shop)) == ([1], [10] * 4), command
    assert 10 < command < MOST - 1


def test_a_note_in_the_sources_state_does_not_make_a_half_of_a_merge(
    slow: Slow, store: Store, project: Project, shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin_anew(project, shop)
    client, key = store.clients.write, state_key(project.pk)

    def note() -> None:
        """Write since when a resolution is complete, as tsdb/lua/ring.lua does when it pulls a ring back."""
        before, _, _ = client.execute_command("GET", key).decode().rpartition(" ")
        client.execute_command("SET", key, f"{before} 10={NOW}")
        slow.client.meddle_at(2, lambda: slow.let(move_a_half))

    def move_a_half() -> None:
        half, dying = meddling(store)
        dying.meddle_before(Script("drop", store.rollups), cut)
        use_store(monkeypatch, half)
        with pytest.raises(RedisError):
            merging.finish(shop.pk)
        monkeypatch.undo()

    slow.client.meddle_before(Script("swap", store.rollups, flags="allow-oom"), note)
    use_store(monkeypatch, slow.store)
    merging.finish(shop.pk)
    monkeypatch.undo()
    assert slow.client.left <= 0
    services.settle([project.pk, shop.pk])
    assert (counted(store, project), counted(store, shop)) == ([0] * 4, [5] * 4)
