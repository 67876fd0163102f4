"""Event intake over HTTP: events a second, latency and processor time, against a view that does nothing.

Measured: POST …/envelope/ with a known key, plain and gzipped, over 16 and 64 keep-alive connections. Each envelope has
one error of 1.5 KB with its own id. Everything is on: credentials, detection of duplicates, the key's quota, the
environment, and a filter of addresses. Every event is counted in Redis before the answer. Against: a plain Django view
with a constant answer, served by the yardstick over as many connections (benchmarks/serving.py). The servers, Valkey
and the load share the same cores.

Over one connection each event is counted by a call of its own. The more arrive at the same time, the more are counted
by one call, so the time that Valkey spends in the script falls.

The same project is loaded with two budgets too, one of 5 minutes and one of the month, which are never used up. Every
event asks both.

Targets, of the constant view's requests over as many connections: 0.85 plain and 0.75 gzipped over 16 connections, 1.0
plain over 64. And over 64 connections at most 0.3 of the time in the script that an event takes that comes alone. With
two budgets at least 0.97 of the rate without.
"""

from __future__ import annotations

from benchmarks.http import prepare as prepare_project
from benchmarks.measure import print_table, ratio, spread, verdict
from benchmarks.serving import HEADINGS, SECONDS, Load, Server, row, serving

ROUNDS = 5
VIEW = "constant view"
TARGETS = {("plain", 16): 0.85, ("gzip", 16): 0.75, ("plain", 64): 1.0}
TARGET_SCRIPT = 0.3
TARGET_BUDGETS = 0.97
BUDGETED = "two budgets"
CONTENDERS = [(form, connections) for connections in (16, 64) for form in (VIEW, "plain", BUDGETED, "gzip")]
ALONE = ("plain", 1)


def send(server: Server, project: int, key: str, form: str, connections: int) -> Load:
    """Load the service with envelopes that are "plain" or "gzip" (benchmarks/load_envelopes.py)."""
    arguments = (str(project), key, str(connections), str(SECONDS), form)
    return server.load(server.service, "load_envelopes", *arguments)


def prepare(*windows: int) -> tuple[int, str]:
    """Make a project with a filter, a quota of its key, and budgets of these windows, which are never used up.

    Return its id and the key.
    """
    from projects import services
    from projects.models import Organization, ProjectFilters
    from projects.services.budgets import create_budget

    slug = f"budgets-{len(windows)}"
    project = services.create_project(organization=Organization.objects.get(), slug=slug, name=slug)
    key = project.keys.get()
    key.rate_limit_count, key.rate_limit_window = 2_000_000_000, 3600
    services.save_intake(project, key, ProjectFilters(project=project, ip_addresses="192.0.2.0/24"))
    for window in windows:
        create_budget(project, category="error", limit=2_000_000_000, window=window)
    return project.pk, key.public


def main() -> None:
    print(__doc__)
    measured: dict[tuple[str, int], list[Load]] = {one: [] for one in (*CONTENDERS, ALONE)}
    with serving(prepare_project) as server:
        plain, budgeted = prepare(), prepare(300, 0)
        for _ in range(ROUNDS):
            for (form, connections), loads in measured.items():
                if form == VIEW:
                    loads.append(server.get(server.yardstick, "/constant", connections))
                elif form == BUDGETED:
                    loads.append(send(server, *budgeted, "plain", connections))
                else:
                    loads.append(send(server, *plain, form, connections))
    rows = []
    for form, connections in CONTENDERS:
        shown, rate, _ = row(measured[form, connections], measured[VIEW, connections])
        least = TARGETS.get((form, connections))
        target = verdict(rate.median >= least, f"at least {least}") if least else ""
        if form == BUDGETED:
            of_plain = ratio(*([one.rate for one in measured[each, connections]] for each in (BUDGETED, "plain")))
            target = f"{of_plain.show()} of plain; {verdict(of_plain.median >= TARGET_BUDGETS, 'at least 0.97')}"
        rows.append((f"{form}, {connections}", *shown, target))
    print_table(("answer, connections", *HEADINGS, "target"), rows)
    of_alone = [one.script for one in measured[ALONE]]
    rows = []
    for form, connections in (ALONE, ("plain", 16), (BUDGETED, 16), ("plain", 64), (BUDGETED, 64)):
        scripts = [one.script for one in measured[form, connections]]
        share = ratio(scripts, of_alone)
        reached = (
            verdict(share.median <= TARGET_SCRIPT, f"at most {TARGET_SCRIPT}")
            if (form, connections) == ("plain", 64)
            else ""
        )
        rows.append((f"{form}, {connections}", spread(scripts).show(), share.show(), reached))
    print_table(("answer, connections", "script, µs an event", "of an event that comes alone", "target"), rows)


if __name__ == "__main__":
    main()
