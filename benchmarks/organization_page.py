"""The page of an organization with 500 projects: reading its counts, and the whole page.

Each project has a total of five outcomes with a count in every bucket, so all rings are full. Each range reads twice
its length, because the page compares it with the range before. The page is made in this process by Django's test
client: the session, the middleware, SQL, the read of the store, and the template. So the processor time of Python is
known, and that of Valkey is asked from it.

Target: a page under 200 ms.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial

from benchmarks import servers
from benchmarks.fill import fill_rings, open_projects
from benchmarks.measure import print_table, spread, verdict
from benchmarks.rollups import ROLLUPS
from benchmarks.serving import environment
from tsdb.outcomes import Category, Outcome
from tsdb.series import running_key, total

PROJECTS = range(1, 501)
OUTCOMES = (Outcome.ACCEPTED, Outcome.FILTERED, Outcome.RATE_LIMITED, Outcome.INVALID, Outcome.CLIENT_DISCARD)
RANGES = ("24h", "7d", "30d", "90d")
ROUNDS = 15
TARGET_MS = 200


def prepare() -> Callable[[str], int]:
    """Create the organization with its counts, and return a function that asks for the page of a range.

    It returns the length of the page. Raises RuntimeError unless the status is 200.
    """
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client

    from projects import services
    from projects.connections import get_store
    from projects.models import Membership, Project

    call_command("migrate", verbosity=0, interactive=False)
    organization = services.create_organization(slug="acme", name="Acme")
    Project.objects.bulk_create(
        Project(pk=number, organization=organization, slug=f"p{number}", name=f"Project {number}")
        for number in PROJECTS
    )
    user = User.objects.create_user("viewer")
    services.add_member(organization=organization, user_id=user.pk, role=Membership.Role.VIEWER)
    user.refresh_from_db()
    [server] = get_store().clients.write.servers()
    now = int(time.time())
    open_projects(server, PROJECTS, ROLLUPS)
    pipeline = server.pipeline(transaction=False)
    for outcome in OUTCOMES:
        fill_rings(server, total(1, Category.ERROR, outcome).name, PROJECTS, ROLLUPS, now)
        for project in PROJECTS:
            pipeline.hset(running_key(project), f"{Category.ERROR}:{outcome}", 1)
    pipeline.execute()
    client = Client()
    client.force_login(user)

    def ask(span: str) -> int:
        response = client.get("/o/acme/", {"range": span}, headers={"host": "127.0.0.1"})
        if response.status_code != 200:
            raise RuntimeError(f"{span}: {response.status_code}")
        return len(response.content)

    return ask


def read(span: str) -> object:
    """Read what the page of a range shows."""
    from projects.connections import get_store
    from statsapi.pages.organization.numbers import SPANS, read_overview

    return read_overview(get_store(), PROJECTS, Category.ERROR, SPANS[span], now_ns=time.time_ns())


def of_valkey() -> float:
    """Return the processor time in seconds that Valkey has taken."""
    from projects.connections import get_store

    [server] = get_store().clients.read.servers()
    used = server.info("cpu")
    return float(used["used_cpu_user"]) + float(used["used_cpu_sys"])


def measure(run: Callable[[], object]) -> tuple[list[float], list[float], float]:
    """Return the seconds that each round lasted, those that Python computed, and Valkey's in one round."""
    run()
    lasted, computed, before = [], [], of_valkey()
    for _ in range(ROUNDS):
        begin, begin_computing = time.perf_counter(), time.process_time()
        run()
        lasted.append(time.perf_counter() - begin)
        computed.append(time.process_time() - begin_computing)
    return lasted, computed, (of_valkey() - before) / ROUNDS


def main() -> None:
    print(__doc__)
    with servers.valkey() as url, servers.temporary_folder() as folder:
        os.environ.update(environment(url, folder))
        ask = prepare()
        rows = []
        for span in RANGES:
            for name, run in (("read", partial(read, span)), ("page", partial(ask, span))):
                lasted, computed, valkey = measure(run)
                reached, size = "", ""
                if name == "page":
                    reached = verdict(1000 * spread(lasted).median < TARGET_MS, f"under {TARGET_MS} ms")
                    size = f"{ask(span) / 1000:.0f} KB"
                figures = spread(lasted).show(scale=1000), spread(computed).show(scale=1000), f"{1000 * valkey:.1f}"
                rows.append((f"{span}, {name}", *figures, size, reached))
        print_table(("500 projects", "ms", "processor, Python, ms", "Valkey, ms", "size", "target"), rows)


if __name__ == "__main__":
    main()
