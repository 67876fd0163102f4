"""An organization of 1000 projects: reading 24 × 1 h of all of them, in the store and through the endpoints.

Measured first: reading the accepted errors of each project from the store in one round trip, one series for each
project. Against: the same counts in benchmarks/hash_per_bucket.py, read by one pipeline of HGET; and the same rings,
read project by project, as a client must that uses the project's endpoint only. All must answer the same.

Then what the endpoints do, in the store and as a whole request. The stats read received errors (three series a project)
and add them up for the organization or for each project. stats_v2 and stats-summary read outcomes (six series a project
and the index of each). The requests are sent one at a time over one keep-alive connection to a granian of
benchmarks/serving.py.

Targets: under 50 ms in the store, and at least 14 times as fast as the hashes.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from benchmarks import servers
from benchmarks.fill import fill_hashes, fill_rings, open_projects
from benchmarks.hash_per_bucket import HashPerBucket
from benchmarks.measure import print_table, ratio, spread, take_turns, verdict
from benchmarks.rollups import HOURS, ROLLUPS
from benchmarks.serving import serving
from tsdb.client import Clients
from tsdb.facts import Question, add_facts
from tsdb.outcomes import STATS, Category, Outcome
from tsdb.series import Series, fact, index_key, total
from tsdb.store import Store
from tsdb.timeline import Window

PROJECTS = range(1, 1001)
ROUNDS = 15
TARGET_MS = 50
TARGET_FASTER = 14
ACCEPTED = total(1, Category.ERROR, Outcome.ACCEPTED).name

ENDPOINTS = {
    "stats": "/api/0/organizations/acme/stats/",
    "stats, group=project": "/api/0/organizations/acme/stats/?group=project",
    "stats_v2 by outcome": (
        "/api/0/organizations/acme/stats_v2/?statsPeriod=23h&field=sum(quantity)&category=error&groupBy=outcome"
    ),
    "stats-summary": "/api/0/organizations/acme/stats-summary/?statsPeriod=23h&field=sum(quantity)",
}


def fill(clients: Clients, now: int) -> None:
    """Write full rings for three totals and three facts of each project, and the index that names them."""
    names = [total(1, Category.ERROR, outcome).name for outcome in STATS["received"]]
    names += [fact(1, 0, Category.ERROR, outcome).name for outcome in STATS["received"]]
    [server] = clients.write.servers()
    open_projects(server, PROJECTS, ROLLUPS)
    for name in names:
        fill_rings(server, name, PROJECTS, ROLLUPS, now)
    pipeline = server.pipeline(transaction=False)
    for project in PROJECTS:
        pipeline.sadd(index_key(project), *names)
    pipeline.execute()


def received(projects: Sequence[int]) -> list[Series]:
    """Return the series that make up the received errors of the projects."""
    return [total(project, Category.ERROR, outcome) for project in projects for outcome in STATS["received"]]


def last_day(now: int) -> Window:
    """Return the window of the last 24 hours, by the hour."""
    return Window(HOURS, HOURS.bucket(now) - 23, HOURS.bucket(now))


def compare(store: Store, now: int) -> None:
    """Print the first table."""
    window, hashes = last_day(now), HashPerBucket(store.clients, ROLLUPS)
    series = [Series(project, ACCEPTED) for project in PROJECTS]

    def rings() -> dict[int, tuple[int, ...]]:
        return {one.project: counts for one, counts in store.get_range(series, window, now=now).items()}

    def one_by_one() -> dict[int, tuple[int, ...]]:
        return {one.project: store.get_range([one], window, now=now)[one] for one in series}

    from_hashes = partial(hashes.get_range, ACCEPTED, PROJECTS, window)
    if not rings() == from_hashes() == one_by_one():
        raise AssertionError("the contenders do not answer the same")
    contenders: dict[str, Callable[[], object]] = {
        "rings, one MGET": rings,
        "rings, one by one": one_by_one,
        "hashes, one pipeline": from_hashes,
    }
    times = take_turns(contenders, ROUNDS)
    rows = []
    for name, seconds in times.items():
        slower = ratio(seconds, times["rings, one MGET"])
        target = ""
        if name == "hashes, one pipeline":
            target = verdict(slower.median >= TARGET_FASTER, f"at least {TARGET_FASTER}")
        rows.append((name, spread(seconds).show(scale=1000), slower.show(), target))
    print_table(("1000 × 24 × 1 h", "ms", "times as long", "target"), rows)


def ask(connection: http.client.HTTPConnection, path: str, token: str) -> int:
    """Send a request and return the length of the answer's body. Raises RuntimeError unless the status is 200."""
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise RuntimeError(f"{path}: {response.status} {body[:300]!r}")
    return len(body)


@contextmanager
def connected(port: int) -> Iterator[http.client.HTTPConnection]:
    """Open a keep-alive connection to the service."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    yield connection
    connection.close()


def prepare() -> str:
    """Create the tables, the organization with its projects and counts, and a token for it, which is returned."""
    import django

    django.setup()
    from django.core.management import call_command

    from projects import services
    from projects.connections import get_store
    from projects.models import Project

    call_command("migrate", verbosity=0, interactive=False)
    organization = services.create_organization(slug="acme", name="Acme")
    rows = [Project(pk=number, organization=organization, slug=f"p{number}", name="P") for number in PROJECTS]
    Project.objects.bulk_create(rows)
    fill(get_store().clients, int(time.time()))
    return services.create_token(organization=organization, scopes=["org:read"]).secret


def endpoints() -> None:
    """Print the second table."""
    with serving(prepare) as server, connected(server.service.port) as connection:
        from projects.connections import get_store

        store, now = get_store(), int(time.time())
        window, parts = last_day(now), received(PROJECTS)
        added = partial(store.get_added, parts, window, now=now)
        added_by_project = partial(store.get_added_by_project, parts, window, now=now)
        by_outcome = Question(lambda kind: True, group_by=["outcome"])
        by_project = Question(lambda kind: True, group_by=["project", "category", "outcome"])
        in_store: dict[str, Callable[[], object]] = {
            "stats": added,
            "stats, group=project": added_by_project,
            "stats_v2 by outcome": partial(add_facts, store, PROJECTS, by_outcome, window, now=now),
            "stats-summary": partial(add_facts, store, PROJECTS, by_project, window, now=now),
        }
        whole = {name: partial(ask, connection, path, server.token) for name, path in ENDPOINTS.items()}
        of_store = take_turns({f"store: {name}": run for name, run in in_store.items()}, ROUNDS)
        of_whole = take_turns(whole, ROUNDS)
        rows = []
        for name in ENDPOINTS:
            read = spread(of_store[f"store: {name}"])
            reached = verdict(1000 * read.median < TARGET_MS, f"under {TARGET_MS} ms in the store")
            size = f"{whole[name]() / 1000:.0f} KB"
            rows.append((name, read.show(scale=1000), spread(of_whole[name]).show(scale=1000), size, reached))
        print_table(("1000 projects, 24 × 1 h", "in the store, ms", "whole request, ms", "answer", "target"), rows)


def main() -> None:
    print(__doc__)
    now = int(time.time())
    with servers.store_clients() as clients:
        fill(clients, now)
        [server] = clients.write.servers()
        fill_hashes(server, ACCEPTED, PROJECTS, ROLLUPS, now)
        compare(Store(clients, ROLLUPS), now)
    endpoints()


if __name__ == "__main__":
    main()
