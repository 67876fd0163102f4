"""Tests of the Makefile and of the two runs of `make test`: what they run on, print, and leave behind."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests import servers
from tests.servers import ROOT

pytestmark = pytest.mark.once
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
CONFIGURED = [f"--config-file={ROOT}/pyproject.toml", f"--rootdir={ROOT}"]
"""Options with which pytest finds its configuration for a test that lies elsewhere."""
WAITING_TEST = """
import json, os, pathlib, time

def test_wait():
    worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    found = {name: os.environ.get(name) for name in ("VAR_DIR", "DATABASE_URL", "TSDB_URL")}
    file = pathlib.Path(os.environ["TOLD"], worker)
    file.with_suffix(".part").write_text(json.dumps(found))
    file.with_suffix(".part").rename(file)
    time.sleep(float(os.environ["WAITS"]))
"""


def clean_environment(**more: str) -> dict[str, str]:
    """Return the environment without what the run that this test is part of has put there, and with `more`."""
    own = ("PYTEST_", "COV_", "MAKE", "MFLAGS", "REQUIRE_ALL")
    return {name: value for name, value in os.environ.items() if not name.startswith(own)} | more


# --- make ----------------------------------------------------------------------------------------------------


def make(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", *words],
        cwd=ROOT,
        env=clean_environment(**environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("words", [[], ["help"]])
def test_make_alone_lists_every_command_and_what_it_does(words: list[str]) -> None:
    listed = dict(re.findall(r"^(\w+) +(\S.*)$", make(*words).stdout, re.MULTILINE))
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert phony
    assert sorted(listed) == sorted(phony[1].split())


def test_make_test_hands_its_args_on() -> None:
    done = make("--dry-run", "test", f"VENV={sys.prefix}", f"--old-file={sys.prefix}/ready-dev", "ARGS=-k 'a or b'")
    assert done.stdout.rstrip().endswith(" -k 'a or b'")


CHECKED = '[ $1 = -c ] && { case "$2" in print*) echo 42;; esac; exit 0; }'
"""The line of a shell script that passes the checks of a Python."""


def fake_python(file: Path, script: str) -> Path:
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


def test_an_old_python_is_refused_with_what_to_type(tmp_path: Path) -> None:
    old = fake_python(tmp_path / "python3.10", 'case "$2" in print*) echo 42;; *) exit 1;; esac')
    done = make("run", f"VENV={tmp_path}/venv", f"PYTHON={old}")
    assert done.returncode
    assert "Python 3.11 or later is needed; name one with: make run PYTHON=python3.12" in done.stdout
    assert not (tmp_path / "venv").exists()


def test_a_broken_python_is_not_called_an_old_one(tmp_path: Path) -> None:
    broken = fake_python(tmp_path / "python3.12", "echo no library >&2\nexit 127")
    done = make("run", f"VENV={tmp_path}/venv", f"PYTHON={broken}")
    assert done.returncode
    assert "no library" in done.stderr
    assert f"{broken} is there, but it cannot run; mend it, or name one with: make run PYTHON=" in done.stdout
    assert "3.11 or later" not in done.stdout


@pytest.mark.parametrize(("name", "said"), [("", "PYTHON names nothing: it is not found"), ("true", "it cannot run")])
def test_a_program_that_is_no_python_is_not_used(tmp_path: Path, name: str, said: str) -> None:
    done = make("run", f"VENV={tmp_path}/venv", f"PYTHON={name}")
    assert done.returncode
    assert said in done.stdout
    assert not (tmp_path / "venv").exists()


def test_a_python_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = make("lint", f"VENV={tmp_path}/venv", f"PYTHON={tmp_path}/python3.19")
    assert done.returncode
    assert f"{tmp_path}/python3.19 is not found; name one with: make lint PYTHON=" in done.stdout
    assert "3.11 or later" not in done.stdout


def test_what_takes_a_minute_is_told_before_it_begins(tmp_path: Path) -> None:
    """The fake Python makes an environment whose own Python fails, as pip does without a network."""
    venv = tmp_path / "venv"
    fails = f"mkdir -p {venv}/bin\nprintf '#!/bin/sh\\nexit 1\\n' >{venv}/bin/python\nchmod +x {venv}/bin/python"
    python = fake_python(tmp_path / "python3", f"{CHECKED}\n{fails}")
    done = make("run", f"VENV={venv}", f"PYTHON={python}")
    assert done.returncode
    assert done.stdout.startswith(f"Installing the requirements into {venv} (once, about a minute) …\n")
    assert not (venv / "ready").exists()


def test_a_python_without_venv_says_what_to_install_and_leaves_nothing(tmp_path: Path) -> None:
    bare = fake_python(tmp_path / "python3", f"{CHECKED}\nmkdir {tmp_path}/venv\nexit 1")
    done = make("run", f"VENV={tmp_path}/venv", f"PYTHON={bare}")
    assert done.returncode
    assert "apt-get install python3-venv" in done.stdout
    assert not (tmp_path / "venv").exists()


@pytest.mark.parametrize("as_words", [True, False])
def test_make_run_obeys_host_port_and_var_dir_and_ends_when_make_is_told_to(as_words: bool, tmp_path: Path) -> None:
    port, host = servers.free_port(), "127.0.0.2"
    given = {"HOST": host, "PORT": str(port), "VAR_DIR": str(tmp_path / "var")}
    unset = dict.fromkeys(("DATABASE_URL", "TSDB_URL", "CACHE_URL", "SECRET_KEY"), "")
    words = [f"{name}={value}" for name, value in given.items()] if as_words else []
    venv = Path(sys.prefix)
    log = tmp_path / "log"
    server = servers.Server(
        ["make", "run", f"VENV={venv}", f"--old-file={venv}/ready", *words],
        log,
        cwd=ROOT,
        **{**unset, **({} if as_words else given)},
    )
    try:
        url = f"http://{host}:{port}"
        server.wait_until(lambda: servers.answers(url, "/readyz") and url in log.read_text(), "make run", 60)
        assert not servers.listens(port), "it must not listen on 127.0.0.1"
        assert (tmp_path / "var" / "statsapi.sqlite3").exists()
        server.process.terminate()  # make itself, and nobody else
        server.process.wait(30)
        servers.wait_for(lambda: not servers.answers(url, "/healthz"), "the end of the server")
        servers.wait_for(lambda: not processes_in(tmp_path), "the end of everything")
    finally:
        server.stop(signal.SIGKILL)


def processes_in(folder: Path) -> list[str]:
    """Return the command lines of the processes that work in the folder or name it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(folder) in f"{command} {os.readlink(process / 'cwd')}":
                found.append(command)
        except OSError:  # it ended meanwhile
            continue
    return found


# --- The two runs --------------------------------------------------------------------------------------------


class Told:
    """A run of one test that writes down which servers it was given, and then waits."""

    def __init__(self, folder: Path, module: str, *options: str, waits: float) -> None:
        self.folder = folder / "told"
        self.folder.mkdir()
        file = folder / "test_waiting.py"
        file.write_text(WAITING_TEST)
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *CONFIGURED, *options, "-s", str(file)],
                cwd=ROOT,
                env=clean_environment(TOLD=str(self.folder), WAITS=str(waits)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait_for(self, *workers: str) -> list[dict[str, str]]:
        def all_told() -> bool:
            assert self.process.poll() is None, self.log.read_text()
            return all((self.folder / worker).exists() for worker in workers)

        servers.wait_for(all_told, "the start of the tests", 120)
        return [json.loads((self.folder / worker).read_text()) for worker in workers]

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@pytest.fixture
def tell(tmp_path: Path) -> Iterator[Callable[..., Told]]:
    started: list[Told] = []

    def start(module: str, *options: str, waits: float = 120) -> Told:
        started.append(Told(tmp_path, module, *options, waits=waits))
        return started[-1]

    yield start
    for told in started:
        told.kill()


def _skip_where_it_cannot_be() -> None:
    try:
        servers.postgresql_folder()
        servers.redis_binary()
    except servers.Missing as missing:
        pytest.skip(str(missing))
    if shutil.which("setpriv") is None:
        pytest.skip("Only Linux ends children with their parent; on Debian setpriv is in util-linux")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_servers_of_a_run_end_with_it_however_it_ends(tell: Any, number: signal.Signals) -> None:
    _skip_where_it_cannot_be()
    told = tell("pytest", "--external")
    (given,) = told.wait_for("alone")
    ports = [urlsplit(given[name]).port or 0 for name in ("DATABASE_URL", "TSDB_URL")]
    assert all(map(servers.listens, ports))
    told.process.send_signal(number)
    told.process.wait(30)
    servers.wait_for(lambda: not any(map(servers.listens, ports)), "the end of its servers")
    folder = Path(given["VAR_DIR"]).parent
    if number == signal.SIGINT:
        assert not folder.exists()
    shutil.rmtree(folder, ignore_errors=True)


def test_both_runs_end_at_once_when_they_are_told_to(tell: Any) -> None:
    told = tell("tests")
    (given,) = told.wait_for("alone")
    told.process.terminate()
    assert told.process.wait(30) == 2
    output = told.log.read_text()
    assert "KeyboardInterrupt" in output
    assert "--- on PostgreSQL" not in output
    assert not Path(given["VAR_DIR"]).parent.exists()


def test_processes_that_share_a_run_share_no_server(tell: Any) -> None:
    _skip_where_it_cannot_be()
    told = tell("pytest", "--external", "-n", "2", "--dist", "each", waits=0)
    told.process.wait(120)
    given = [json.loads((told.folder / worker).read_text()) for worker in ("gw0", "gw1")]
    for name in ("VAR_DIR", "DATABASE_URL", "TSDB_URL"):
        assert given[0][name] != given[1][name]


# --- What is missing -----------------------------------------------------------------------------------------


def run_tests(*options: str, tests: str = "tests/test_env.py", **environment: str) -> tuple[int, str]:
    """Run a few tests where no Redis server can be found, and return the exit status and the output."""
    done = subprocess.run(
        [sys.executable, "-m", "tests", "-q", *options, tests],
        cwd=ROOT,
        env=clean_environment(PATH="/nowhere", **environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.skipif(not Path("/usr/lib/postgresql").exists(), reason="apt-get install postgresql, or nothing is found")
def test_a_missing_component_skips_the_second_run_with_a_line_that_says_how_to_get_it() -> None:
    status, output = run_tests()
    assert status == 0
    assert output.endswith("\nSKIPPED: No Redis server is installed; on Debian: apt-get install redis-server\n")
    status, output = run_tests(REQUIRE_ALL="1")
    assert status == 1
    assert "SKIPPED: No Redis server is installed" in output


def test_a_skipped_test_is_a_failure_where_all_is_required() -> None:
    test = "tests/operations/test_checks.py::test_a_redis_that_evicts_is_w001"
    status, output = run_tests(tests=test)
    assert status == 0
    assert "2 skipped" in output
    assert "apt-get install redis-server" in output
    status, output = run_tests(tests=test, REQUIRE_ALL="1")
    assert status == 1
    assert "skipped though REQUIRE_ALL is set" in output


def run_made(folder: Path, test: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a file that has only this test, in both runs."""
    file = folder / "test_made.py"
    file.write_text(test)
    return subprocess.run(
        [sys.executable, "-m", "tests", *CONFIGURED, "-q", *options, str(file)],
        cwd=ROOT,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_is_chosen_in_one_run_alone_is_no_failure_of_the_other(tmp_path: Path) -> None:
    _skip_where_it_cannot_be()
    done = run_made(tmp_path, "import pytest\n@pytest.mark.once\ndef test_it(): pass\n", "-k", "test_it")
    assert done.stdout.count("1 passed in") == done.stdout.count("1 deselected in") == 1
    assert done.returncode == 0


def test_choosing_no_test_at_all_is_a_failure(tmp_path: Path) -> None:
    _skip_where_it_cannot_be()
    assert run_made(tmp_path, "def test_it(): pass", "-k", "nothing_is_called_so").returncode == 5


@pytest.mark.parametrize("fails", ["the first", "the second"])
def test_a_failure_of_either_run_is_a_failure_that_is_named_at_the_end(fails: str, tmp_path: Path) -> None:
    _skip_where_it_cannot_be()
    wrong = "DATABASE_URL" if fails == "the second" else "PATH"
    test = f"import os\ndef test_it():\n    assert ('DATABASE_URL' in os.environ) != ({wrong!r} == 'DATABASE_URL')"
    done = run_made(tmp_path, test)
    assert done.returncode == 1, done.stdout
    assert done.stdout.count("1 failed in") == done.stdout.count("1 passed in") == 1
    named = "The first run failed, on SQLite and the embedded Valkey; see above."
    assert done.stdout.splitlines()[-1].startswith(named if fails == "the first" else "1 failed in")
