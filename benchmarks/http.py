"""The stats endpoint over HTTP: requests a second, latency and processor time, against a view that does nothing.

Measured: GET …/stats/ with a known token, for 24 × 1 h and for 360 × 10 s of a project with counts. Against: a constant
Django REST Framework view (benchmarks/http_urls.py), which asks for no credentials and also answers 24 pairs. The
difference is the price of the token, the project and the counts. A request with a token skips the middleware that is
made for browsers (statsapi/api/fast_path.py). The view is also asked with one, to show what that is worth.

The yardstick serves the view, and for comparison the service does too (benchmarks/serving.py). Both have 2 workers, and
Valkey beside them. The load is 16 keep-alive connections of benchmarks/load.py, on the same cores.

Targets: at least 0.75 of the constant view's requests, and at most 1.2 times its p99.
"""

from __future__ import annotations

import time

from benchmarks.measure import print_table, verdict
from benchmarks.serving import HEADINGS, Load, row, serving

ROUNDS = 7
TARGET = 0.75
TARGET_P99 = 1.2
CONSTANT = "constant view"
CONSTANT_PATH = "/api/0/constant/"
STATS = "stats, 24 × 1 h"
STATS_PATH = "/api/0/projects/acme/web/stats/"


def prepare() -> str:
    """Create the tables, a project with counts in every bucket, and a token for it, which is returned."""
    import django

    django.setup()
    from django.core.management import call_command

    from projects import services
    from projects.connections import get_store
    from tsdb import series
    from tsdb.outcomes import STATS, Category
    from tsdb.store import Increment

    call_command("migrate", verbosity=0, interactive=False)
    organization = services.create_organization(slug="acme", name="Acme")
    project = services.create_project(organization=organization, slug="web", name="Web")
    services.open_project(project.pk)
    now = int(time.time())
    counted = [series.total(project.pk, Category.ERROR, outcome) for outcome in STATS["received"]]
    instants = [*range(now - 3600, now, 10), *range(now - 90 * 86400, now, 3600)]
    get_store().incr_bulk([Increment(one, at, 1 + at % 999) for one in counted for at in instants], now=now)
    return services.create_token(organization=organization, scopes=["project:read"]).secret


def main() -> None:
    print(__doc__)
    fine = f"{STATS_PATH}?resolution=10s&since={int(time.time()) - 3590}"
    with serving(prepare) as server:
        contenders = {
            CONSTANT: (server.yardstick, CONSTANT_PATH, ""),
            "the same, asked with a token": (server.yardstick, CONSTANT_PATH, server.token),
            "the same, by the service": (server.service, CONSTANT_PATH, ""),
            STATS: (server.service, STATS_PATH, server.token),
            "stats, 360 × 10 s": (server.service, fine, server.token),
        }
        measured: dict[str, list[Load]] = {name: [] for name in contenders}
        for _ in range(ROUNDS):
            for name, (backend, path, token) in contenders.items():
                measured[name].append(server.get(backend, path, token=token))
    rows = []
    for name, loads in measured.items():
        shown, rate, p99 = row(loads, measured[CONSTANT])
        targets = (
            verdict(rate.median >= TARGET, f"at least {TARGET}"),
            verdict(p99.median <= TARGET_P99, f"p99 at most {TARGET_P99}"),
        )
        rows.append((name, *shown, "; ".join(targets) if name == STATS else ""))
    print_table(("answer", *HEADINGS, "target"), rows)


if __name__ == "__main__":
    main()
