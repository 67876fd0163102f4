"""Opening many projects at once: each gets the answer that it would get alone, and none delays the others."""

from __future__ import annotations

import time

import pytest
from django.db import connection

from projects import installation, services
from projects.models import Organization, Project
from projects.services import deleting
from tests.tsdb.tools import keys_of
from tsdb.state import Phase
from tsdb.states import Unsettled
from tsdb.store import Store


@pytest.fixture
def many(organization: Organization) -> list[int]:
    return [services.create_project(organization=organization, slug=f"many-{n}", name="Many").pk for n in range(5)]


def test_all_are_open_then_each_under_its_version(many: list[int], store: Store) -> None:
    found = services.open_projects(many)
    assert found == {number: store.version(number) for number in many}
    assert len(set(found.values())) == len(many)
    assert services.open_projects(many) == found


def test_one_whose_keys_changed_has_another_version_afterwards(many: list[int], store: Store) -> None:
    before = services.open_projects(many)
    store.close(many[0])
    after = services.open_projects(many)
    assert [number for number in many if before[number] != after[number]] == [many[0]]


def test_unknown_numbers_cost_one_query_and_no_lock(many: list[int], django_assert_num_queries: object) -> None:
    unknown = list(range(10**6, 10**6 + 100))
    with django_assert_num_queries(1):  # type: ignore[operator]
        found = services.open_projects(unknown)
    assert {type(one) for one in found.values()} == {Project.DoesNotExist}


def test_how_many_there_are_changes_nothing_in_how_often_the_database_is_asked(many: list[int]) -> None:
    def queries(numbers: list[int]) -> int:
        asked = 0

        def note(execute: object, *arguments: object) -> object:
            nonlocal asked
            asked += 1
            return execute(*arguments)  # type: ignore[operator]

        with connection.execute_wrapper(note):
            services.open_projects(numbers)
        return asked

    assert queries(many[:1]) == queries(many[1:])


def test_what_must_be_finished_first_is_left_to_who_needs_it(many: list[int], store: Store) -> None:
    condemned, foreign, *others = many
    deleting.condemn([condemned])
    store.clients.write.sadd(f"ts:{{{foreign}}}:index", "t:error:accepted")
    found = services.open_projects([*many, 10**6])
    assert isinstance(found[condemned], Unsettled)
    assert isinstance(found[foreign], Unsettled)
    assert isinstance(found[10**6], Project.DoesNotExist)
    assert all(found[number] == store.version(number) for number in others)
    assert store.states.get(condemned).phase is Phase.DELETING


def test_those_that_lost_their_counts_say_since_when_they_are_whole(many: list[int], store: Store) -> None:
    installation.pair()
    store.clients.write.flushdb()
    installation.look()
    Project.objects.filter(pk=many[0]).update(created="2020-01-01T00:00Z")
    Project.objects.filter(pk=many[1]).update(created="2100-01-01T00:00Z")
    services.open_projects(many[:2])
    old, new = (store.states.get(number) for number in many[:2])
    assert old.filled.keys() == {rollup.seconds for rollup in store.rollups}
    assert min(old.filled.values()) >= int(time.time()) - 60
    assert new.filled == {}
    assert len(keys_of(store, many[0])) == 1
