"""The start of the service when everything is installed, and its memory when it is idle.

Measured: the time from the command to the first 200 of /healthz. The command is `python -m statsapi.start.local` with
one worker, which is what `make run` runs once the packages are installed. The first start has an empty VAR_DIR and
makes a secret key, tables and demo data. Later ones find them. Then the memory of all processes while idle, including
the embedded Valkey and its keeper, from /proc: PSS, which divides shared memory among the processes, and RSS, which
counts it for each. There is no contender. The targets are a start within 3 s and 104 MB of memory by PSS.
"""

from __future__ import annotations

import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from benchmarks import servers
from benchmarks.measure import print_table, spread, verdict
from benchmarks.processes import Memory, family, memory_of, working_in

STARTS = 5
TARGET_SECONDS = 3
TARGET_MB = 104
SETTLE_SECONDS = 2.0


def answers(port: int) -> bool:
    """Return whether /healthz answers 200."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def start(var_dir: Path, *, look: bool = False) -> tuple[float, list[Memory]]:
    """Start and end the service. Return the seconds to the first answer, and the memory of each process if `look`."""
    port, log = servers.free_port(), var_dir.parent / "output"
    environment = {"VAR_DIR": str(var_dir), "PORT": str(port), "WEB_WORKERS": "1"}
    begin = time.perf_counter()
    with servers.running([sys.executable, "-m", "statsapi.start.local"], log, **environment) as process:
        servers.wait_for(lambda: answers(port), process, log)
        lasted = time.perf_counter() - begin
        memory = []
        if look:
            time.sleep(SETTLE_SECONDS)
            memory = [memory_of(process_id) for process_id in sorted({*family(process.pid), *working_in(var_dir)})]
    while working_in(var_dir):  # the embedded server ends after its last user
        time.sleep(0.02)
    return lasted, memory


def main() -> None:
    print(__doc__)
    for name in ("DATABASE_URL", "TSDB_URL", "CACHE_URL", "SECRET_KEY", "DEBUG", "HOST", "PUBLIC_URL"):
        os.environ.pop(name, None)
    later = []
    with servers.temporary_folder() as folder:
        var_dir = folder / "var"
        first, _ = start(var_dir)
        for turn in range(STARTS):
            lasted, memory = start(var_dir, look=turn == 0)
            later.append(lasted)
            if memory:
                resting = memory
    slow = spread(later)
    rows = [
        ("first start, s", f"{first:.2f}", verdict(first <= TARGET_SECONDS, f"at most {TARGET_SECONDS}")),
        ("later starts, s", slow.show(), verdict(slow.median <= TARGET_SECONDS, f"at most {TARGET_SECONDS}")),
    ]
    pss, rss = sum(one.pss for one in resting), sum(one.rss for one in resting)
    rows.append(("memory, PSS, MB", f"{pss:.0f}", verdict(pss <= TARGET_MB, f"at most {TARGET_MB}")))
    rows.append(("memory, RSS, MB", f"{rss:.0f}", ""))
    print_table(("what", "measured", "target"), rows)
    print_table(
        ("process", "PSS, MB", "RSS, MB"),
        [(shortened(one.command), f"{one.pss:.1f}", f"{one.rss:.1f}") for one in resting],
    )


def shortened(command: str) -> str:
    """Return the command without folders, which differ between machines, and with at most 60 characters."""
    return " ".join(Path(word).name if word.startswith("/") else word for word in command.split())[:60]


if __name__ == "__main__":
    main()
