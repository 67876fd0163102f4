"""A day in production, in minutes: many keys, real SDKs, readers and a page, and what it takes over time.

    python -m benchmarks.day [--minutes 10] [--report 60]

2000 keys of 500 projects share the load by Zipf's law. Envelopes are those of a Python, a browser and a mobile SDK
(benchmarks/day_traffic.py): errors of 2 to 8 KB, transactions, sessions, client reports and an attachment of 40 KB, in
plain, gzip and br. About a tenth are filtered, and about a twentieth refused by a quota. They come over 16 connections,
each as soon as the last one was answered. 20 readers ask for stats five times a second each, and one opens the page of
the organization once a second. Every load has a process of its own. Ids are remembered for a minute instead of an hour,
so that what Valkey keeps of them levels off within the run.

There is no contender. At the end the counts that are read back must be those that were acknowledged, and the workers
must not have grown by more than a twentieth since the first third of the run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from benchmarks import servers
from benchmarks.day_traffic import FILTERED_RELEASE
from benchmarks.measure import print_table, verdict
from benchmarks.processes import processor_seconds, resident
from benchmarks.rollups import HOURS
from benchmarks.serving import Server, serving

PROJECTS = 500
KEYS_EACH = 4
CONNECTIONS = 16
REFUSING = (40, 0.10)
"""The first place by load of the keys whose quota is used up, and their share of the load. Half of it is errors."""
MOST_GROWTH = 1.05


def prepare(file: Path) -> str:
    """Create the projects, keys, filters and quotas, and a member. Write the keys to the file.

    Returns a token and the member's cookie, with a blank between them.
    """
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client

    from projects import services
    from projects.models import Membership, Project, ProjectFilters, ProjectKey

    call_command("migrate", verbosity=0, interactive=False)
    acme = services.create_organization(slug="acme", name="Acme")
    projects = [Project(pk=pk, organization=acme, slug=f"p{pk}", name=f"P {pk}") for pk in range(1, PROJECTS + 1)]
    Project.objects.bulk_create(projects)
    ProjectFilters.objects.bulk_create(
        ProjectFilters(project=one, release_versions=FILTERED_RELEASE) for one in projects
    )
    keys = [ProjectKey(project=one) for _ in range(KEYS_EACH) for one in projects]
    weights = [1 / place for place in range(1, len(keys) + 1)]
    place, left = REFUSING[0], REFUSING[1] * sum(weights)
    while left > 0:
        keys[place].rate_limit_count, keys[place].rate_limit_window = 1, 3600
        left -= weights[place]
        place += 1
    ProjectKey.objects.bulk_create(keys)
    services.open_projects([one.pk for one in projects])
    file.write_text(json.dumps([(key.project_id, key.public, one) for key, one in zip(keys, weights, strict=True)]))
    user = User.objects.create_user("viewer")
    services.add_member(organization=acme, user_id=user.pk, role=Membership.Role.VIEWER)
    user.refresh_from_db()
    client = Client()
    client.force_login(user)
    token = services.create_token(organization=acme, scopes=["project:read"]).secret
    return f"{token} " + "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())


def read_back(counted: dict[str, int]) -> dict[str, int]:
    """Return the counts of all projects, by the words that the load used."""
    from projects.connections import get_store
    from tsdb.outcomes import Category, Outcome
    from tsdb.series import total
    from tsdb.timeline import Window

    now, found = int(time.time()), {}
    window = Window(HOURS, HOURS.bucket(now) - 23, HOURS.bucket(now))
    for words in counted:
        category, outcome = words.split(":")
        series = [total(project, Category[category.upper()], Outcome(outcome)) for project in range(1, PROJECTS + 1)]
        found[words] = sum(map(sum, get_store().get_range(series, window, now=now).values()))
    return found


def lines_of(process: subprocess.Popen[bytes]) -> Iterator[dict[str, Any]]:
    """Yield what the process prints."""
    assert process.stdout
    for line in process.stdout:
        yield json.loads(line)


def run(server: Server, file: str, seconds: int, every: int) -> tuple[list[tuple[float, ...]], dict[str, Any]]:
    """Run the loads. Return a row of figures for each report, and what the events' load said at the end."""
    token, _, cookie = server.token.partition(" ")
    port, times = str(server.service.port), (str(seconds), str(every))
    command = [sys.executable, "-m"]
    events = [*command, "benchmarks.day_events", port, file, str(CONNECTIONS), *times]
    readers = [*command, "benchmarks.day_readers", port, str(PROJECTS), *times, token, cookie]
    rows: list[tuple[float, ...]] = []
    with (
        subprocess.Popen(readers, cwd=servers.ROOT, stdout=subprocess.PIPE) as of_reads,
        subprocess.Popen(events, cwd=servers.ROOT, stdout=subprocess.PIPE) as of_events,
    ):
        reads = lines_of(of_reads)
        used, valkey_used = processor_seconds(server.service.workers), processor_seconds([server.valkey_id])
        for said in lines_of(of_events):
            if "counted" in said:
                return rows, said
            read = next(reads, {"reads": 0, "p99": 0.0, "page": 0.0})
            before, valkey_before = used, valkey_used
            used, valkey_used = processor_seconds(server.service.workers), processor_seconds([server.valkey_id])
            each = 1e6 / (said["rate"] * every)
            costs = ((used - before) * each, (valkey_used - valkey_before) * each)
            memory = (resident(server.service.workers), server.valkey.info("memory")["used_memory"] / 1e6)
            rows.append((said["rate"], said["p50"], said["p99"], read["p99"], read["page"], *costs, *memory))
    raise RuntimeError("the load of events has failed")


def main() -> None:
    parser = argparse.ArgumentParser(description="A day in production.")
    parser.add_argument("--minutes", type=float, default=10, help="how long it lasts")
    parser.add_argument("--report", type=int, default=60, help="seconds between reports")
    options = parser.parse_args()
    print(__doc__)
    seconds = int(60 * options.minutes)
    with NamedTemporaryFile() as file, serving(partial(prepare, Path(file.name)), INGEST_DEDUPE_SECONDS="60") as server:
        rows, said = run(server, file.name, seconds, min(options.report, seconds))
        found = read_back(said["counted"])
    headings = ("events/s", "p50, ms", "p99, ms", "reads' p99, ms", "page, ms", "workers, µs", "Valkey, µs")
    shown = [(str((at + 1) * options.report), *(f"{one:.1f}" for one in row)) for at, row in enumerate(rows)]
    print_table(("after, s", *headings, "workers, MB", "Valkey, MB"), shown)
    growth = rows[-1][-2] / rows[len(rows) // 3][-2]
    print(
        f"The workers' memory, last to first third: {growth:.3f} ({verdict(growth <= MOST_GROWTH, str(MOST_GROWTH))})."
    )
    refused = said["refused"] / said["answers"]
    refused, failed = said["refused"] / said["answers"], said["failed"]
    print(f"{said['answers']} envelopes were answered, {refused:.1%} of them refused, {failed} by 503.")
    # An answer of 503 does not say whether the envelope was counted.
    kept = all(0 <= found[words] - number <= 3 * failed for words, number in said["counted"].items())
    words = ", ".join(f"{name} {number}" for name, number in sorted(found.items()))
    print(f"Read back: {words}: {'as acknowledged' if kept else 'NOT AS ACKNOWLEDGED'}.\n")
    if not kept:
        sys.exit(f"acknowledged: {said['counted']}")


if __name__ == "__main__":
    main()
