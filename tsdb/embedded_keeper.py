"""The keeper: a small process that runs the embedded Valkey server while any process uses it.

``embedded.py`` starts it as ``python -I -S embedded_keeper.py <home> <maxmemory> <valkey-server>``. It works inside
``home`` with relative names only, so a keeper whose home was deleted or moved cannot touch the files of another.

It runs the server, runs it again if it dies, and ends it when the kernel grants an exclusive lock on ``users.lock``,
that is, when no user lives any more, however they ended. No step depends on a process that ends in good order, and no
file holds a process id, so nothing can be stale. The locks (all are flock, and the kernel frees them):

    users.lock    shared by every user; exclusive by the keeper once no user is left, until all else is released
    keeper.lock   exclusive by the keeper, for its whole life, so there is one keeper at most
    ready.lock    exclusive by the keeper, while a server that answers can only be its own
    server.lock   exclusive by the server, which inherits the descriptor, so two never write one append-only file

What may happen:
    Two users come at once. Each starts a keeper. The second keeper finds keeper.lock taken and ends.
    A user comes while the server is being shut down. It waits for users.lock, which is released last, so it finds
        keeper.lock free and starts a new keeper. In the other order its keeper would end, and there would be none.
    All users die before the keeper waits for them. It gets the lock at once.
    The server dies (kill -9). The keeper is told by SIGCHLD and starts it again from its append-only file.
    The keeper dies (kill -9). Linux ends the server with it. (On other systems it goes on, and users do not notice.)
        ready.lock is free, so the next ``ensure()`` starts a keeper. That one waits for server.lock, and asks an old
        server to shut down, before it starts its own. A user that gets the old server's last answers finds ready.lock
        free and waits.
    A socket file is left behind. Nobody answers on it, and Valkey replaces it.

The keeper takes its memory for as long as the server runs, so it imports little.
"""

from __future__ import annotations

import _thread
import fcntl
import os
import signal
import sys
import time
from typing import NoReturn

SOCKET = "valkey.sock"
LOG = "valkey.log"
USERS_LOCK = "users.lock"
READY_LOCK = "ready.lock"
LOG_BYTES = 1_000_000
"""A larger log is renamed to valkey.log.1 at the next start."""

OPTIONS = (
    *("--port", "0", "--unixsocket", SOCKET, "--unixsocketperm", "700"),
    # If the server is killed, all that it answered is in its file. If the machine dies, the last second may be lost.
    *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
    *("--maxmemory-policy", "noeviction", "--databases", "2", "--logfile", LOG),
)
SHUTDOWN_SECONDS = 10.0
"""Seconds that a server is given to end. Then its own keeper kills it, and another keeper gives up."""
KILLED_AT_ONCE = 1.0
FAILED_SOON = 60.0
HOPELESS_DEATHS = 5
"""After this many deaths in a row the server is not started again. A death counts if it is an error within FAILED_SOON
seconds (the server reads its file first), or a signal within KILLED_AT_ONCE seconds (a later one may be a test)."""

NOBODY_IS_LEFT = 0
"""The byte that the waiting thread writes among the numbers of signals. No signal has this number."""


class GaveUpError(Exception):
    """The server cannot be run. The text says why."""


def say(text: str) -> None:
    """Write a line to the log, in the format of Valkey's own lines."""
    os.write(2, f"{os.getpid()}:K {time.strftime('%d %b %Y %H:%M:%S')} {text}\n".encode())


def open_lock(name: str) -> int:
    """Return a descriptor of the lock's file, which is made if it is missing."""
    return os.open(name, os.O_RDWR | os.O_CREAT, 0o600)


def try_lock(descriptor: int) -> bool:
    """Return whether the exclusive lock was free and is now held."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def ask_to_shut_down() -> None:
    """Ask the server of a dead keeper, through its socket, to shut down. Only the right process answers there."""
    import socket  # a megabyte that a keeper rarely needs

    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            connection.connect(SOCKET)
            connection.sendall(b"SHUTDOWN\r\n")
            connection.recv(100)
    except OSError:
        return  # it is ending already, or it hangs; server.lock shows which


def take_server_lock() -> int:
    """Return the lock that proves that no other server runs here. Raises GaveUpError if another one does not end."""
    descriptor = open_lock("server.lock")
    deadline = time.monotonic() + SHUTDOWN_SECONDS
    while not try_lock(descriptor):
        if time.monotonic() > deadline:
            os.close(descriptor)
            raise GaveUpError("an earlier valkey-server still holds server.lock and does not end; kill it")
        ask_to_shut_down()
        time.sleep(0.01)
    return descriptor


def die_with(keeper: int) -> None:
    """Have the kernel send this process SIGTERM when the keeper dies. Linux only, and only for tidiness."""
    try:
        import ctypes  # only in the child, so that the keeper does not take the memory

        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, int(signal.SIGTERM))
    except (ImportError, OSError, AttributeError):
        return
    if os.getppid() != keeper:  # it died before the kernel knew
        os._exit(0)


def become_server(command: list[str], lock: int, keeper: int) -> NoReturn:
    """Replace this process, a child of the keeper, with the server, which inherits server.lock."""
    try:
        # SIGTERM was blocked until here, because the keeper's handler would swallow it and wake the keeper instead.
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        os.set_inheritable(lock, True)
        os.dup2(2, 1)
        die_with(keeper)
        os.execv(command[0], command)  # noqa: S606
    except OSError as error:
        say(f"{command[0]} cannot be run: {error}")
    finally:
        os._exit(127)


def start_server(command: list[str], ready: int) -> int:
    """Start a server, which then is the only holder of server.lock, and return its process id."""
    lock = take_server_lock()
    fcntl.flock(ready, fcntl.LOCK_EX)  # waits while a user looks at it; if it is held already, it stays so
    keeper = os.getpid()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    server = os.fork()
    if server == 0:
        become_server(command, lock, keeper)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    os.close(lock)
    return server


def stop_server(server: int) -> None:
    """End the server with SIGTERM, or with SIGKILL if it has not ended after SHUTDOWN_SECONDS."""
    deadline = time.monotonic() + SHUTDOWN_SECONDS
    os.kill(server, signal.SIGTERM)
    while os.waitpid(server, os.WNOHANG) == (0, 0):
        if time.monotonic() > deadline:
            say(f"valkey-server did not end within {SHUTDOWN_SECONDS:g} s of SIGTERM and is killed")
            os.kill(server, signal.SIGKILL)
            os.waitpid(server, 0)
            return
        time.sleep(0.005)


def watch() -> tuple[int, int]:
    """Return the two ends of a pipe. Everything that wakes the keeper is a byte in it.

    If the main thread waited for the lock itself, a signal that comes just before would be lost.
    """
    events, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, lambda _number, _frame: None)  # only a handled signal reaches the pipe
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    return events, wake


def tell_when_alone(users: int, wake: int) -> None:
    """Wait in a thread until no user is left, and then write a byte to the pipe."""
    fcntl.flock(users, fcntl.LOCK_EX)
    os.write(wake, bytes([NOBODY_IS_LEFT]))


def keep_running(command: list[str], ready: int, users: int) -> None:
    """Run the server until no user is left or SIGTERM comes. Raises GaveUpError if the server will not run."""
    events, wake = watch()
    started, server = time.monotonic(), start_server(command, ready)
    _thread.start_new_thread(tell_when_alone, (users, wake))
    hopeless = 0
    while not {NOBODY_IS_LEFT, int(signal.SIGTERM)} & set(os.read(events, 100)):
        ended, status = os.waitpid(server, os.WNOHANG)
        if not ended:
            continue
        code = os.waitstatus_to_exitcode(status)
        ending = f"exit status {code}" if code >= 0 else f"signal {-code}"
        lived = time.monotonic() - started
        hopeless = hopeless + 1 if lived < (FAILED_SOON if code > 0 else KILLED_AT_ONCE) else 0
        if hopeless == HOPELESS_DEATHS:
            raise GaveUpError(f"valkey-server ended {hopeless} times in a row, the last time by {ending}")
        say(f"valkey-server ended by {ending}; starting it again")
        time.sleep(0.02 * 2**hopeless)
        started, server = time.monotonic(), start_server(command, ready)
    os.close(ready)  # a user that comes now must not trust the server's last answers
    stop_server(server)


def tell_who_started_it(text: str) -> None:
    """Write to the pipe that ``embedded.py`` reads while it waits for the server."""
    try:
        os.write(1, text.encode())
    except OSError:
        return  # nobody reads it any more


def put_large_log_aside() -> None:
    """Rename a log of more than LOG_BYTES, and write to a new one."""
    if os.fstat(2).st_size > LOG_BYTES:
        os.replace(LOG, LOG + ".1")
        os.dup2(os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)


def main(home: str, maxmemory: str, binary: str) -> None:
    """Be the keeper of a home, unless there is one."""
    os.chdir(home)
    os.umask(0o077)
    keeper = open_lock("keeper.lock")
    if not try_lock(keeper) or os.fork() > 0:
        return  # there is another keeper, or the child is the keeper now and no child of the user that started it
    users = open_lock(USERS_LOCK)
    try:
        put_large_log_aside()
        keep_running([binary, *OPTIONS, "--maxmemory", maxmemory], open_lock(READY_LOCK), users)
    except GaveUpError as error:
        say(f"{error}; giving up")
        tell_who_started_it(str(error))
    os.close(keeper)
    os.close(users)


if __name__ == "__main__":
    main(*sys.argv[1:])
    os._exit(0)  # the thread may still be waiting for its lock
