"""A service as `make run` starts it, for clients to send to, and the counts of what they sent."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import time
import uuid
from collections import Counter
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

from tests.servers import postgresql_folder
from tests.service import SINCE, Answer, Service

NEW_PROJECT = """
project = services.create_project(organization=Organization.objects.get(slug="acme"), slug={slug!r}, name={slug!r})
key = project.keys.get()
key.rate_limit_count, key.rate_limit_window = {limit!r}, {window!r}
services.save_intake(project, key)
answer = [project.pk, key.public, key.secret]
"""

FACTS = """
import time
from tsdb.series import Series, parse_fact
from tsdb.timeline import window
from tsdb.units import NS
now, store = int(time.time()), get_store()
asked = window(store.rollups[-1], (now - 2 * 86400) * NS, now * NS)
def read_facts():
    names = [name for name in store.series_of({project}) if parse_fact(name)]
    return store.get_sums([Series({project}, name) for name in names], asked, now=now)
sums = services.settled(read_facts)  # its first event may just be opening the project
answer = [[*parse_fact(one.name)[1:], count] for one, count in sums.items()]
"""

METRICS_TOKEN = "let-me-see"

_databases = itertools.count(2)


class Sender(NamedTuple):
    """A project, and a key that may send to it."""

    slug: str
    project: int
    public: str
    secret: str

    @property
    def auth(self) -> str:
        return f"Sentry sentry_key={self.public}, sentry_version=7, sentry_client=test/1.0, sentry_secret={self.secret}"

    def dsn(self, port: int) -> str:
        return f"http://{self.public}@127.0.0.1:{port}/{self.project}"

    def path(self, endpoint: str) -> str:
        return f"/api/{self.project}/{endpoint}/"


def event(event_id: str | None = None, **fields: Any) -> bytes:
    """Return an envelope with one event. It has a new id unless one is given."""
    payload = json.dumps({"message": "hello", **fields})
    return f'{{"event_id":"{event_id or uuid.uuid4().hex}"}}\n{{"type":"event"}}\n{payload}\n'.encode()


class Connection:
    """A client that keeps its connection open."""

    def __init__(self, port: int, seconds: float = 20) -> None:
        self._http = HTTPConnection("127.0.0.1", port, timeout=seconds)

    def send(self, sender: Sender, body: bytes, endpoint: str = "envelope", **headers: str) -> Answer:
        """Send a body and return the answer. Raises OSError or http.client.HTTPException if there is none."""
        sent = {"x-sentry-auth": sender.auth, **{name.replace("_", "-"): value for name, value in headers.items()}}
        began = time.monotonic()
        try:
            self._http.request("POST", sender.path(endpoint), body, sent)
            response = self._http.getresponse()
            named = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, named, response.read(), time.monotonic() - began)
        except BaseException:
            self._http.close()
            raise

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class IntakeService(Service):
    """A service with so many workers.

    It has an embedded Valkey and a SQLite file of its own, or with `--external` a database of its own in both servers.
    """

    def __init__(self, folder: Path, *, workers: int = 1, **settings: str) -> None:
        super().__init__(
            folder, **{"WEB_WORKERS": str(workers), "METRICS_TOKEN": METRICS_TOKEN, **_external(), **settings}
        )
        self._numbers = itertools.count(1)

    def new_sender(self, *, limit: int | None = None, window: int | None = None) -> Sender:
        """Create a project of acme whose key may send `limit` events in `window` seconds, and return its sender."""
        slug = f"project-{next(self._numbers)}"
        project, public, secret = self.run(NEW_PROJECT.format(slug=slug, limit=limit, window=window))
        return Sender(slug, project, public, secret)

    def limit(self, sender: Sender, limit: int, *windows: int) -> None:
        """Give the sender's project a budget of `limit` errors in each of these windows."""
        for window in windows:
            values = f"category='error', limit={limit}, window={window}"
            self.run(f"services.create_budget(Project.objects.get(pk={sender.project}), {values})")

    def connect(self, seconds: float = 20) -> Connection:
        return Connection(self.port, seconds)

    def send(self, sender: Sender, body: bytes, endpoint: str = "envelope", **headers: str) -> Answer:
        with self.connect() as connection:
            return connection.send(sender, body, endpoint, **headers)

    def stat(self, sender: Sender, stat: str = "received", resolution: str = "1h", **query: str) -> int:
        """Return the sum of a stat since the test began, as the stats endpoint says."""
        asked = {"stat": stat, "resolution": resolution, "since": str(time.time() - SINCE[resolution]), **query}
        words = "&".join(f"{name}={value}" for name, value in asked.items())
        answer = self.ask("GET", f"/api/0/projects/acme/{sender.slug}/stats/?{words}")
        assert answer.status == 200, answer
        return sum(count for _, count in answer.json())

    def facts(self, sender: Sender) -> dict[tuple[str, str, str], int]:
        """Return the number of counted events by (category, outcome, reason), over all keys of the project."""
        found: Counter[tuple[str, str, str]] = Counter()
        for category, outcome, reason, number in self.run(FACTS.format(**sender._asdict())):
            found[category, outcome, reason] += number
        return dict(found)


def _external() -> dict[str, str]:
    if "TSDB_URL" not in os.environ:
        return {}
    name, number = f"intake_{uuid.uuid4().hex}", next(_databases)
    createdb = postgresql_folder() / "createdb"
    subprocess.run([createdb, "--maintenance-db", os.environ["DATABASE_URL"], name], check=True)
    redis_server = os.environ["TSDB_URL"].rpartition("/")[0]
    return {
        "DATABASE_URL": f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{name}",
        "TSDB_URL": f"{redis_server}/{number}",
        "CACHE_URL": f"{redis_server}/{number}",
    }
