"""Event intake over HTTP: events a second and latency, against a view that does nothing.

Measured: POST …/envelope/ with a known key, plain and gzipped. Each envelope has one error of 1.5 KB with its own id.
Everything is on: credentials, detection of duplicates, the key's quota, the environment, and a filter of addresses.
Every event is counted in Redis before the answer. Against: a plain Django view with a constant answer, behind the same
granian (2 workers), settings and middleware. The load is 16 keep-alive connections. The server, Valkey and the load
share the same cores.

Target: at least 0.44 of the constant view's requests, which a first prototype reached with fewer features.
"""

from __future__ import annotations

import json
import subprocess
import sys

from benchmarks import servers
from benchmarks.http import CONNECTIONS, SECONDS, Server, serving
from benchmarks.measure import print_table, ratio, spread, verdict

ROUNDS = 7
TARGET = 0.44


def send(server: Server, project: int, key: str, form: str) -> dict[str, float]:
    """Run benchmarks.load_envelopes with envelopes that are "plain" or "gzip", and return what it prints."""
    command = [sys.executable, "-m", "benchmarks.load_envelopes", str(server.port), str(project), key]
    answer: dict[str, float] = json.loads(
        subprocess.check_output([*command, str(CONNECTIONS), str(SECONDS), form], cwd=servers.ROOT)
    )
    return answer


def prepare() -> tuple[int, str]:
    """Give the project a filter, and its key a quota that is never used up. Return the project's id and the key."""
    from projects import services
    from projects.models import Project, ProjectFilters

    project = Project.objects.get()
    key = project.keys.get()
    key.rate_limit_count, key.rate_limit_window = 2_000_000_000, 3600
    services.save_intake(project, key, ProjectFilters(project=project, ip_addresses="192.0.2.0/24"))
    return project.pk, key.public


def main() -> None:
    print(__doc__)
    contenders = {"constant view": "", "envelope, plain": "plain", "envelope, gzip": "gzip"}
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in contenders}
    with serving() as server:
        project, key = prepare()
        for _ in range(ROUNDS):
            for name, form in contenders.items():
                answer = send(server, project, key, form) if form else server.load("/constant", anonymous=True)
                measured[name].append(answer)
    rates = {name: [one["requests"] / one["seconds"] for one in rounds] for name, rounds in measured.items()}
    rows = []
    for name, rounds in measured.items():
        share = ratio(rates[name], rates["constant view"])
        p50, p99 = (spread(one[which] for one in rounds) for which in ("p50", "p99"))
        target = verdict(share.median >= TARGET, f"at least {TARGET}") if contenders[name] else ""
        rows.append((name, spread(rates[name]).show(4), share.show(), p50.show(), p99.show(), target))
    print_table(("answer", "events/s", "of the constant view", "p50, ms", "p99, ms", "target"), rows)


if __name__ == "__main__":
    main()
