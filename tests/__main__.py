"""All tests, as `make test` runs them: on SQLite and the embedded Valkey, then on PostgreSQL and a Redis server.

What needs a component that is not on the machine is skipped with a line that says how to get it; with REQUIRE_ALL=1
that is a failure. Arguments are handed on to pytest.
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


def main() -> int:
    command = [sys.executable, "-X", "dev", "-m", "pytest", *sys.argv[1:]]
    print("--- on SQLite and the embedded Valkey", flush=True)
    failed = run(command)
    if failed == INTERRUPTED:
        return failed
    print("\n--- on PostgreSQL and a Redis server", flush=True)
    try:
        postgresql_folder()
        redis_binary()
    except Missing as missing:
        print(f"SKIPPED: {missing}", flush=True)
        return failed or int(bool(os.environ.get("REQUIRE_ALL")))
    failed_too = run([*command, "--external"])
    if failed and not failed_too:
        print("The first run failed, on SQLite and the embedded Valkey; see above.", flush=True)
    return failed or failed_too


def run(command: list[str]) -> int:
    """pytest's exit status. It is given the time to end its servers, whichever signal comes."""
    with subprocess.Popen(command) as pytest:

        def end(number: int, frame: FrameType | None) -> None:
            if number == signal.SIGTERM:  # of Ctrl-C the terminal tells pytest itself
                pytest.send_signal(signal.SIGINT)

        before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            return pytest.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main())
