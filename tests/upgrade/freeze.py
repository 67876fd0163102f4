"""The script that made the frozen var/ beside this file, with the earlier version itself.

    python -m tests.upgrade.freeze CHECKOUT

CHECKOUT is a folder with that version and a `.venv` to run it with. This script only uses the version's own commands
and HTTP API, so the counts and the answers are really its own. It needs no network and takes a minute.

The projects, in the organization `acme`:
    web        90 days of demo data, and a few live events
    mobile     two keys, one with a quota; categories, reasons and environments of every kind, the oldest 89 days ago
    closed     counted into, then given another key, which deletes the key `ts:{N}:state` until it is counted into again
    quiet      never counted into
    parting    a merge into `arriving` was killed halfway (after `take.lua`) through one series
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tarfile
import time
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import redis

from tests.servers import Server, answers, free_port, wait_for
from tests.upgrade.thaw import ARCHIVE, EXPECTED, is_ended, keys_of

RESOLUTIONS = {"10s": (10, 360), "1h": (3600, 168), "1d": (86400, 90)}
STATS = ("received", "generated", "blacklisted", "rejected", "web-crawlers", "localhost", "error-message")
PROJECTS = ("web", "mobile", "closed", "quiet", "parting", "arriving")
DAY = 86400
SCOPES = ("project:read", "project:write", "project:admin", "org:read", "org:write")


class Earlier:
    """The earlier version, running on a new var/."""

    def __init__(self, checkout: Path, folder: Path) -> None:
        self.checkout, self.var_dir, self.port = checkout, folder / "var", free_port()
        self.program = str(checkout / ".venv/bin/python")
        self.environment = {"VAR_DIR": str(self.var_dir), "PORT": str(self.port)}
        self.var_dir.mkdir()
        (self.var_dir / "secret_key").write_text("of-the-frozen-folder-alone-0123456789-0123456789-0123456789")
        self.manage("migrate", "--verbosity", "0")
        self.manage("seed", "--organization", "acme", "--project", "web", "--days", "90", "--events-per-day", "300")
        scopes = [word for scope in SCOPES for word in ("--scope", scope)]
        self.token = self.manage("createtoken", "acme", *scopes, "--name", "upgrade")
        run = [self.program, "-m", "statsapi.start.local"]
        self.server = Server(run, folder / "log", cwd=checkout, **self.environment)
        self.server.wait_until(lambda: answers(f"http://127.0.0.1:{self.port}", "/readyz"), "the earlier version")
        self.redis = redis.Redis(unix_socket_path=str(self.var_dir / "valkey/valkey.sock"))

    def manage(self, *arguments: str) -> str:
        command = [self.program, "manage.py", *arguments]
        environment = {**os.environ, **self.environment}
        done = subprocess.run(
            command, cwd=self.checkout, env=environment, check=True, stdout=subprocess.PIPE, text=True
        )
        return done.stdout.strip()

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], Any]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers.setdefault("authorization", f"Bearer {self.token}")
        connection.request(method, path, body if body is None or isinstance(body, bytes) else json.dumps(body), headers)
        response = connection.getresponse()
        raw = response.read()
        connection.close()
        return response.status, dict(response.getheaders()), json.loads(raw) if raw else None

    def do(self, method: str, path: str, body: Any = None) -> Any:
        status, _, answer = self.ask(method, f"/api/0/{path}", body)
        assert status in (200, 201, 204), (method, path, status, answer)
        return answer

    def event(self, project: int, key: str, event_id: str, **event: Any) -> int:
        lines = ({"event_id": event_id}, {"type": "event"}, {"event_id": event_id, "message": "counted", **event})
        body = "\n".join(map(json.dumps, lines)).encode()
        said = f"Sentry sentry_key={key}, sentry_version=7, sentry_client=freeze/1.0"
        return self.ask("POST", f"/api/{project}/envelope/", body, x_sentry_auth=said)[0]

    def stop(self) -> None:
        self.redis.bgrewriteaof()
        wait_for(lambda: not self.redis.info("persistence")["aof_rewrite_in_progress"], "a compact append-only file")
        self.redis.close()
        self.server.stop(signal.SIGTERM)
        wait_for(lambda: is_ended(self.var_dir), "the end of the embedded server")
        with sqlite3.connect(self.var_dir / "statsapi.sqlite3") as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()


def fill(earlier: Earlier) -> dict[str, Any]:
    """Create the projects and count into them. Return what later tests need to know."""
    numbers = {"web": int(earlier.do("GET", "projects/acme/web/")["id"])}
    for slug in PROJECTS[1:]:
        numbers[slug] = int(earlier.do("POST", "organizations/acme/projects/", {"name": slug})["id"])
    web = earlier.do("GET", "projects/acme/web/keys/")[0]["public"]
    mobile = earlier.do("GET", "projects/acme/mobile/keys/")[0]["public"]
    limited = earlier.do("POST", "projects/acme/mobile/keys/", {"name": "Limited"})["public"]
    earlier.do("PUT", f"projects/acme/mobile/keys/{limited}/", {"rateLimit": {"count": 2, "window": DAY}})

    now = int(time.time())
    earlier.do("POST", "projects/acme/mobile/outcomes/", {"outcomes": _mix(now, mobile, limited)})
    few = [{"outcome": "accepted", "quantity": 7, "timestamp": now - age, "environment": "production"} for age in AGES]
    few += [{"outcome": "filtered", "reason": "localhost", "quantity": 2, "timestamp": now - age} for age in AGES]
    for slug in ("closed", "parting", "arriving"):
        earlier.do("POST", f"projects/acme/{slug}/outcomes/", {"outcomes": few})

    ids = [f"{place:032x}" for place in range(1, 13)]
    for event_id in ids:
        assert earlier.event(numbers["web"], web, event_id, environment="production") == 200
    answered = [earlier.event(numbers["mobile"], limited, event_id, environment="beta") for event_id in ids[:5]]
    assert answered == [200, 200, 429, 429, 429]

    earlier.do("POST", "projects/acme/closed/keys/", {"name": "Later"})
    assert not earlier.redis.exists(f"ts:{{{numbers['closed']}}}:state")
    moved = _interrupt_a_merge(earlier.redis, numbers["parting"], numbers["arriving"])
    return {
        "numbers": numbers,
        "events": {"project": "web", "key": web, "ids": ids},
        "interrupted_merge": {"source": "parting", "destination": "arriving", "series": moved},
    }


AGES = (5, 65, 600, 3500, 2 * 3600, 30 * 3600, 3 * DAY, 6 * DAY + 20 * 3600, 20 * DAY, 80 * DAY, 89 * DAY)
KINDS: tuple[tuple[str, str, str | None, str | None], ...] = (
    ("error", "accepted", None, "production"),
    ("error", "accepted", None, "beta"),
    ("error", "accepted", None, None),
    ("error", "filtered", "web-crawlers", None),
    ("error", "filtered", "error-message", None),
    ("error", "rate_limited", "key_quota", None),
    ("error", "invalid", "too_large", None),
    ("error", "abuse", None, None),
    ("error", "client_discard", "before_send", None),
    ("transaction", "accepted", None, "production"),
    ("transaction", "client_discard", "sample_rate", None),
    ("session", "accepted", None, None),
    ("attachment", "accepted", None, None),
    ("metric_bucket", "cardinality_limited", None, None),
)
"""Category, outcome, reason and environment of each kind of events."""


def _mix(now: int, *keys: str) -> list[dict[str, Any]]:
    return [
        {
            "category": category,
            "outcome": outcome,
            "reason": reason,
            "environment": environment,
            "key": (*keys, None)[(row + column) % (len(keys) + 1)],
            "quantity": 1 + 3 * row + column,
            "timestamp": now - age,
        }
        for row, (category, outcome, reason, environment) in enumerate(KINDS)
        for column, age in enumerate(AGES)
    ]


def _interrupt_a_merge(client: redis.Redis, source: int, destination: int) -> str:
    """Do to one series what take.lua does, as if the merging process was killed after it. Return the series' name."""
    name = "t:error:accepted"
    for rollup in ("10x360", "3600x168", "86400x90"):
        ring, moving = f"ts:{{{source}}}:{name}:{rollup}", f"ts:{{{source}}}:moving:{name}:{rollup}"
        raw = client.get(ring)
        assert isinstance(raw, bytes)
        client.hset(moving, mapping={"token": "0" * 32, "ring": raw, "destination": f"{destination}:{name}"})
        client.delete(ring)
    return name


class Asked(Protocol):
    """A running version: its API and its stores."""

    var_dir: Path
    redis: redis.Redis

    def do(self, method: str, path: str, body: Any = None) -> Any: ...


def describe(earlier: Earlier, numbers: dict[str, int]) -> dict[str, Any]:
    """Return everything that the earlier version answers, asked within one bucket of 10 seconds."""
    wait_for(lambda: time.time() % 10 < 1, "the start of ten seconds")
    clock = int(time.time())
    answers, keys = ask_all(earlier, numbers, clock), keys_of(earlier.redis)
    assert time.time() // 10 == clock // 10, "it took longer than ten seconds: the answers are of several instants"
    return {"clock": clock, **answers, "keys": keys}


def ask_all(asked: Asked, numbers: dict[str, int], clock: int) -> dict[str, Any]:
    """Return what a version answers about these projects and their organization at the time `clock`."""
    organization = {
        stat: {
            resolution: _pairs(asked, "organizations/acme/stats/", clock, resolution, stat=stat)
            for resolution in RESOLUTIONS
        }
        for stat in STATS
    }
    projects = {slug: _project(asked, slug, number, clock) for slug, number in numbers.items()}
    return {"projects": projects, "organization": organization}


def _project(earlier: Asked, slug: str, number: int, clock: int) -> dict[str, Any]:
    path = f"projects/acme/{slug}/"
    environments = {str(name): 0 for name in _environments(earlier.var_dir, number)}
    stats = {
        stat: {resolution: _pairs(earlier, f"{path}stats/", clock, resolution, stat=stat) for resolution in RESOLUTIONS}
        for stat in STATS
    }
    generated = {
        name: {
            resolution: _pairs(earlier, f"{path}stats/", clock, resolution, stat="generated", environment=name)
            for resolution in RESOLUTIONS
        }
        for name in environments
    }
    query = "field=sum(quantity)&groupBy=outcome&groupBy=category&groupBy=reason&groupBy=key_id"
    found = earlier.do("GET", f"organizations/acme/stats_v2/?{query}&project={number}&interval=1d&statsPeriod=30d")
    by_key = {}
    for key in earlier.do("GET", f"{path}keys/"):
        rows = earlier.do(
            "GET", f"{path}keys/{key['public']}/stats/?resolution=1d&since={clock - 90 * DAY}&until={clock}"
        )
        by_key[key["public"]] = [row for row in rows if row["total"]]
    running = earlier.redis.hgetall(f"ts:{{{number}}}:running")
    return {
        "id": number,
        "stats": stats,
        "environments": generated,
        "stats_v2": {
            "start": found["start"],
            "end": found["end"],
            "groups": [{"by": group["by"], "total": group["totals"]["sum(quantity)"]} for group in found["groups"]],
        },
        "keys": by_key,
        "running": {field.decode(): int(total) for field, total in sorted(running.items())},  # type: ignore[union-attr]
    }


def _pairs(earlier: Asked, path: str, clock: int, resolution: str, **query: str) -> list[list[int]]:
    """Return the buckets with counts, over the longest window that is kept at the resolution."""
    seconds, samples = RESOLUTIONS[resolution]
    words = {"resolution": resolution, "since": clock - seconds * samples, "until": clock, **query}
    pairs = earlier.do("GET", f"{path}?{'&'.join(f'{name}={value}' for name, value in words.items())}")
    return [[int(start), count] for start, count in pairs if count]


def _environments(var_dir: Path, number: int) -> list[str]:
    with sqlite3.connect(f"file:{var_dir / 'statsapi.sqlite3'}?mode=ro", uri=True) as database:
        rows = database.execute("SELECT name FROM projects_environment WHERE project_id = ? ORDER BY name", [number])
        return [name for (name,) in rows]


def pack(var_dir: Path, archive: Path) -> None:
    """Pack the folder into an archive.

    The secret key and the address are left out, because the next start makes new ones, and so are logs and locks.
    """
    with tarfile.open(archive, "w:xz", preset=9) as tar:
        for file in sorted(var_dir.rglob("*")):
            if (
                file.is_file()
                and file.name not in ("secret_key", "address")
                and file.suffix not in (".lock", ".log", ".sock")
            ):
                entry = tar.gettarinfo(file, str(file.relative_to(var_dir)))
                entry.uid = entry.gid = 0
                entry.uname = entry.gname = ""
                with file.open("rb") as content:
                    tar.addfile(entry, content)


def main(checkout: Path) -> None:
    with TemporaryDirectory() as folder:
        earlier = Earlier(checkout.resolve(), Path(folder))
        try:
            about = fill(earlier)
            numbers = about.pop("numbers")
            answered = describe(earlier, numbers)
        finally:
            earlier.stop()
        pack(earlier.var_dir, ARCHIVE)
        told = {"token": earlier.token, **about, **answered}
        EXPECTED.write_text(json.dumps(told, separators=(",", ":")) + "\n", encoding="utf-8")
    for file in (ARCHIVE, EXPECTED):
        print(file.name, file.stat().st_size)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
