"""The whole service in processes of its own, so that a test can stop the servers that it uses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

from tests.servers import Server, free_port, listens, wait_for

ROOT = Path(__file__).resolve().parent.parent

SINCE = {"10s": 3000, "1h": 7200, "1d": 2 * 86400}
"""Seconds that a test looks back at each resolution: at least to the bucket in which it began."""

PATIENT = {"TSDB_TIMEOUT": "5", "DATABASE_TIMEOUT": "20"}
"""Settings for tests that are not about time-outs. A busy machine may stand still for longer than the usual ones.

A Service has the first of them by itself, and the second one only if a test gives it these.
"""

SETUP = """
from django.core.management import call_command
from projects import services
from projects.connections import get_store
from projects.models import SCOPES, ApiToken, Organization, Project
call_command("migrate", verbosity=0)
acme = services.create_organization(slug="acme", name="Acme")
web = services.create_project(organization=acme, slug="web", name="Web")
answer = services.create_token(organization=acme, scopes=SCOPES).secret
"""


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    """By names in lower case."""
    body: bytes
    seconds: float

    def json(self) -> Any:
        return json.loads(self.body)


class Service:
    """A server as `make run` starts it, with the organization `acme`, its project `web` and a token with every scope.

    `settings` are environment variables, such as the URLs of Redis and the database.
    """

    changes = ""
    """Statements that change constants of `server` before it serves."""

    def __init__(self, folder: Path, **settings: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "service.log"
        self.port = free_port()
        self._environment = {
            "DJANGO_SETTINGS_MODULE": "statsapi.settings",
            "PYTHONPATH": str(ROOT),
            "PORT": str(self.port),
            "VAR_DIR": str(folder / "var"),
            **dict.fromkeys(("DATABASE_URL", "TSDB_URL", "CACHE_URL"), ""),
            "TSDB_TIMEOUT": PATIENT["TSDB_TIMEOUT"],
            **settings,
        }
        with self.log.open("ab") as log:
            self._backstage = subprocess.Popen(
                [sys.executable, "-m", "tests.backstage"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=ROOT,
                env={**os.environ, **self._environment},
            )
        self.token = str(self.run(SETUP))
        self.web = Server(self._command(), self.log, **self._environment)
        wait_for(lambda: listens(self.port), "the start of granian", 60)

    def _command(self) -> list[str]:
        return [sys.executable, "-c", f"from statsapi.start import server; {self.changes}server.serve('')"]

    def stop(self) -> None:
        self.web.stop()
        self._backstage.communicate()

    def restart(self, **settings: str) -> None:
        """Restart the web server with other settings."""
        self.web.stop()
        self._environment.update(settings)
        self.web = Server(self._command(), self.log, **self._environment)
        wait_for(lambda: listens(self.port), "the start of granian", 60)

    def start_command(self, *arguments: str, **settings: str) -> Server:
        """Start a command of manage.py in a process of its own."""
        return Server(
            [sys.executable, "manage.py", *arguments], self.log, cwd=ROOT, **{**self._environment, **settings}
        )

    def workers(self) -> list[int]:
        """Return the process ids of the workers."""
        main = self.web.process.pid
        found = []
        for child in Path(f"/proc/{main}/task/{main}/children").read_text().split():
            with suppress(FileNotFoundError, ProcessLookupError):  # it was killed, and is gone by now
                if "resource_tracker" not in Path(f"/proc/{child}/cmdline").read_text():
                    found.append(int(child))
        return found

    def run(self, source: str) -> Any:
        """Run Python code in the backstage process, and return what it assigned to `answer`, which JSON has to hold."""
        assert self._backstage.stdin
        assert self._backstage.stdout
        self._backstage.stdin.write(json.dumps(source) + "\n")
        self._backstage.stdin.flush()
        said = json.loads(self._backstage.stdout.readline())
        assert "error" not in said, said["error"]
        return said["answer"]

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send a request, with a body as JSON, and return the answer.

        It has the token, unless an `authorization` is given; an empty one means none.
        """
        headers.setdefault("authorization", f"Bearer {self.token}")
        sent = {name.replace("_", "-"): value for name, value in headers.items() if value}
        began = time.monotonic()
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), sent)
            response = connection.getresponse()
            named = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, named, response.read(), time.monotonic() - began)
        finally:
            connection.close()

    def ready(self, promise: str = "") -> Answer:
        """Ask /readyz, or one of its promises, such as `/counting`."""
        return self.ask("GET", f"/readyz{promise}", authorization="")

    def wait_for_ready(
        self, is_said: Callable[[Answer], bool], what: str, seconds: float = 20, *, promise: str = ""
    ) -> None:
        """Wait until the answer of /readyz is the one that a test expects.

        /readyz gives each part 0.2 s, which a busy machine may miss, so the first answer may say something else.
        """
        wait_for(lambda: is_said(self.ready(promise)), f"/readyz{promise}: {what}", seconds)

    def stats(self, **query: Any) -> Answer:
        """Read the stats of acme/web."""
        words = "&".join(f"{name}={value}" for name, value in query.items())
        return self.ask("GET", f"/api/0/projects/acme/web/stats/?{words}")

    def counted(self, resolution: str = "1h") -> int:
        """Return what acme/web received since the test began, as the endpoint says."""
        answer = self.stats(resolution=resolution, since=time.time() - SINCE[resolution])
        assert answer.status == 200, answer
        return sum(count for _, count in answer.json())

    def count(self, quantity: int = 1, **headers: str) -> Answer:
        """Send one accepted outcome of that quantity to acme/web."""
        rows = [{"outcome": "accepted", "quantity": quantity}]
        return self.ask("POST", "/api/0/projects/acme/web/outcomes/", {"outcomes": rows}, **headers)
