"""The memory of a service's processes, while it reads what was made to be large."""

from __future__ import annotations

import re
from pathlib import Path

from tests.clients.live import IntakeService


class Memory:
    """The growth of the workers' memory from now on, by its peak, in megabytes."""

    def __init__(self, service: IntakeService) -> None:
        self._workers = service.workers()
        for worker in self._workers:
            Path(f"/proc/{worker}/clear_refs").write_text("5")  # resets the peak
        self._before = self._megabytes("VmRSS")

    def grown(self) -> int:
        return self._megabytes("VmHWM") - self._before

    def _megabytes(self, field: str) -> int:
        found = [re.search(rf"{field}:\s+(\d+) kB", Path(f"/proc/{one}/status").read_text()) for one in self._workers]
        return sum(int(one[1]) for one in found if one) // 1024
