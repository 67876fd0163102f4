"""The pairing of the database and Redis: they are paired once and compared ever after.

See docs/reliability.md#database-lost and docs/reliability.md#redis-emptied.
"""

from __future__ import annotations

import threading
import time
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from projects import installation, services
from projects.installation import Kind
from projects.models import Installation, Organization, Project
from tsdb import pairing
from tsdb.outcomes import Category, Outcome
from tsdb.pairing import Mark
from tsdb.series import total
from tsdb.store import Increment, Store

pytestmark = pytest.mark.django_db(transaction=True)

NOW = 1_541_455_203


def kinds() -> list[Kind]:
    return [finding.kind for finding in installation.look()]


def installation_since() -> int | None:
    return Installation.objects.get().since


def mark(store: Store) -> Mark:
    found = pairing.read(store.clients.read)
    assert found
    return found


def checked() -> list[str | None]:
    """Return the ids of what `check --database default` finds."""
    found = run_checks(databases=["default"])
    assert all(message.hint for message in found)
    return [message.id for message in found]


def count_into(store: Store, *projects: int) -> None:
    for number in projects:
        store.open(number)
        store.incr([total(number, Category.ERROR, Outcome.ACCEPTED)], int(time.time()), now=int(time.time()))


def keys_of(store: Store, number: int) -> list[bytes]:
    found: Any = store.clients.read.keys(f"ts:{{{number}}}:*")
    return list(found)


@pytest.fixture
def paired(store: Store) -> Installation:
    assert installation.pair() == []
    return Installation.objects.get()


def test_a_first_start_gives_both_the_same_name_and_a_second_changes_nothing(store: Store) -> None:
    assert installation.pair() == []
    row, made = Installation.objects.get(), mark(store)
    assert (made.name, made.since, made.newest) == (row.name, row.since, row.newest_project) == (row.name, 0, 0)
    with time_machine.travel(time.time() + 86400):
        assert installation.pair() == []
        assert checked() == []
    assert (Installation.objects.get(), mark(store)) == (row, made)


def test_stores_that_were_never_paired_have_nothing_to_say(store: Store) -> None:
    assert installation.look() == []
    assert not store.clients.read.exists(pairing.KEY)
    assert not Installation.objects.exists()


def test_an_upgrade_pairs_what_is_there_and_knows_its_newest_project(store: Store, project: Project) -> None:
    count_into(store, project.pk)
    assert installation.pair() == []
    assert mark(store).newest == Installation.objects.get().newest_project == project.pk
    assert keys_of(store, project.pk)


def test_of_many_starts_at_once_all_give_the_same_name(store: Store) -> None:
    found: list[object] = []

    def start() -> None:
        try:
            found.append(installation.pair())
        finally:
            connection.close()

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[]] * 8
    row = Installation.objects.get()
    assert (row.name, row.since) == (mark(store).name, mark(store).since)


def test_a_start_that_died_between_the_two_stores_is_finished_by_the_next(store: Store) -> None:
    installation.pair()
    Installation.objects.update(since=None)  # as if the process died after writing the mark
    with time_machine.travel(time.time() + 3600):
        assert installation.pair() == []
    assert Installation.objects.get().since == mark(store).since


# --- another database: docs/reliability.md#database-lost ---


def test_a_redis_of_another_installation_is_e003(store: Store, paired: Installation) -> None:
    pairing.replace(store.clients.write, Mark("f" * 32, NOW, 7))
    assert kinds() == [Kind.FOREIGN]
    assert checked() == ["statsapi.E003"]
    assert mark(store).name == "f" * 32, "looking changes nothing"


def test_a_database_that_was_lost_is_told_at_the_first_start_of_the_new_one(store: Store, paired: Installation) -> None:
    Installation.objects.all().delete()
    assert [finding.kind for finding in installation.pair()] == [Kind.FOREIGN]
    assert kinds() == [Kind.FOREIGN]
    assert mark(store).name == paired.name


@pytest.mark.parametrize("junk", ["string", "hash", "number"])
def test_a_mark_that_cannot_be_read_is_nobodys(store: Store, paired: Installation, junk: str) -> None:
    redis = store.clients.write
    if junk == "string":
        redis.set(pairing.KEY, "me")
    elif junk == "hash":
        redis.hdel(pairing.KEY, "since")
    else:
        redis.hset(pairing.KEY, "newest", "many")
    assert kinds() == [Kind.FOREIGN]
    call_command("pair_stores", "--adopt", stdout=StringIO())
    assert kinds() == []


def test_check_without_databases_asks_neither(store: Store, paired: Installation) -> None:
    pairing.replace(store.clients.write, Mark("f" * 32, NOW, 7))
    assert run_checks() == []


def test_a_database_that_is_not_migrated_has_nothing_to_compare(store: Store, paired: Installation) -> None:
    pairing.replace(store.clients.write, Mark("f" * 32, NOW, 7))
    with connection.schema_editor() as editor:
        editor.delete_model(Installation)
    try:
        assert checked() == []
    finally:
        with connection.schema_editor() as editor:
            editor.create_model(Installation)


def test_a_database_restored_from_a_backup_is_w005_until_it_is_adopted(
    store: Store, organization: Organization, paired: Installation
) -> None:
    kept = make(organization, "kept")
    backup = Installation.objects.values().get()
    lost = make(organization, "lost")
    count_into(store, kept, lost)
    Project.objects.filter(pk=lost).delete()
    Installation.objects.update(**backup)
    assert kinds() == [Kind.OLDER]
    assert checked() == ["statsapi.W005"]
    (finding,) = installation.look()
    assert f"after number {kept}," in finding.text
    assert f"up to {lost}." in finding.text
    call_command("pair_stores", "--adopt", stdout=StringIO())
    assert checked() == []
    assert keys_of(store, kept)
    assert not keys_of(store, lost)


def make(organization: Organization, slug: str) -> int:
    """Create a project, which is noted, and return its id."""
    project = services.create_project(organization=organization, slug=slug, name=slug)
    installation.note_project(project.pk)
    return project.pk


def test_a_deleted_project_leaves_no_doubt(store: Store, organization: Organization, paired: Installation) -> None:
    number = make(organization, "gone")
    services.delete_project(project=Project.objects.get(pk=number))
    assert kinds() == []
    assert mark(store).newest == Installation.objects.get().newest_project == number


def test_the_newest_project_never_goes_back_and_a_foreign_mark_is_left_alone(
    store: Store, paired: Installation
) -> None:
    for number in (5, 3):
        installation.note_project(number)
    assert mark(store).newest == Installation.objects.get().newest_project == 5
    foreign = Mark("f" * 32, NOW, 2)
    pairing.replace(store.clients.write, foreign)
    installation.note_project(9)
    assert mark(store) == foreign


def test_a_project_is_made_where_redis_does_not_take_the_note(
    store: Store, organization: Organization, paired: Installation
) -> None:
    store.clients.write.config_set("maxmemory", 1)
    try:
        installation.note_project(5)
    finally:
        store.clients.write.config_set("maxmemory", 0)
    assert Installation.objects.get().newest_project == 5
    assert kinds() == []


def test_nothing_is_seeded_among_foreign_counts(store: Store, paired: Installation) -> None:
    pairing.replace(store.clients.write, Mark("f" * 32, NOW, 7))
    with pytest.raises(CommandError, match="another installation"):
        call_command("seed", "--days", "0", stdout=StringIO())
    assert not Project.objects.exists()


# --- an emptied Redis: docs/reliability.md#redis-emptied ---


def test_an_emptied_redis_is_w004_with_the_time_and_gets_its_name_again(
    store: Store, paired: Installation, settings: Any
) -> None:
    noticed = paired.created.timestamp() + 86400
    store.clients.write.flushdb()
    with time_machine.travel(noticed, tick=False):
        assert kinds() == [Kind.EMPTIED]
        assert mark(store).since == int(noticed * 1000)
    with time_machine.travel(noticed + 86400):
        assert checked() == ["statsapi.W004"]
        (finding,) = installation.look()
    assert f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(noticed))} UTC" in finding.text
    longest = settings.TSDB_ROLLUPS[-1].span
    with time_machine.travel(noticed + longest - 60):
        assert kinds() == [Kind.EMPTIED]
    with time_machine.travel(noticed + longest + 60):
        assert kinds() == []


def test_who_is_counted_into_after_the_loss_says_since_when_it_is_complete(
    store: Store, paired: Installation, project: Project, organization: Organization, api: Client
) -> None:
    count_into(store, project.pk)
    installation.look()  # the database learns the time in the mark
    store.clients.write.flushdb()
    with time_machine.travel(time.time() + 5, tick=False):
        made_later = services.create_project(organization=organization, slug="later", name="Later")
    before = int(time.time())
    for one in (project, made_later):
        services.count(
            one.pk, [Increment(total(one.pk, Category.ERROR, Outcome.ACCEPTED), before)], now=int(time.time())
        )
    since = {
        one.slug: int(
            api.get(f"/api/0/projects/acme/{one.slug}/stats/", {"resolution": "10s"})["X-Stats-Retained-Since"]
        )
        for one in (project, made_later)
    }
    assert before - 10 <= since["web"] <= time.time() + 10
    assert since["later"] < before - 3500


def test_the_warning_ends_when_it_is_adopted_and_comes_again_with_the_next_loss(
    store: Store, project: Project, paired: Installation
) -> None:
    store.clients.write.flushdb()
    with time_machine.travel(time.time() + 60) as clock:
        assert kinds() == [Kind.EMPTIED]
        count_into(store, project.pk)
        call_command("pair_stores", "--adopt", stdout=StringIO())
        assert kinds() == []
        assert keys_of(store, project.pk), "what was counted since stays"
        assert mark(store).since == installation_since(), "and it is still known since when all is there"
        assert mark(store).since > 0
        store.clients.write.flushdb()
        clock.shift(60)
        assert kinds() == [Kind.EMPTIED]


def test_an_emptied_redis_that_is_full_at_once_is_told_too(store: Store, paired: Installation) -> None:
    store.clients.write.flushdb()
    store.clients.write.config_set("maxmemory", 1)
    try:
        with time_machine.travel(time.time() + 60):
            assert kinds() == [Kind.EMPTIED]
    finally:
        store.clients.write.config_set("maxmemory", 0)


# --- the way out ---


def test_the_command_pairs_and_shows_what_there_is(store: Store, project: Project) -> None:
    count_into(store, project.pk, 1000)
    output = StringIO()
    call_command("pair_stores", stdout=output)
    name = Installation.objects.get().name
    shown = output.getvalue().splitlines()
    assert shown[0] == f"Database: {name}, 1 projects, highest number {project.pk}"
    assert shown[1] == f"Redis:    {name}, never emptied, highest number {project.pk}"
    assert shown[2] == "Counted in Redis: 1 projects that the database knows, 1 that it does not"
    assert shown[3] == "They belong together."
    assert keys_of(store, 1000), "nothing is deleted unasked"


def test_the_command_fails_where_they_do_not_belong_together(store: Store, paired: Installation) -> None:
    pairing.replace(store.clients.write, Mark("f" * 32, NOW, 7))
    with pytest.raises(CommandError, match="another installation"):
        call_command("pair_stores", stdout=StringIO())
    assert mark(store).name == "f" * 32


@pytest.mark.parametrize(("way", "stays"), [("--adopt", True), ("--discard", False)])
def test_the_way_out_deletes_what_is_not_this_databases(
    store: Store, project: Project, paired: Installation, way: str, stays: bool
) -> None:
    others = list(range(project.pk + 1, project.pk + 1500))  # more keys than one step of SCAN
    count_into(store, project.pk, *others)
    known_before = store.stamps.read(project.organization_id)
    store.clients.write.set("not ours", "at all")
    pairing.replace(store.clients.write, Mark("f" * 32, NOW, 5000))
    output = StringIO()
    call_command("pair_stores", way, stdout=output)
    assert checked() == []
    assert bool(keys_of(store, project.pk)) == stays
    assert store.clients.read.exists("not ours")
    left: Any = store.clients.read.keys("ts:{*")
    assert {key.partition(b"}")[0] for key in left} == ({b"ts:{%d" % project.pk} if stays else set())
    assert store.stamps.read(project.organization_id) != known_before
    assert mark(store).newest == Installation.objects.get().newest_project == project.pk
    assert "Redis is this database's own now; " in output.getvalue()


def test_a_way_out_that_is_interrupted_has_named_nothing_and_is_finished_by_the_next(
    store: Store, paired: Installation
) -> None:
    count_into(store, 1000, 1001)
    pairing.replace(store.clients.write, Mark("f" * 32, NOW, 5000))

    def interrupt(keys: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        installation.take_over(keep_known=True, on_keys=interrupt)
    assert kinds() == [Kind.FOREIGN]
    installation.take_over(keep_known=True)
    assert kinds() == []
    assert not keys_of(store, 1000)


def test_a_project_that_is_made_while_the_keys_are_looked_at_keeps_its_counts(
    store: Store, organization: Organization, paired: Installation
) -> None:
    made: list[int] = []
    count_into(store, *range(1000, 2500))

    def make_one(keys: int) -> None:
        if not made:
            made.append(make(organization, "late"))
            count_into(store, *made)

    installation.take_over(keep_known=True, on_keys=make_one)
    assert keys_of(store, made[0])


@pytest.mark.parametrize("ways", [("--adopt", "--discard")])
def test_the_two_ways_exclude_each_other(ways: tuple[str, ...], store: Store) -> None:
    with pytest.raises(CommandError, match="not allowed with"):
        call_command("pair_stores", *ways)
