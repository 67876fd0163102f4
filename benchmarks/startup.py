"""Start-up of the service when everything is installed, and its memory at rest.

Measured: `python -m statsapi.start.local`, which is what `make run` runs once the environment is there, with one
worker, from the command to the first 200 of /healthz: the first start (an empty VAR_DIR: secret key, migrations, demo
data) and later ones. Then, idle, the memory of all its processes, the embedded Valkey and its keeper included, from
/proc: PSS, which divides what processes share among them, and RSS, which counts it for each. There is no contender,
only targets: a start in 3 s, 150 MB of memory by PSS.
"""

from __future__ import annotations

import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks import servers
from benchmarks.measure import print_table, spread, verdict

STARTS = 5
TARGET_SECONDS = 3
TARGET_MB = 150
SETTLE_SECONDS = 2.0


class Memory(NamedTuple):
    """In MB, of one process."""

    command: str
    pss: float
    rss: float


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def start(var_dir: Path, *, look: bool = False) -> tuple[float, list[Memory]]:
    """Seconds to the first answer, and what each process takes afterwards, if that is to be looked at."""
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
    while working_in(var_dir):  # the last user's end is what ends the embedded server
        time.sleep(0.02)
    return lasted, memory


def family(process_id: int) -> Iterator[int]:
    yield process_id
    for children in Path(f"/proc/{process_id}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from family(int(child))


def working_in(var_dir: Path) -> set[int]:
    """The embedded server and its keeper, which are nobody's children."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if Path(os.readlink(process / "cwd")).is_relative_to(var_dir):
                found.add(int(process.name))
        except OSError:  # it ended meanwhile
            continue
    return found


def memory_of(process_id: int) -> Memory:
    folder = Path(f"/proc/{process_id}")
    sizes = dict.fromkeys(("Pss", "Rss"), 0.0)
    for line in (folder / "smaps_rollup").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in sizes:
            sizes[name] = int(rest.split()[0]) / 1000
    command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return Memory(command, sizes["Pss"], sizes["Rss"])


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
    """Without folders, which say where this machine keeps things."""
    return " ".join(Path(word).name if word.startswith("/") else word for word in command.split())[:60]


if __name__ == "__main__":
    main()
