"""What processes have used, from /proc: processor time and memory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

_TICKS = os.sysconf("SC_CLK_TCK")


class Memory(NamedTuple):
    """The memory of one process, in MB. PSS divides shared memory among the processes, RSS counts it for each."""

    command: str
    pss: float
    rss: float


def processor_seconds(process_ids: Iterable[int]) -> float:
    """Return the seconds of processor time, user and system, that the processes have taken together."""
    ticks = 0
    for one in process_ids:
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS


def memory_of(process_id: int) -> Memory:
    """Return the memory of a process."""
    folder = Path(f"/proc/{process_id}")
    sizes = dict.fromkeys(("Pss", "Rss"), 0.0)
    for line in (folder / "smaps_rollup").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in sizes:
            sizes[name] = int(rest.split()[0]) / 1000
    return Memory(_command(process_id), sizes["Pss"], sizes["Rss"])


def resident(process_ids: Iterable[int]) -> float:
    """Return the sum of the processes' RSS, in MB."""
    return sum(memory_of(one).rss for one in process_ids)


def family(process_id: int) -> Iterator[int]:
    """Yield the ids of a process and of all its descendants."""
    yield process_id
    for child in children(process_id):
        yield from family(child)


def children(process_id: int) -> list[int]:
    """Return the ids of the children of a process."""
    found = Path(f"/proc/{process_id}/task").glob("*/children")
    return [int(child) for one in found for child in one.read_text().split()]


def workers_of(process_id: int) -> tuple[int, ...]:
    """Return the ids of granian's workers, given that of its main process."""
    return tuple(one for one in children(process_id) if "resource_tracker" not in _command(one))


def working_in(folder: Path) -> set[int]:
    """Return the ids of the processes that work in the folder.

    In VAR_DIR these are the embedded server and its keeper, which are not children of the service.
    """
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if Path(os.readlink(process / "cwd")).is_relative_to(folder):
                found.add(int(process.name))
        except OSError:  # the process has ended meanwhile
            continue
    return found


def _command(process_id: int) -> str:
    return Path(f"/proc/{process_id}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
