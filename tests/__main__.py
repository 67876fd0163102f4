"""All tests, as `make test` runs them: on SQLite and the embedded Valkey, then on PostgreSQL and a Redis server.

What needs a component that is not on the machine is skipped with a line that says how to get it; with REQUIRE_ALL=1
that is a failure. Arguments are handed on to pytest. A run in which they choose no test is no failure, unless they
choose none in the other run either.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import FrameType

from tests.servers import Missing, postgresql_folder, redis_binary

INTERRUPTED = 2
"""pytest's exit status after Ctrl-C."""
NO_TESTS = 5
"""pytest's exit status if its arguments choose no test."""


def main() -> int:
    command = [sys.executable, "-X", "dev", "-m", "pytest", *sys.argv[1:]]
    print("--- on SQLite and the embedded Valkey", flush=True)
    first = run(command)
    if first == INTERRUPTED:
        return first
    print("\n--- on PostgreSQL and a Redis server", flush=True)
    try:
        postgresql_folder()
        redis_binary()
    except Missing as missing:
        print(f"SKIPPED: {missing}", flush=True)
        return first or int(bool(os.environ.get("REQUIRE_ALL")))
    second = run([*command, "--external"])
    failures = [status for status in (first, second) if status not in (0, NO_TESTS)]
    if failures == [first]:
        print("The first run failed, on SQLite and the embedded Valkey; see above.", flush=True)
    if first == second == NO_TESTS:
        return NO_TESTS
    return failures[0] if failures else 0


def run(command: list[str]) -> int:
    """Run pytest and return its exit status. Whichever signal comes, pytest gets the time to end its servers."""
    with subprocess.Popen(command) as pytest:

        def end(number: int, frame: FrameType | None) -> None:
            if number == signal.SIGTERM:  # the terminal sends Ctrl-C to pytest itself
                pytest.send_signal(signal.SIGINT)

        before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            return pytest.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main())
