"""Deletions, resets and creations that die at any command: nobody reads a part, and the next request finishes them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count as numbers

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from redis.exceptions import RedisError

from projects import services
from projects.models import Organization, Project
from tests.projects.stores import use_store
from tests.tsdb.breaking import breaking
from tests.tsdb.tools import keys_of
from tsdb import series
from tsdb.outcomes import Category, Outcome
from tsdb.series import Series
from tsdb.store import Claim, Increment, Store

pytestmark = pytest.mark.django_db(transaction=True)

RESOLUTIONS = ("10s", "5m", "1h", "1d")
WHOLE, NOTHING, MISSING = [5] * 4, [0] * 4, [404] * 4

Die = Callable[[Callable[[], object]], bool]


@pytest.fixture(params=[False, True], ids=["before it arrives", "carried out"])
def deaths(request: pytest.FixtureRequest, store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Die]:
    """An iterator of functions that run a function and let it die: at its first command, then at its second, and so on.

    Each returns False if the function ended before that command.
    """

    def dying(command: int, deed: Callable[[], object]) -> bool:
        broken, client = breaking(store)
        client.break_at(command, carried_out=request.param)
        with monkeypatch.context() as patched:
            use_store(patched, broken)
            try:
                deed()
            except RedisError:
                assert client.has_broken
        return client.has_broken

    return (partial(dying, command) for command in numbers(1))


def count(project: Project, amount: int = 5) -> None:
    now = int(time.time())
    event = series.of_event(
        project.pk,
        0,
        Category.ERROR,
        Outcome.ACCEPTED,
        environment_id=services.environment_id(project.pk, "production"),
    )
    services.count(project.pk, [Increment(one, now, amount) for one in event], now=now)


def read(api: Client, slug: str) -> list[int]:
    """Return the project's total at each resolution, as the endpoint answers it, or the status if that is not 200."""
    found = []
    for resolution in RESOLUTIONS:
        answer = api.get(f"/api/0/projects/acme/{slug}/stats/", {"resolution": resolution})
        found.append(sum(amount for _, amount in answer.json()) if answer.status_code == 200 else answer.status_code)
    return found


def post(api: Client, slug: str) -> int:
    rows = {"outcomes": [{"outcome": "accepted", "quantity": 7}]}
    url = f"/api/0/projects/acme/{slug}/outcomes/"
    return api.post(url, rows, content_type="application/json").status_code


# --- deleting ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("next_comes", ["a read", "a read of the organization", "a count", "a deletion", "a merge"])
def test_a_deletion_that_dies_is_finished_by_whoever_comes_next(
    api: Client, organization: Organization, store: Store, deaths: Iterator[Die], next_comes: str
) -> None:
    other = services.create_project(organization=organization, slug="other", name="Other")
    count(other)
    ways: set[tuple[object, ...]] = set()
    way: tuple[object, ...]
    for command, die in enumerate(deaths, start=1):
        slug = f"p{command}"
        project = services.create_project(organization=organization, slug=slug, name=slug)
        number = project.pk
        count(project)
        if not die(partial(services.delete_project, project=project)):
            assert command > 4
            break
        if next_comes == "a read":
            way = tuple(read(api, slug))
            assert list(way) in (WHOLE, MISSING), f"died at command {command}"
        elif next_comes == "a read of the organization":
            answer = api.get("/api/0/organizations/acme/stats/", {"group": "project", "resolution": "1d"})
            assert answer.status_code == 200
            sums = {int(one): sum(amount for _, amount in points) for one, points in answer.json().items()}
            assert set(sums.values()) == {5}, f"died at command {command}"
            assert other.pk in sums
            way = (number in sums,)
        elif next_comes == "a count":
            status = post(api, slug)
            assert (status, read(api, slug)) in ((201, [12] * 4), (404, MISSING)), f"died at command {command}"
            way = (status,)
        elif next_comes == "a merge":
            try:
                services.merge_projects(source=number, destination=other.pk)
                assert read(api, "other") == [10] * 4, f"died at command {command}"
                services.empty_project(other.pk)
                count(other)
            except Project.DoesNotExist:
                way = ("missing",)
            else:
                way = ("moved",)
            assert read(api, "other") == WHOLE
        else:
            try:
                services.delete_project(project=Project.objects.get(pk=number))
            except Project.DoesNotExist:
                way = ("missing",)
            else:
                way = ("deleted",)
            assert read(api, slug) == MISSING
        ways.add(way)
        if not Project.objects.filter(pk=number).exists():
            left = keys_of(store, number) - {f"ts:{{{number}}}:state"}
            assert left == set(), f"died at command {command}"
    assert len(ways) == 2, "it died before its tombstone and after it"


def test_a_deletion_whose_row_is_gone_leaves_nothing_but_a_tombstone(
    organization: Organization, store: Store, deaths: Iterator[Die]
) -> None:
    for command, die in enumerate(deaths, start=1):
        project = services.create_project(organization=organization, slug=f"p{command}", name="P")
        number = project.pk
        count(project)
        ended = not die(partial(services.delete_project, project=project))
        if not Project.objects.filter(pk=number).exists():
            assert keys_of(store, number) <= {f"ts:{{{number}}}:state"}, f"died at command {command}"
        if ended:
            return


def test_an_organization_that_dies_in_its_deletion_is_read_as_whole_projects(
    api: Client, organization: Organization, deaths: Iterator[Die]
) -> None:
    for command, die in enumerate(deaths, start=1):
        pair = [services.create_project(organization=organization, slug=f"{one}{command}", name="P") for one in "ab"]
        for project in pair:
            count(project)
        # The organization's token and row are deleted last, so its readers see what became of the projects.
        if not die(partial(services.delete_projects, pair)):
            return
        assert all(read(api, project.slug) in (WHOLE, MISSING) for project in pair), f"died at command {command}"


# --- resetting -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("next_comes", ["a read", "a count", "a reset"])
def test_a_reset_that_dies_is_whole_or_not_at_all_for_whoever_comes_next(
    api: Client, project: Project, store: Store, deaths: Iterator[Die], next_comes: str
) -> None:
    for command, die in enumerate(deaths, start=1):
        services.settled(lambda: services.empty_project(project.pk))
        count(project)
        if not die(lambda: services.settled(lambda: services.empty_project(project.pk))):
            assert command > 4
            assert read(api, "web") == NOTHING
            return
        if next_comes == "a read":
            assert read(api, "web") in (WHOLE, NOTHING), f"died at command {command}"
        elif next_comes == "a count":
            assert post(api, "web") == 201
            assert read(api, "web") in ([12] * 4, [7] * 4), f"died at command {command}"
        else:
            services.settled(lambda: services.empty_project(project.pk))
            assert read(api, "web") == NOTHING, f"died at command {command}"
        assert Project.objects.filter(pk=project.pk).exists()


# --- creating, when Redis has outlived the database ----------------------------------------------------------

FOREIGN = ["open", "closed", "index", "running", "rings", "emptying - - -", "deleting - - -", "merging", "rebuilding"]


def reuse_number(number: int) -> None:
    """Give the next project this id, as in a database that was lost or restored from an older backup."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT setval(pg_get_serial_sequence('projects_project', 'id'), %s, false)", [number])
        else:
            cursor.execute("UPDATE sqlite_sequence SET seq = %s WHERE name = 'projects_project'", [number - 1])


def lose(project: Project) -> int:
    """Delete the project's row but not its keys in Redis. Return its id, which the next project gets."""
    number = project.pk
    Project.objects.filter(pk=number).delete()
    reuse_number(number)
    return number


def leave(store: Store, number: int, what: str) -> None:
    """Leave only some of the project's keys in Redis, or another state, as `what` says."""
    state, index, running = (f"ts:{{{number}}}:{name}" for name in ("state", "index", "running"))
    client = store.clients.write
    shapes = store.states.shapes
    if what in ("index", "running", "rings"):
        client.delete(state)
    if what == "rings":
        client.delete(index, running)
    if what == "running":
        client.delete(index)
    if what == "closed":
        store.close(number)
    if what == "merging":
        client.set(state, f"merging {shapes} into:{number + 1000}:0123 -")
    if what == "rebuilding":
        client.set(state, f"rebuilding 10x360 {shapes} -")
    if "-" in what:
        client.set(state, what)


@pytest.mark.parametrize("left", FOREIGN)
def test_a_project_with_the_number_of_a_lost_one_starts_at_zero_whatever_is_left_of_that(
    api: Client, project: Project, organization: Organization, store: Store, left: str
) -> None:
    now = int(time.time())
    total = series.total(project.pk, Category.ERROR, Outcome.ACCEPTED)
    services.count(project.pk, [Increment(total, now, 5)], now=now, claim=Claim("a", "x", 600))
    number = lose(project)
    leave(store, number, left)
    created = services.create_project(organization=organization, slug="new", name="New")
    assert created.pk == number
    assert keys_of(store, number) == set()
    assert read(api, "new") == NOTHING
    assert services.count(number, [Increment(total, now, 7)], now=now, claim=Claim("a", "x", 600))
    assert read(api, "new") == [7] * 4
    assert store.running_totals([number])[number].outcomes == {("error", "accepted"): 7}


@pytest.mark.parametrize("left", FOREIGN)
def test_a_creation_that_dies_leaves_a_project_that_starts_at_zero_or_none(
    api: Client, project: Project, organization: Organization, store: Store, deaths: Iterator[Die], left: str
) -> None:
    lost = project
    for command, die in enumerate(deaths, start=1):
        count(lost)
        number = lose(lost)
        leave(store, number, left)
        slug = f"new{command}"
        ended = not die(partial(services.create_project, organization=organization, slug=slug, name="New"))
        if not Project.objects.filter(slug=slug).exists():
            assert read(api, slug) == MISSING
            reuse_number(number)  # PostgreSQL takes no number back when a transaction is
            services.create_project(organization=organization, slug=slug, name="New")
        created = Project.objects.get(slug=slug)
        assert created.pk == number
        assert read(api, slug) == NOTHING, f"died at command {command}"
        assert store.running_totals([number])[number].outcomes == {}
        assert store.names_of(number) == []
        count(created)
        assert read(api, slug) == WHOLE, f"died at command {command}"
        if ended:
            assert command > 2
            return
        lost = created


def test_a_creation_that_is_refused_touches_no_key_of_anybody(
    api: Client, project: Project, organization: Organization, store: Store
) -> None:
    count(project)
    before = keys_of(store, project.pk)
    with pytest.raises(ValidationError):
        services.create_project(organization=organization, slug="web", name="Again")
    assert keys_of(store, project.pk) == before
    assert read(api, "web") == WHOLE
    assert keys_of(store, Series(project.pk + 1, "").project) == set()
