"""The cost of an event and of a read by the number of projects: 10, 1000 and 10 000.

    python -m benchmarks.many_projects [--most 100000]

Measured: the processor time of the workers and of Valkey for an event of 1.3 KB, and for the stats of a day by hours,
over 16 connections, each to a random one of so many projects. All of them were asked before, so the workers know them.
Against: the same for 10 projects. Events of one project that wait together share a call of the script, so with few
projects an event costs less. Over one connection each event has a call of its own, and only the number of projects
differs. A project that has counted something takes 46 KB of Valkey.

Target: at most 1.2 times the cost with 10 projects.
"""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile

from benchmarks.measure import print_table, ratio, spread, verdict
from benchmarks.serving import Load, serving

NUMBERS = (10, 1000, 10_000, 100_000)
LOADS = {"events": ("events", 16), "events, one at a time": ("events", 1), "reads": ("reads", 16)}
"""The load behind each row of the table, and its number of connections."""
SECONDS = 3
ROUNDS = 3
TARGET = 1.2


def prepare(number: int, file: Path) -> str:
    """Create an organization with so many projects and a token for it. Write them to the file."""
    import django

    django.setup()
    from django.core.management import call_command

    from projects import services
    from projects.models import Project, ProjectKey

    call_command("migrate", verbosity=0, interactive=False)
    acme = services.create_organization(slug="acme", name="Acme")
    projects = [Project(pk=pk, organization=acme, slug=f"p{pk}", name="P") for pk in range(1, number + 1)]
    Project.objects.bulk_create(projects, batch_size=1000)
    keys = ProjectKey.objects.bulk_create([ProjectKey(project=one) for one in projects], batch_size=1000)
    services.open_projects([one.pk for one in projects])
    token = services.create_token(organization=acme, scopes=["project:read"]).secret
    rows = [(one.pk, one.slug, key.public) for one, key in zip(projects, keys, strict=True)]
    file.write_text(json.dumps({"token": token, "projects": rows}))
    return token


def main() -> None:
    parser = argparse.ArgumentParser(description="The cost of an event and of a read by the number of projects.")
    parser.add_argument("--most", type=int, default=10_000, help="the most projects")
    most = parser.parse_args().most
    print(__doc__)
    numbers = [one for one in NUMBERS if one <= most]
    measured: dict[tuple[str, int], list[Load]] = {(what, one): [] for what in LOADS for one in numbers}
    with NamedTemporaryFile() as file, serving(partial(prepare, most, Path(file.name))) as server:

        def load(what: str, number: int, seconds: int) -> Load:
            kind, connections = LOADS[what]
            arguments = (file.name, str(number), kind, str(connections), str(seconds))
            return server.load(server.service, "load_many", *arguments)

        for what in ("events", "reads"):
            load(what, numbers[-1], 0)
        for _ in range(ROUNDS):
            for (what, number), loads in measured.items():
                loads.append(load(what, number, SECONDS))
    rows = []
    for (what, number), loads in measured.items():
        costs = [one.workers + one.valkey for one in loads]
        more = ratio(costs, [one.workers + one.valkey for one in measured[what, numbers[0]]])
        figures = [[one.rate for one in loads], [one.workers for one in loads], [one.valkey for one in loads]]
        shown = [spread(each).show() for each in figures]
        target = verdict(more.median <= TARGET, f"at most {TARGET}") if number > numbers[0] else ""
        rows.append((f"{what}, {number} projects", *shown, more.show(), target))
    headings = ("a second", "workers, µs", "Valkey, µs", f"of the cost with {numbers[0]}", "target")
    print_table(("what", *headings), rows)


if __name__ == "__main__":
    main()
