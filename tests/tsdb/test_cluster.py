"""The store on a Redis Cluster counts and answers as on one server, and asks all nodes at the same time."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from redis.crc import key_slot
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from tests.cluster import MASTERS, ClusterServer
from tests.servers import free_port, wait_for
from tests.tsdb.test_state_machine import PROJECTS, Counting
from tests.tsdb.tools import NOW, TINY, merge, retained, together
from tsdb.arrivals import Arrival, Part, Sent, What, new_submission
from tsdb.budgets import Budget, BudgetUse, read_uses
from tsdb.client import connect
from tsdb.cluster import node_urls
from tsdb.intake import Intake
from tsdb.newest import newest_of_projects
from tsdb.outcomes import Category, Outcome
from tsdb.reading import MANY as MOST
from tsdb.reading import SHORT
from tsdb.rollups import parse_rollups
from tsdb.series import Series, of_event, stamp_key, state_key, total
from tsdb.settling import delete_unnamed_rings, needs_settling, settle
from tsdb.stamps import Outdated, Stamp
from tsdb.state import Phase
from tsdb.states import Unsettled
from tsdb.store import Increment, Store
from tsdb.timeline import Window

MANY = range(1, 61)


@pytest.fixture(scope="module")
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterServer]:
    folder, external = tmp_path_factory.mktemp("cluster"), request.config.getoption("--external")
    # On a busy machine a master may be silent for half a second, and no test here wants it replaced.
    server = ClusterServer(folder, external=external)
    yield server
    server.stop()


@pytest.fixture
def spread(cluster: ClusterServer) -> Store:
    """A store on the cluster, which is empty."""
    clients = connect(cluster.url, 2)
    clients.write.flushdb()
    return Store(clients, TINY)


def increments(projects: range) -> list[Increment]:
    chance = random.Random(1)
    outcomes = (Outcome.ACCEPTED, Outcome.FILTERED)
    return [
        Increment(series, NOW - chance.randrange(20), chance.randrange(1, 1000))
        for project in projects
        for outcome in outcomes
        for series in of_event(project, 1, Category.ERROR, outcome, environment_id=2)
    ]


def fill(store: Store) -> list[Series]:
    counted = increments(MANY)
    for project in MANY:
        store.open(project)
    store.incr_multi(counted, now=NOW)
    return list(dict.fromkeys(one.series for one in counted))


def test_it_counts_merges_and_deletes_as_a_list_does_while_projects_lie_on_two_nodes(
    cluster: ClusterServer, spread: Store
) -> None:
    assert len({cluster.master_of(f"ts:{{{project}}}:state") for project in PROJECTS}) == 2

    class CountingThere(Counting):
        def __init__(self) -> None:
            super().__init__(spread)

    run_state_machine_as_test(CountingThere, settings=settings(max_examples=40, stateful_step_count=30, deadline=None))


def test_every_answer_is_the_one_of_a_single_server(spread: Store, tiny: Store) -> None:
    series = fill(spread)
    assert fill(tiny) == series
    for rollup in TINY:
        window = retained(rollup, NOW)
        for ask in (Store.get_range, Store.get_added, Store.get_added_by_project, Store.get_sums):
            answer = ask(spread, series, window, now=NOW)
            assert answer == ask(tiny, series, window, now=NOW)
            assert answer
    assert spread.series_of_many(MANY) == tiny.series_of_many(MANY)
    for most in (10_000, 60):
        told = [store.fact_names(MANY, most) for store in (spread, tiny)]
        names = [index and {project: sorted(names) for project, names in index.names.items()} for _, index in told]
        assert (names[0], told[0][0]) == (names[1], told[1][0])
        assert (names[0] is None) == (most == 60)
    assert spread.running_totals(MANY) == tiny.running_totals(MANY)
    newest = newest_of_projects(spread, series)
    assert newest == newest_of_projects(tiny, series)
    assert set(newest) == set(MANY)
    assert spread.get_range([], retained(TINY[0], NOW), now=NOW) == {}


def test_a_project_has_no_more_room_there(spread: Store) -> None:
    narrow = Store(spread.clients, TINY, most_series=4)
    for project in (7, 8):
        narrow.open(project)
    narrow.incr_multi(
        [
            Increment(series, NOW)
            for project in (7, 8)
            for key in range(1, 10)
            for series in of_event(project, key, Category.ERROR, Outcome.ACCEPTED)
        ],
        now=NOW,
    )
    for project in (7, 8):
        assert narrow.series_of(project) == ["f:0:error:accepted:none", "t:error:accepted"]
        series = [Series(project, name) for name in narrow.series_of(project)]
        assert set(narrow.get_sums(series, retained(TINY[-1], NOW), now=NOW).values()) == {9}


@pytest.mark.parametrize("projects", [1, MOST])
def test_a_read_of_counts_compares_a_stamp_on_another_node(spread: Store, projects: int) -> None:
    series = [total(project, Category.ERROR, Outcome.ACCEPTED) for project in range(1, projects + 1)]
    window = Window(TINY[0], NOW - 1, NOW)
    for number in range(1, 20):
        stamp = Stamp(stamp_key(number), spread.stamps.read(number))
        assert spread.get_added(series, window, now=NOW, stamp=stamp) == [0] * window.points
        assert stamp.is_compared
        change = spread.stamps.begin(number)
        assert spread.stamps.read(number) is None
        with pytest.raises(Outdated):
            spread.get_added(series, window, now=NOW, stamp=stamp)
        spread.stamps.end(number, change)
        assert spread.stamps.read(number) not in (None, stamp.value)
    known = {number: spread.stamps.read(number) for number in range(1, 20)}
    spread.stamps.forget_all()
    assert not set(known.values()) & {spread.stamps.read(number) for number in known}


def test_while_the_node_of_a_stamp_is_away_nothing_is_kept_and_it_is_not_asked_again_at_once(
    cluster: ClusterServer, spread: Store
) -> None:
    stamp = Stamp(stamp_key(1), spread.stamps.read(1))
    series, window = [total(1, Category.ERROR, Outcome.ACCEPTED)], Window(TINY[0], NOW - 1, NOW)
    hanging = cluster.master_of(stamp.key)
    hanging.server.pause()
    try:
        with pytest.raises(Outdated):  # not a time-out: without the stamp the counts may be had
            spread.get_added(series, window, now=NOW, stamp=stamp)
        began = time.monotonic()
        assert spread.stamps.read(1) is None
        assert time.monotonic() - began < 0.5
        with pytest.raises(RedisError):
            spread.stamps.begin(1)
    finally:
        hanging.server.resume()
    wait_for(cluster.is_well, "a whole cluster")
    spread.stamps.forget_all()  # the change that was given up may have begun as soon as its node went on
    wait_for(lambda: spread.stamps.read(1) is not None, "the stamp")


def test_many_projects_are_asked_in_one_pipeline_a_node(cluster: ClusterServer, spread: Store) -> None:
    series = fill(spread)
    window = retained(TINY[0], NOW)
    spread.get_added(series, window, now=NOW)
    masters = cluster.masters()

    def packets() -> list[int]:
        return [node.ask("INFO", "stats")["total_reads_processed"] for node in masters]

    counted = [packets(), packets()]
    spread.get_added(series, window, now=NOW)
    counted.append(packets())
    # Asking for the number takes a few packets itself, and a replica sends one a second. Asking project by project
    # would take some 20.
    for first, second, third in zip(*counted, strict=True):
        assert (third - second) - (second - first) <= 5


def arrivals(store: Store) -> list[Sent]:
    """Return an arrival of each project."""
    return [
        Sent(project, store.open(project), Arrival("a" * 32, Outcome.ACCEPTED, counted), new_submission(), NOW)
        for project in MANY
        for counted in [[Increment(one, NOW) for one in of_event(project, 1, Category.ERROR, Outcome.ACCEPTED)]]
    ]


def test_intake_counts_arrivals_of_projects_on_all_nodes_together(cluster: ClusterServer, spread: Store) -> None:
    intake, sent = Intake(spread, 3600), arrivals(spread)
    assert together(intake, sent) == ["accepted"] * len(sent)
    assert together(intake, sent) == ["accepted"] * len(sent)
    series = [one.series for arrival in sent for one in arrival.arrival.counted]
    assert set(spread.get_sums(series, retained(TINY[-1], NOW), now=NOW).values()) == {1}


def test_budgets_of_projects_on_all_nodes_are_decided_and_read_together(spread: Store) -> None:
    budget, uses = Budget(0, Category.ERROR, 1, 60), {}
    arrivals: list[Sent] = []
    for project in MANY:
        counted = [Increment(one, NOW) for one in of_event(project, 1, Category.ERROR, Outcome.ACCEPTED)]
        part = Part(What.EVENT, ((budget, 1),), tuple(counted))
        arrival, version = Arrival(None, Outcome.ACCEPTED, parts=[part]), spread.open(project)
        arrivals += [Sent(project, version, arrival, new_submission(), NOW) for _ in range(2)]
        uses[project] = [budget._replace(id=project)]
    assert together(Intake(spread, 3600), arrivals) == ["accepted", "rate_limited"] * len(MANY)
    found = read_uses(spread, uses, now=NOW)
    assert found == {project: BudgetUse(1, 1, NOW - NOW % 60, NOW - NOW % 60 + 60) for project in MANY}


def test_intake_of_a_node_that_hangs_fails_alone(cluster: ClusterServer, spread: Store) -> None:
    sent = arrivals(spread)
    hasty = Store(connect(cluster.url, 2), TINY)
    hanging = cluster.master_of(state_key(MANY[0]))
    there = {project for project in MANY if cluster.master_of(state_key(project)) is hanging}
    hasty.states.versions(MANY)  # it has connections now, as a worker has
    hanging.server.pause()
    try:
        answers = together(Intake(hasty, 3600), sent)
    finally:
        hanging.server.resume()
    for one, answer in zip(sent, answers, strict=True):
        assert isinstance(answer, RedisError) if one.project in there else answer == "accepted"
    wait_for(cluster.is_well, "a whole cluster")


@contextmanager
def served_in_part(cluster: ClusterServer) -> Iterator[None]:
    """Let the nodes serve what they have, even if slots of others are served by nobody. Heals the cluster."""
    for node in cluster.nodes:
        node.ask("CONFIG", "SET", "cluster-require-full-coverage", "no")
    try:
        yield
    finally:
        wait_for(cluster.is_well, "a whole cluster")
        for node in cluster.nodes:
            node.ask("CONFIG", "SET", "cluster-require-full-coverage", "yes")


@pytest.mark.parametrize("kind", ["read", "write"])
def test_while_a_node_hangs_every_call_brings_the_answers_of_the_others_and_waits_once(
    cluster: ClusterServer, kind: str
) -> None:
    patience, keys = 2.0, [str(number) for number in range(30)]
    commands = [("EXISTS", key) for key in keys]
    client = getattr(connect(cluster.url, patience), kind)
    hanging = cluster.master_of("0")
    there = {key for key in keys if cluster.master_of(key) is hanging}
    replica = next(node for node in cluster.nodes if not node.is_master() and node.ask("ROLE")[2] == hanging.port)
    assert client.together(commands) == [0] * len(keys)
    with served_in_part(cluster):
        for node in (replica, hanging):  # nobody takes over
            node.server.pause()
        try:
            for _ in range(2):  # the second call would have to connect to the node that hangs
                began = time.monotonic()
                answers = dict(zip(keys, client.together(commands), strict=True))
                assert time.monotonic() - began < 2 * patience
                assert {key for key, answer in answers.items() if isinstance(answer, RedisTimeoutError)} == there
                assert {answers[key] for key in keys if key not in there} == {0}
        finally:
            for node in (replica, hanging):
                node.server.resume()
    wait_for(lambda: client.together(commands) == [0] * len(keys), "all nodes")


def test_a_slot_without_a_node_fails_alone_until_it_has_one(cluster: ClusterServer) -> None:
    commands = [("EXISTS", key) for key in ("0", "1", "2", "3")]
    slot, home = key_slot(b"1"), cluster.master_of("1")
    with served_in_part(cluster):
        try:
            # Its home first. Otherwise a ping of the home could tell another node once more that it has the slot.
            for node in (home, *(node for node in cluster.nodes if node is not home)):
                with suppress(ResponseError):  # it heard already that the slot has no node
                    node.ask("CLUSTER", "DELSLOTS", slot)
            clients = connect(cluster.url, 2)
            for client in clients:
                first, lost, *others = client.together(commands)
                assert [first, *others] == [0, 0, 0]
                assert isinstance(lost, RedisConnectionError)
                assert len(client.probes("probe")) == MASTERS
        finally:
            home.ask("CLUSTER", "ADDSLOTS", slot)
        for client in clients:
            wait_for(lambda client=client: client.together(commands) == [0] * 4, "the new map")  # type: ignore[misc]


def test_while_a_slot_moves_each_of_many_keys_is_found_where_it_is(cluster: ClusterServer) -> None:
    client, slot, home = connect(cluster.url, 2).write, key_slot(b"0"), cluster.master_of("0")
    [elsewhere, *_] = [node for node in cluster.masters() if node is not home]
    values = {"{0}old": b"1", "{0}new": b"2", "1": b"3", "{0}other": b"4"}
    client.together([("SET", "{0}old", b"1")])
    elsewhere.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", home.id)
    home.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", elsewhere.id)
    try:
        client.together([("SET", key, value) for key, value in values.items()])
        assert home.ask("KEYS", "{0}*") == [b"{0}old"]
        assert client.together([("GET", key) for key in values]) == list(values.values())
        assert client.get_many(list(values)) == list(values.values())
    finally:
        for key in values:
            client.delete(key)
        for node in (home, elsewhere):
            node.ask("CLUSTER", "SETSLOT", slot, "STABLE")


def test_words_that_are_not_known_lie_with_their_project_and_go_with_it(cluster: ClusterServer, spread: Store) -> None:
    projects = list(range(1, 9))
    for project in projects:
        spread.open(project)
        series = of_event(project, 1, f"{{{project + 1}}}:x", Outcome.CLIENT_DISCARD, reason="a{b}:c")
        spread.incr_multi([Increment(one, NOW) for one in series], now=NOW)
        arrival = Arrival(None, Outcome.ACCEPTED, others=[Increment(one, NOW) for one in series])
        Intake(spread, 3600).count(project, spread.version(project) or "", arrival, new_submission(), now=NOW)
        assert sum(spread.get_added([series[0]], retained(TINY[-1], NOW), now=NOW)) == 2
        keys = cluster.all_keys(f"ts:{{{project}}}:*")
        assert {f"ts:{{{project}}}:categories", f"ts:{{{project}}}:reasons"} < set(keys)
        assert len({key_slot(key.encode()) for key in keys}) == 1
    assert spread.unknown_categories(projects) == {f"{{{project + 1}}}:x" for project in projects}
    spread.delete(projects)
    assert cluster.all_keys("ts:{*") == []


def test_all_keys_of_a_project_lie_in_one_slot_and_go_with_it(cluster: ClusterServer, spread: Store) -> None:
    fill(spread)
    for project in MANY:
        keys = cluster.all_keys(f"ts:{{{project}}}:*")
        assert len(keys) > 10
        assert len({key_slot(key.encode()) for key in keys}) == 1
    assert spread.delete(range(1, 51)) > 10 * 50
    assert {key.partition("}")[0] for key in cluster.all_keys()} == {f"ts:{{{project}" for project in range(51, 61)}


def test_the_script_that_a_node_forgot_is_given_to_it_again(cluster: ClusterServer, spread: Store) -> None:
    series = fill(spread)
    cluster.masters()[1].ask("SCRIPT", "FLUSH")
    counted = increments(MANY)
    spread.incr_multi(counted, now=NOW)
    found = spread.get_sums(series, retained(TINY[-1], NOW), now=NOW)
    assert sum(found.values()) == 2 * sum(one.amount for one in counted)


def test_a_node_that_evicts_is_told_of(cluster: ClusterServer, spread: Store) -> None:
    assert spread.eviction_policy() == "noeviction"
    node = cluster.masters()[MASTERS - 1]
    node.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    try:
        assert spread.eviction_policy() == "allkeys-lru"
    finally:
        node.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")


def test_one_node_of_those_that_are_named_is_enough(cluster: ClusterServer) -> None:
    nowhere, *_, there = f"127.0.0.1:{free_port()}", cluster.masters()[0].port
    store = Store(connect(f"redis+cluster://{nowhere},127.0.0.1:{there}", 2), TINY)
    assert store.version(1) is None


def test_a_cluster_that_is_away_is_an_error_like_any_of_redis(unused_url: str) -> None:
    with pytest.raises(RedisError):
        connect(unused_url, 0.5)


@pytest.fixture
def unused_url() -> str:
    return f"redis+cluster://127.0.0.1:{free_port()},127.0.0.1:{free_port()}"


def test_user_and_password_are_those_of_every_node() -> None:
    assert node_urls("redis+cluster://me:p%40ss@one:1,two:2") == ["redis://me:p%40ss@one:1", "redis://me:p%40ss@two:2"]
    assert node_urls("rediss+cluster://one:1?ssl_cert_reqs=none") == ["rediss://one:1?ssl_cert_reqs=none"]


def test_other_rollups_are_carried_over_and_rings_of_none_found_on_every_node(spread: Store) -> None:
    series = fill(spread)
    before = {one: sum(spread.get_range([one], retained(TINY[-1], NOW), now=NOW)[one]) for one in series}
    other = Store(spread.clients, parse_rollups("1s:5,20s:6"))
    assert list(needs_settling(other, list(MANY))) == list(MANY)
    dropped: Counter[str] = Counter()
    for project in MANY:
        assert settle(other, project, now=NOW, dropped=dropped) is Phase.CLOSED
    assert list(needs_settling(other, list(MANY))) == []
    assert dropped == {TINY[1].name: len(series)}
    after = {one: sum(other.get_range([one], retained(other.rollups[-1], NOW), now=NOW)[one]) for one in series}
    assert after == before
    other.clients.write.execute_command("SET", "ts:{9}:t:error:accepted:7s9", b"left behind")
    assert delete_unnamed_rings(other) == {"7s9": 1}


def test_a_read_of_two_nodes_between_which_counts_moved_is_asked_again(
    spread: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, goal = (Series(project, "t:error:accepted") for project in PROJECTS)
    for project in PROJECTS:
        spread.open(project)
    spread.incr([source], NOW, now=NOW, amount=5)
    window, read = retained(TINY[-1], NOW), spread.clients.read.get_many

    def move_after(keys: Sequence[str]) -> list[bytes | None]:
        found = read(keys)
        monkeypatch.undo()
        merge(spread, goal, [source])
        for project in PROJECTS:  # a merge of projects does so too
            spread.close(project)
        return found

    monkeypatch.setattr(spread.clients.read, "get_many", move_after)
    with pytest.raises(Unsettled):
        spread.get_added([source, goal], window, now=NOW)
    assert sum(spread.get_added([source, goal], window, now=NOW)) == 5


def test_a_short_window_of_many_rings_is_read_as_of_few(spread: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    series = fill(spread)
    for rollup in TINY:
        wraps_around = rollup.bucket(NOW) // rollup.slots * rollup.slots + 2
        for last in (rollup.bucket(NOW), wraps_around):
            window = Window(rollup, last - rollup.slots // SHORT + 1, last)
            whole = spread.get_range(series, window, now=NOW)
            with monkeypatch.context() as patched:
                patched.setattr("tsdb.reading.MANY", len(series))
                assert spread.get_range(series, window, now=NOW) == whole
