"""Counting arrivals together: Redis' time and this process's time for each, by how many one call has.

Measured: the time that Redis spends in the script for each event (INFO commandstats), and the CPU time of this process
for each, from the arrival to its outcome. Each event is an error of the same key with an id of its own, a quota and an
environment: 3 series × 4 rollups. Against: one event a call.

And the same with two budgets, one of 5 minutes and one of the month. Against: without them.

Target: at most 0.3 of Redis' time with 16 events a call or more.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from typing import Any

from benchmarks import servers
from benchmarks.measure import print_table, ratio, spread, verdict
from benchmarks.rollups import ROLLUPS
from tsdb.arrivals import Arrival, Part, Quota, Sent, What, new_submission
from tsdb.budgets import MONTH, Budget
from tsdb.intake import Intake
from tsdb.outcomes import Category, Outcome
from tsdb.protocol import StoreClient
from tsdb.series import of_event
from tsdb.store import Increment, Store

SIZES = (1, 2, 4, 16, 32, 64)
EVENTS = 320
ROUNDS = 30
TARGET = 0.3
PROJECT, KEY, ENVIRONMENT = 7, 1, 3
BUDGETS = (Budget(1, Category.ERROR, 2_000_000_000, 300), Budget(2, Category.ERROR, 2_000_000_000, MONTH))


def arrival(now: int, budgets: Sequence[Budget]) -> Arrival:
    """Return an accepted error that asks these budgets, with what is counted if the quota refuses it."""

    def under(outcome: Outcome, reason: str) -> list[Increment]:
        series = of_event(PROJECT, KEY, Category.ERROR, outcome, reason=reason, environment_id=ENVIRONMENT)
        return [Increment(one, now) for one in series]

    accepted = under(Outcome.ACCEPTED, "none")
    asked = tuple((budget, 1) for budget in budgets)
    return Arrival(
        secrets.token_hex(16),
        Outcome.ACCEPTED,
        [] if asked else accepted,
        Quota(KEY, 2_000_000_000, 3600),
        under(Outcome.RATE_LIMITED, "key_quota"),
        parts=[Part(What.EVENT, asked, tuple(accepted))] if asked else [],
    )


def spent_in_scripts(client: StoreClient) -> int:
    """Return the microseconds that Redis has spent in scripts."""
    stats: Any = client.execute_command("INFO", "commandstats")
    return sum(stats.get(f"cmdstat_{name}", {}).get("usec", 0) for name in ("eval", "evalsha"))


def count(
    intake: Intake, client: StoreClient, version: str, size: int, budgets: Sequence[Budget]
) -> tuple[float, float]:
    """Count EVENTS events, `size` a call, and return Redis' and this process's microseconds for each."""
    now = int(time.time())
    sent = [Sent(PROJECT, version, arrival(now, budgets), new_submission(), now) for _ in range(EVENTS)]
    redis_before, before = spent_in_scripts(client), time.process_time()
    for place in range(0, EVENTS, size):
        intake.count_together(sent[place : place + size])
    lasted = time.process_time() - before
    return (spent_in_scripts(client) - redis_before) / EVENTS, 1e6 * lasted / EVENTS


def main() -> None:
    print(__doc__)
    measured: dict[tuple[int, bool], list[tuple[float, float]]] = {
        (size, is_limited): [] for size in SIZES for is_limited in (False, True)
    }
    with servers.store_clients() as clients:
        store = Store(clients, ROLLUPS, most_series=10_000)
        intake, version = Intake(store, 3600), store.open(PROJECT)
        for turn in range(ROUNDS + 1):
            for (size, is_limited), rounds in measured.items():
                times = count(intake, clients.write, version, size, BUDGETS if is_limited else ())
                if turn:  # caches fill in the first
                    rounds.append(times)
    redis = {one: [each for each, _ in rounds] for one, rounds in measured.items()}
    ours = {one: [each for _, each in rounds] for one, rounds in measured.items()}
    rows, limited = [], []
    for size in SIZES:
        plain, budgeted = (size, False), (size, True)
        share = ratio(redis[plain], redis[1, False])
        target = verdict(share.median <= TARGET, f"at most {TARGET}") if size >= 16 else ""
        rows.append((str(size), spread(redis[plain]).show(), share.show(), spread(ours[plain]).show(), target))
        more = [spread(a - b for a, b in zip(of[budgeted], of[plain], strict=True)).show() for of in (redis, ours)]
        limited.append((str(size), spread(redis[budgeted]).show(), spread(ours[budgeted]).show(), *more))
    print_table(("events a call", "Redis, µs an event", "of one a call", "this process, µs an event", "target"), rows)
    print("With two budgets:\n")
    headings = ("events a call", "Redis, µs an event", "this process, µs an event")
    print_table((*headings, "Redis, more than without", "this process, more than without"), limited)


if __name__ == "__main__":
    main()
