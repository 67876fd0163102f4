"""A long writer that locks SQLite: readers do not notice, writers wait, and nobody gets an error.

See docs/reliability.md#sqlite-locked.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from tests.service import Service

LONG = 1.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("service")


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[Service]:
    """Start a service on SQLite and the embedded server, also in a run with `--external`."""
    service = Service(folder)
    yield service
    service.stop()


def test_who_writes_waits_for_its_turn_and_who_reads_does_not(service: Service, folder: Path) -> None:
    assert service.count(3).status == 201
    with sqlite3.connect(folder / "var" / "statsapi.sqlite3", isolation_level=None) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor(4) as clients:
            path = "/api/0/organizations/acme/projects/"
            waiting = [clients.submit(service.ask, "POST", path, {"name": name}) for name in ("Tic", "Tac")]
            assert service.ask("GET", path).status == 200
            assert service.counted() == 3
            assert service.count().status == 201
            assert not wait(waiting, LONG).done
            writer.execute("ROLLBACK")
            assert [one.result().status for one in waiting] == [201, 201]
    slugs = [project["slug"] for project in service.ask("GET", "/api/0/organizations/acme/projects/").json()]
    assert sorted(slugs) == ["tac", "tic", "web"]
