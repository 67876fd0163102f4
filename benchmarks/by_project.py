"""The stats of an organization of 100 projects by project, 24 × 1 h: processor time.

Measured: the processor time of the workers and of Valkey for GET …/organizations/acme/stats/?group=project, over 4
connections. Against: the constant Django REST Framework view, served by the yardstick (benchmarks/serving.py), and the
stats of one project. Every project has three full totals.

Before reads became one round trip without a tuple for each ring, the same request took BEFORE times as much as the
constant view. Target: at most 0.4 of that.
"""

from __future__ import annotations

import time

from benchmarks.fill import fill_rings, open_projects
from benchmarks.http import CONSTANT_PATH
from benchmarks.measure import print_table, ratio, spread, verdict
from benchmarks.rollups import ROLLUPS
from benchmarks.serving import Load, serving
from tsdb.outcomes import STATS, Category
from tsdb.series import total

PROJECTS = range(1, 101)
CONNECTIONS = 4
ROUNDS = 5
BEFORE = 7.4
TARGET = 0.4
VIEW, ONE, ALL = "constant view", "one project", "100 projects by project"


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
    Project.objects.bulk_create(Project(pk=pk, organization=organization, slug=f"p{pk}", name="P") for pk in PROJECTS)
    [client] = get_store().clients.write.servers()
    open_projects(client, PROJECTS, ROLLUPS)
    for outcome in STATS["received"]:
        fill_rings(client, total(1, Category.ERROR, outcome).name, PROJECTS, ROLLUPS, int(time.time()))
    return services.create_token(organization=organization, scopes=["org:read", "project:read"]).secret


def main() -> None:
    print(__doc__)
    measured: dict[str, list[Load]] = {VIEW: [], ONE: [], ALL: []}
    with serving(prepare) as server:
        paths = {ONE: "/api/0/projects/acme/p1/stats/", ALL: "/api/0/organizations/acme/stats/?group=project"}
        for _ in range(ROUNDS):
            measured[VIEW].append(server.get(server.yardstick, CONSTANT_PATH, CONNECTIONS))
            for name, path in paths.items():
                measured[name].append(server.get(server.service, path, CONNECTIONS, server.token))
    costs = {name: [one.workers + one.valkey for one in loads] for name, loads in measured.items()}
    rows = []
    for name, loads in measured.items():
        times = ratio(costs[name], costs[VIEW])
        of_before = times.median / BEFORE
        target = (
            f"{of_before:.2f} of before; {verdict(of_before <= TARGET, f'at most {TARGET}')}" if name == ALL else ""
        )
        figures = [[one.rate for one in loads], [one.workers for one in loads], [one.valkey for one in loads]]
        rows.append((name, *(spread(each).show() for each in figures), times.show(), target))
    print_table(("answer", "a second", "workers, µs", "Valkey, µs", "of the constant view", "target"), rows)


if __name__ == "__main__":
    main()
