"""Print what this version answers on the var/ of an earlier one, as JSON.

    VAR_DIR=… SECRET_KEY=… python -m tests.upgrade.afterwards CLOCK TOKEN NUMBERS [rebuild]

In this process time stands still at CLOCK, in seconds since the epoch. NUMBERS is {"<slug>": <id>}. The script migrates
first. With `rebuild` it then runs the command rebuild_rollups. Without it, each project is carried over when it is
first asked for.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import django
import redis
import time_machine
from django.core.management import call_command
from django.test import Client

from tests.upgrade.freeze import ask_all


class Afterwards:
    """This version, running in this process on that var/."""

    def __init__(self, token: str) -> None:
        self.var_dir = Path(os.environ["VAR_DIR"])
        self.redis = redis.Redis(unix_socket_path=str(self.var_dir / "valkey/valkey.sock"))
        self._client = Client(SERVER_NAME="127.0.0.1", headers={"authorization": f"Bearer {token}"})

    def do(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._client.generic(method, f"/api/0/{path}")
        assert answer.status_code == 200, (path, answer.content)
        return json.loads(answer.content)


def main(clock: str, token: str, numbers: str, *how: str) -> None:
    with time_machine.travel(int(clock), tick=False):
        django.setup()
        call_command("migrate", verbosity=0)
        if how:
            call_command("rebuild_rollups", verbosity=0)
        asked = Afterwards(token)
        answers = ask_all(asked, json.loads(numbers), int(clock))
        month = "organizations/acme/stats_v2/?field=sum(quantity)&category=error&statsPeriod=30d"
        asked_by = {by: asked.do("GET", f"{month}{by}") for by in ("&interval=1d", "&interval=1h", "")}
        json.dump({**answers, "month": asked_by}, sys.stdout)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "statsapi.settings")
    main(*sys.argv[1:])
