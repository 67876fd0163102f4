"""`make run` as a user runs it: real processes, a new VAR_DIR, and what remains when they end."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.place import Place, curl_line, type_in
from tests.servers import ROOT, ServerDied, wait_for

pytestmark = pytest.mark.once


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.clear()


def test_the_printed_line_answers_at_once_and_ctrl_c_and_sigterm_end_everything(place: Place) -> None:
    first = place.run()
    before = type_in(curl_line(first))
    assert len(before) == 24
    assert sum(count for _, count in before) > 1000
    assert len(place.processes()) >= 4  # web server, worker, keeper, Valkey

    os.killpg(first.process.pid, signal.SIGINT)  # as a terminal does it
    assert first.process.wait(20) == 0
    wait_for(place.is_silent, "the end of all processes")

    second = place.run()
    after = dict(type_in(curl_line(second)))
    kept = [(timestamp, count) for timestamp, count in before[:-1] if timestamp in after]
    assert len(kept) >= 22
    assert kept == [(timestamp, after[timestamp]) for timestamp, _ in kept]

    second.process.send_signal(signal.SIGTERM)
    assert second.process.wait(20) == 0
    wait_for(place.is_silent, "the end of all processes")
    shown = first.log.read_text() + second.log.read_text()
    for word in ("Traceback", "Warning", "Another start"):
        assert word not in shown
    assert shown.count("(shown this once)") == 1


def test_a_killed_server_takes_its_worker_along_and_can_be_started_again(place: Place) -> None:
    killed = place.run()
    before = type_in(curl_line(killed))
    killed.process.kill()
    killed.process.wait()

    again = place.run()
    assert type_in(curl_line(again))[:22] in (before[:22], before[1:23])
    again.stop()
    wait_for(place.is_silent, "the end of all processes")


def test_commands_share_the_data_of_a_server_that_runs(place: Place) -> None:
    server = place.run()
    command = [sys.executable, "manage.py", "createtoken", "the-interstellar-jurisdiction", "--scope", "project:read"]
    token = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **place.environment()}, capture_output=True, text=True, check=True
    ).stdout.strip()
    line = curl_line(server)
    shown = line.partition("Bearer ")[2].partition("'")[0]
    assert token != shown
    assert len(type_in(line.replace(shown, token))) == 24


def test_commands_say_where_the_server_listens(place: Place) -> None:
    place.run()
    environment = {**os.environ, **place.environment()}
    environment.pop("PORT")
    command = [sys.executable, "manage.py", "createproject", "acme", "web"]
    printed = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    assert f"@127.0.0.1:{place.port}/" in printed


def test_the_history_names_the_command(place: Place) -> None:
    place.var_dir.mkdir()
    environment = {**os.environ, **place.environment(SECRET_KEY="a key for this test alone")}
    for command in (["migrate"], ["createproject", "acme", "web"]):
        subprocess.run(
            [sys.executable, "manage.py", *command], cwd=ROOT, env=environment, capture_output=True, check=True
        )
    with closing(sqlite3.connect(place.var_dir / "statsapi.sqlite3")) as database:
        lines = database.execute("SELECT who, what FROM projects_change ORDER BY id").fetchall()
    assert lines == [
        ("command createproject", "created the organization “Acme”"),
        ("command createproject", "created the project “Web”"),
    ]


def test_a_start_that_is_ended_early_spoils_nothing(place: Place) -> None:
    early = place.start()
    wait_for(lambda: (place.var_dir / "valkey" / "valkey.sock").exists(), "the start of Valkey")
    early.process.send_signal(signal.SIGTERM)
    assert early.process.wait(20) != 1
    wait_for(place.is_silent, "the end of all processes")
    assert "Traceback" not in early.log.read_text()

    since = int(time.time()) - 90 * 86400
    pairs = type_in(curl_line(place.run()) + f"?resolution=1d\\&since={since}")
    assert sum(count > 0 for _, count in pairs[:-1]) == 90  # today may have just begun


def test_a_taken_port_is_named(place: Place) -> None:
    with socket.create_server(("127.0.0.1", place.port)):
        message = place.refused()
    assert message == (
        f"Cannot listen on 127.0.0.1:{place.port}: Address already in use. Choose another with: PORT=8001 make run"
    )
    assert place.is_silent()


def test_a_port_that_is_left_soon_is_waited_for(place: Place) -> None:
    mark = f"@statsapi 127.0.0.1 {place.port}\n"
    with socket.create_server(("127.0.0.1", place.port)):
        server = place.start()
        # From then on it waits for 2 s.
        wait_for(lambda: mark in Path("/proc/net/unix").read_text(), "its first look at the port", 60)
        assert server.process.poll() is None
    server.wait_until(lambda: "curl " in server.log.read_text(), "make run", 60)


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("PORT", "http", "A setting is wrong: PORT must be an integer from 1 to 65535, not 'http'."),
        (
            "HOST",
            "no.such.host.invalid",
            "A setting is wrong: HOST is 'no.such.host.invalid', which names no address: ",
        ),
        ("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none", "The database that DATABASE_URL names cannot be used: "),
        ("TSDB_URL", "redis://127.0.0.1:1", "The Redis that TSDB_URL names cannot be used: "),
    ],
)
def test_what_keeps_it_from_starting_is_named_without_a_traceback(
    place: Place, setting: str, value: str, message: str
) -> None:
    assert place.refused(**{setting: value}).splitlines()[-1].startswith(message)
    wait_for(place.is_silent, "the end of all processes")


def test_a_host_may_be_a_name(place: Place) -> None:
    server = place.start(HOST="localhost")
    server.wait_until(lambda: "curl " in server.log.read_text(), "make run", 60)
    assert f"http://localhost:{place.port}/" in curl_line(server)
    assert len(type_in(curl_line(server))) == 24


def test_in_a_folder_that_others_can_enter_they_can_read_nothing(place: Place) -> None:
    place.var_dir.mkdir(mode=0o755, parents=True)
    server = place.start()
    server.wait_until(lambda: "curl " in server.log.read_text(), "make run", 60)
    made = list(place.var_dir.iterdir())
    assert place.var_dir / "statsapi.sqlite3" in made
    assert [path.name for path in made if stat.S_IMODE(path.stat().st_mode) & 0o077] == []


def test_the_secret_key_is_made_once_and_for_the_owner_alone(place: Place) -> None:
    file = place.var_dir / "secret_key"
    keys = []
    for _ in range(2):
        with pytest.raises(ServerDied), socket.create_server(("127.0.0.1", place.port)):
            place.run()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(place.var_dir.stat().st_mode) == 0o700
        keys.append(file.read_text())
    assert keys[0] == keys[1]
    assert len(keys[0]) > 50
    assert [path.name for path in place.var_dir.glob("secret*")] == ["secret_key"]


def test_a_start_forgets_what_earlier_workers_measured(place: Place) -> None:
    def measured_by() -> set[int]:
        return {int(file.stem.rpartition("_")[2]) for file in (place.var_dir / "metrics").glob("*.db")}

    for _ in range(2):
        server = place.run(METRICS_TOKEN="let-me-see")
        type_in(curl_line(server))
        assert measured_by()
        assert measured_by() <= set(place.processes())
        server.stop()
