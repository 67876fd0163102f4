"""Merging projects: every count moves, also if the merge is interrupted at any command and run again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

import pytest
import time_machine
from django.db import connection
from redis.exceptions import ConnectionError as RedisConnectionError

from projects import selectors, services
from projects.models import Organization, Project
from tests.projects.stores import use_store
from tests.tsdb.breaking import MeddlingClient, breaking, meddling
from tsdb import series
from tsdb.outcomes import Category, Outcome
from tsdb.series import Series
from tsdb.states import Unsettled
from tsdb.store import Increment, ProjectClosed, Store
from tsdb.timeline import Window

MOVING = "ts:*:moving:*"

pytestmark = pytest.mark.django_db(transaction=True)

NOW = 1_541_455_200  # 2018-11-05T22:00:00Z


@pytest.fixture(autouse=True)
def _held_clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def meddler(store: Store, monkeypatch: pytest.MonkeyPatch) -> MeddlingClient:
    """The client that merges write with, which can do something else before any of their commands."""
    meddled, client = meddling(store)
    use_store(monkeypatch, meddled)
    return client


@pytest.fixture
def third(organization: Organization) -> Project:
    return services.create_project(organization=organization, slug="third", name="Third")


@pytest.fixture
def shop(organization: Organization) -> Project:
    return services.create_project(organization=organization, slug="shop", name="Shop")


def count(project: Project, amount: int, environment: str = "production") -> None:
    """Count accepted events with a key and an environment, and a tenth of that number filtered without a key."""
    accepted = series.of_event(
        project.pk,
        project.keys.get().pk,
        Category.ERROR,
        Outcome.ACCEPTED,
        environment_id=services.environment_id(project.pk, environment),
    )
    filtered = series.of_event(project.pk, 0, Category.ERROR, Outcome.FILTERED, reason="localhost")
    increments = [Increment(one, NOW, amount) for one in accepted]
    increments += [Increment(one, NOW, amount // 10) for one in filtered]
    services.count(project.pk, increments, now=NOW)


def counted(store: Store, project: Project) -> dict[str, list[int]]:
    """Return the sums of each of the project's series, one for each rollup. Environments have their names as keys."""
    names = {f"e:{one.pk}:accepted": one.name for one in project.environments.all()}
    found = {}
    for name in store.series_of(project.pk):
        one = Series(project.pk, name)
        windows = [Window(rollup, rollup.oldest_bucket(NOW), rollup.bucket(NOW)) for rollup in store.rollups]
        found[names.get(name, name)] = [store.get_sums([one], window, now=NOW)[one] for window in windows]
    return found


def settled(store: Store, project: Project) -> dict[str, list[int]]:
    """Return the same as `counted`, after what was begun with the project is finished."""
    return services.settled(lambda: counted(store, project))


def everywhere(**sums: int) -> dict[str, list[int]]:
    """Return each sum four times, once for each rollup."""
    return {name.replace("__", ":"): [amount] * 4 for name, amount in sums.items()}


def test_every_series_moves_under_its_name_and_an_environment_under_its_own(
    project: Project, shop: Project, store: Store
) -> None:
    count(shop, 10, "staging")  # so that the same name has different ids in the two projects
    count(shop, 20)
    count(project, 100)
    assert services.merge_projects(source=project.pk, destination=shop.pk) == 5

    assert counted(store, project) == {}
    assert counted(store, shop) == {
        **everywhere(t__error__accepted=130, t__error__filtered=13, production=120, staging=10),
        f"f:{project.keys.get().pk}:error:accepted:none": [100] * 4,
        f"f:{shop.keys.get().pk}:error:accepted:none": [30] * 4,
        "f:0:error:filtered:localhost": [13] * 4,
    }


@pytest.mark.parametrize("later", [0, 1000], ids=["nothing comes later", "more comes later"])
@pytest.mark.parametrize("carried_out", [False, True])
def test_cut_off_at_any_command_and_run_again_it_neither_loses_nor_doubles(
    project: Project, shop: Project, store: Store, monkeypatch: pytest.MonkeyPatch, carried_out: bool, later: int
) -> None:
    broken_store, client = breaking(store)
    for command in range(1, 200):
        store.delete([project.pk, shop.pk])
        count(shop, 10)
        count(project, 100)
        with monkeypatch.context() as patched:
            use_store(patched, broken_store)
            client.break_at(command, carried_out=carried_out)
            try:
                services.merge_projects(source=project.pk, destination=shop.pk)
            except RedisConnectionError:
                pass
            else:
                assert command > 50, "there was nothing to cut off"
                return
        if later:  # before somebody runs it again
            count(project, later)
        services.merge_projects(source=project.pk, destination=shop.pk)

        assert counted(store, project) == {}, f"cut off at command {command}"
        found = counted(store, shop)
        assert found["t:error:accepted"] == [110 + later] * 4, f"cut off at command {command}"
        assert found["t:error:filtered"] == [11 + later // 10] * 4, f"cut off at command {command}"
        assert found["production"] == [110 + later] * 4, f"cut off at command {command}"
        assert list(store.clients.read.scan_iter(MOVING)) == []
    pytest.fail("the merge never came to its end")


def test_cut_off_at_any_command_nobody_reads_a_half_of_it(
    project: Project, shop: Project, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    names, nothing = ("t:error:accepted", "t:error:filtered", "production"), [0] * 4

    def amounts(one: Project) -> list[list[int]]:
        found = settled(store, one)
        return [found.get(name, nothing) for name in names]

    apart = {project: [[100] * 4, [10] * 4, [100] * 4], shop: [[10] * 4, [1] * 4, [10] * 4]}
    moved = {project: [nothing] * 3, shop: [[110] * 4, [11] * 4, [110] * 4]}
    command = 1
    while True:
        store.delete([project.pk, shop.pk])
        count(shop, 10)
        count(project, 100)
        if not interrupt(store, project, shop, monkeypatch, command):
            break
        for one in (project, shop) if command % 2 else (shop, project):
            assert amounts(one) in (apart[one], moved[one]), f"{one}, cut off at command {command}"
        # Another request has met the project and finished the merge.
        assert {one: amounts(one) for one in (project, shop)} in (apart, moved), f"cut off at command {command}"
        assert list(store.clients.read.scan_iter(MOVING)) == []
        command += 1
    assert command > 50


def interrupt(store: Store, source: Project, destination: Project, monkeypatch: pytest.MonkeyPatch, at: int) -> bool:
    """Merge until command number `at`, which does not arrive. Return False if the merge ended before."""
    broken_store, client = breaking(store)
    client.break_at(at, carried_out=False)
    with monkeypatch.context() as patched:
        use_store(patched, broken_store)
        try:
            services.merge_projects(source=source.pk, destination=destination.pk)
        except RedisConnectionError:
            return True
    return False


def test_run_again_with_another_destination_it_doubles_nothing_either(
    project: Project, shop: Project, third: Project, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = 1
    count(project, 100)
    while interrupt(store, project, shop, monkeypatch, command):
        services.merge_projects(source=project.pk, destination=third.pk)
        parts = [settled(store, one) for one in (project, shop, third)]
        for name in ("t:error:accepted", "production"):
            together = [sum(sums) for sums in zip(*(part.get(name, [0] * 4) for part in parts), strict=True)]
            assert together == [100] * 4, f"{name}, cut off at command {command}"
        assert list(store.clients.read.scan_iter(MOVING)) == []
        store.delete([project.pk, shop.pk, third.pk])
        count(project, 100)
        command += 1
    assert command > 50


def test_a_destination_that_is_deleted_in_the_middle_takes_all_of_it_along(
    project: Project, shop: Project, third: Project, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    count(project, 100)
    number, command = shop.pk, 1
    while not list(store.clients.read.scan_iter(MOVING)):
        assert interrupt(store, project, shop, monkeypatch, command)
        command += 1
    services.delete_project(project=shop)
    assert list(store.clients.read.scan_iter(f"ts:{{{number}}}:*")) == []
    assert list(store.clients.read.scan_iter(MOVING)) == []
    services.merge_projects(source=project.pk, destination=third.pk)
    assert counted(store, project) == counted(store, third) == {}


def test_a_source_that_is_deleted_in_the_middle_has_moved_before(
    project: Project, shop: Project, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    count(project, 100)
    number, command = project.pk, 1
    while not list(store.clients.read.scan_iter(MOVING)):
        assert interrupt(store, project, shop, monkeypatch, command)
        command += 1
    services.delete_project(project=project)
    assert list(store.clients.read.scan_iter(f"ts:{{{number}}}:*")) == []
    assert counted(store, shop)["t:error:accepted"] == [100] * 4


def test_a_change_of_either_project_at_any_moment_does_not_stop_it(
    project: Project, shop: Project, store: Store, meddler: MeddlingClient
) -> None:
    for command in range(1, 200):
        store.delete([project.pk, shop.pk])
        meddler.meddle_at(0, list)
        count(project, 100)
        changed = (project, shop)[command % 2]
        meddler.meddle_at(command, partial(store.close, changed.pk))  # as save_intake does
        services.merge_projects(source=project.pk, destination=shop.pk)
        assert counted(store, project) == {}, command
        assert counted(store, shop)["t:error:accepted"] == [100] * 4, command
        if meddler.left > 0:
            assert command > 50
            return
    pytest.fail("the merge never came to its end")


def delete_outside_of_locks(meddler: MeddlingClient, project: Project) -> None:
    """Delete the project now, or if a transaction is open, before the first command after it.

    Another process would wait for the transaction's lock, but within the transaction a deletion would not.
    """
    if connection.in_atomic_block:
        meddler.meddle_at(1, partial(delete_outside_of_locks, meddler, project))
    else:
        services.delete_project(project=project)


@pytest.mark.parametrize("which", ["source", "destination"])
def test_a_project_that_is_deleted_at_any_moment_is_missing_and_leaves_nothing(
    project: Project, shop: Project, organization: Organization, store: Store, meddler: MeddlingClient, which: str
) -> None:
    missing = 0
    for command in range(1, 200):
        meddler.meddle_at(0, list)
        count(project, 100)
        doomed, stays = (project, shop) if which == "source" else (shop, project)
        number = doomed.pk
        meddler.meddle_at(command, partial(delete_outside_of_locks, meddler, doomed))
        try:
            services.merge_projects(source=project.pk, destination=shop.pk)
        except Project.DoesNotExist:
            missing += 1
        if meddler.left > 0:
            assert missing > 5
            return
        assert list(store.clients.read.scan_iter(f"ts:{{{number}}}:*")) == [], command
        assert not Project.objects.filter(pk=number).exists()
        left = counted(store, stays)
        if left:  # all or nothing: the series had moved or not
            assert left["t:error:accepted"] == left["production"] == [100] * 4, command
            assert left["t:error:filtered"] == left["f:0:error:filtered:localhost"] == [10] * 4, command
        store.delete([stays.pk])
        again = services.create_project(organization=organization, slug=f"again-{command}", name="Again")
        project, shop = (again, shop) if which == "source" else (project, again)
    pytest.fail("the merge never came to its end")


def test_a_merge_of_a_project_that_is_gone_is_refused_before_anything_moves(
    project: Project, shop: Project, store: Store
) -> None:
    count(project, 100)
    for source, destination in ((project.pk, 10**9), (10**9, project.pk)):
        with pytest.raises(Project.DoesNotExist):
            services.merge_projects(source=source, destination=destination)
    assert counted(store, project)["t:error:accepted"] == [100] * 4


def test_what_is_counted_while_it_merges_stays_or_comes_along(project: Project, shop: Project, store: Store) -> None:
    environment = services.environment_id(project.pk, "production")
    event = series.of_event(
        project.pk, project.keys.get().pk, Category.ERROR, Outcome.ACCEPTED, environment_id=environment
    )
    stop, sent = threading.Event(), [0, 0]

    def crowd(place: int) -> None:
        while not stop.is_set():
            try:
                store.incr(event, NOW, now=NOW)
                sent[place] += 1
            except ProjectClosed:
                with suppress(Unsettled):  # the merge is under way
                    store.open(project.pk)
                stop.wait(0.001)  # otherwise the merge hardly gets its turn on a busy machine

    counters = [threading.Thread(target=crowd, args=(place,)) for place in range(2)]
    for counter in counters:
        counter.start()
    try:
        for _ in range(15):
            services.merge_projects(source=project.pk, destination=shop.pk)
            services.save_intake(project, project.keys.get())
    finally:
        stop.set()
        for counter in counters:
            counter.join()
    services.merge_projects(source=project.pk, destination=shop.pk)

    assert min(sent) > 0
    assert counted(store, project) == {}
    assert counted(store, shop) == {
        **everywhere(t__error__accepted=sum(sent), production=sum(sent)),
        f"f:{project.keys.get().pk}:error:accepted:none": [sum(sent)] * 4,
    }


def test_an_environment_that_came_after_the_look_at_the_series_waits_for_the_next_merge(
    project: Project, shop: Project, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    count(project, 10)
    looked = selectors.load_environments

    def look(number: int) -> dict[str, int]:
        found = looked(number)
        monkeypatch.undo()
        count(project, 20, "staging")
        return found

    monkeypatch.setattr(selectors, "load_environments", look)
    services.merge_projects(source=project.pk, destination=shop.pk)
    services.merge_projects(source=project.pk, destination=shop.pk)
    assert counted(store, shop)["staging"] == [20] * 4
    assert counted(store, shop)["t:error:accepted"] == [30] * 4


def test_an_environment_whose_name_the_database_has_lost_moves_into_other(
    project: Project, shop: Project, store: Store
) -> None:
    count(project, 10)
    project.environments.all().delete()
    services.merge_projects(source=project.pk, destination=shop.pk)
    assert counted(store, shop)["other"] == counted(store, shop)["t:error:accepted"] == [10] * 4


def test_beyond_a_hundred_environments_those_that_come_share_one(project: Project, shop: Project, store: Store) -> None:
    for number in range(services.MOST_ENVIRONMENTS):
        services.environment_id(shop.pk, f"e{number}")
    count(project, 10)
    count(project, 20, "staging")
    services.merge_projects(source=project.pk, destination=shop.pk)
    assert counted(store, shop)["other"] == [30] * 4


def test_a_merge_counts_nothing_twice_in_the_running_totals(project: Project, shop: Project, store: Store) -> None:
    count(project, 100)
    before = store.running_totals([project.pk, shop.pk])
    services.merge_projects(source=project.pk, destination=shop.pk)
    assert store.running_totals([project.pk, shop.pk]) == before
