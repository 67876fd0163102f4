"""Run all benchmarks or those that are named, one after the other: `python -m benchmarks [name …]`.

Each runs in its own process. Status 0, 1 if one of them failed, 2 if a name is unknown.
"""

from __future__ import annotations

import subprocess
import sys

from benchmarks.servers import ROOT

ALL = (
    "reading",
    "writing",
    "memory",
    "integer_width",
    "http",
    "organization",
    "organization_page",
    "intake",
    "together",
    "by_project",
    "many_projects",
    "slow_senders",
    "startup",
    "day",
)


SHORTER = {"day": ["--minutes", "2", "--report", "30"]}
"""Options that a benchmark gets if all run."""


def main(names: list[str]) -> int:
    strangers = [name for name in names if name not in ALL]
    if strangers:
        print(f"There is no benchmark {strangers[0]!r}; there are {', '.join(ALL)}.", file=sys.stderr)
        return 2
    failed = []
    for name in names or ALL:
        print(f"## {name}\n", flush=True)
        options = [] if names else SHORTER.get(name, [])
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *options], cwd=ROOT, check=False).returncode:
            failed.append(name)
    if failed:
        print(f"Failed: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
