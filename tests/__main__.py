"""All tests, as `make test` runs them: on SQLite and the embedded Valkey, then on PostgreSQL and a Redis server.

What needs a component that is not on the machine is skipped with a line that says how to get it; with REQUIRE_ALL=1
that is a failure.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tests.servers import Missing, postgresql_folder, redis_binary


def main() -> int:
    arguments = sys.argv[1:]
    command = [sys.executable, "-X", "dev", "-m", "pytest", *arguments]
    failed = subprocess.run(command, check=False).returncode
    try:
        postgresql_folder()
        redis_binary()
    except Missing as missing:
        print(f"SKIPPED the second run: {missing}")
        return failed or bool(os.environ.get("REQUIRE_ALL"))
    return failed or subprocess.run([*command, "--external"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
