"""`make run`: everything on this machine, with demo data, ready to be asked.

What it makes lies in VAR_DIR: a secret key, the SQLite database, the embedded server's data. It prepares and then
becomes the web server, so that nothing of the preparation stays in memory and a signal reaches the server itself.
"""

from __future__ import annotations

import io
import os
import resource
import secrets
import signal
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from statsapi import env
from statsapi.start import port, web

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "statsapi.settings")

_ROOT = Path(__file__).resolve().parent.parent
HEADER_BYTES = 64 * 1024
"""Longest line and headers of a request, together, that always pass. Beyond twice as much the answer is 431, unread."""
CONNECTIONS = 10_000
"""Most connections a worker has open, at some 4 KB each; who connects beyond that waits until another has left."""
WAITING = 4096
"""Most connections that wait to be taken; the kernel may have a lower bound of its own."""
HEADER_SECONDS = 30
"""What a connection has for the next request's line and headers, from when it is open or the last one was answered."""
WORKER_PATIENCE = 8
"""Seconds that a worker has to finish the requests under way; docker kills everything after 10."""


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # as SIGTERM: the end, without a traceback
    # Else the settings would take the address that an earlier start wrote down, and which may still be in use.
    os.environ["PORT"] = os.environ.get("PORT", "").strip() or str(env.DEFAULT_PORT)
    os.umask(0o077)  # the database holds sessions and keys, and VAR_DIR may be a folder that others can enter
    try:
        make_var_dir()
        make_secret_key()
        serve(*prepare())
    except ImproperlyConfigured as error:
        sys.exit(f"A setting is wrong: {error}")


def prepare() -> tuple[str, int]:
    """Makes the database and the embedded server ready; the text to show, and the lock that serve() hands on.

    Exits with a message where that fails.
    """
    # Imported when Ctrl-C ends it as it should, and the settings have their key.
    import django
    from django.conf import settings
    from django.core.management import call_command
    from django.core.management.base import SystemCheckError
    from django.db import DatabaseError, connections
    from django_redis.exceptions import ConnectionInterrupted
    from redis.exceptions import RedisError

    from projects import starting
    from tsdb import embedded

    django.setup()
    # Their models need the line above.
    from projects.management.failures import one_line
    from statsapi.start import demo, pairing

    port.take(settings.HOST, settings.PORT, "Choose another with: PORT=8001 make run")
    lock = starting.prepare_alone(settings.VAR_DIR, partial(say_that_another_starts, settings.VAR_DIR))
    settings.LOCAL_ADDRESS_FILE.write_text(settings.PUBLIC_URL, encoding="utf-8")
    try:
        call_command("check", databases=["default"], stdout=io.StringIO())  # what is wrong goes to stderr
        if settings.TSDB_IS_EMBEDDED or settings.CACHE_IS_EMBEDDED:
            embedded.ensure(settings.VAR_DIR, settings.EMBEDDED_MAXMEMORY)
            embedded.keep_across_exec(settings.VAR_DIR)
        call_command("migrate", verbosity=0, interactive=False)
        pairing.pair_or_exit()
        call_command("rebuild_rollups")
        # From here on half of what is made would stay; an exception lets it be taken back.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _frame: sys.exit(128 + number))
        text = demo.welcome()
    except SystemCheckError as error:
        sys.exit(str(error))
    except DatabaseError as error:
        sys.exit(f"The database that DATABASE_URL names cannot be used: {one_line(error)}")
    except (RedisError, ConnectionInterrupted) as error:
        sys.exit(f"The Redis that TSDB_URL or CACHE_URL names cannot be used: {one_line(error)}")
    except embedded.EmbeddedServerError as error:
        sys.exit(str(error))
    connections.close_all()
    return text, lock


def say_that_another_starts(var_dir: Path) -> None:
    print(f"Another start is under way in {var_dir}; waiting for it.", flush=True)


def make_var_dir() -> None:
    """Where all that is made here lies. Exits with a message where it cannot be made."""
    var_dir = env.path("VAR_DIR", _ROOT / "var")
    try:
        var_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        sys.exit(f"A setting is wrong: VAR_DIR is {var_dir}, which cannot be used: {error.strerror}.")


def make_secret_key() -> None:
    """Keeps a random key in VAR_DIR, made once, unless the environment gives one."""
    if os.environ.get("SECRET_KEY", "").strip() or os.environ.get("SECRET_KEY_FILE", "").strip():
        return
    file = env.path("VAR_DIR", _ROOT / "var") / "secret_key"
    if file.exists():
        return
    # Under another name first: nobody must ever read half a key. Of two at once the first to link has made the key.
    fresh = file.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as output:
        output.write(secrets.token_urlsafe(64))
    with suppress(FileExistsError):
        os.link(fresh, file)
    fresh.unlink()


def serve(text: str, lock: int | None = None) -> None:
    """Becomes granian; the worker that is ready first shows the text and frees the lock, where there are such."""
    from django.conf import settings

    if settings.METRICS_TOKEN:
        # A worker leaves its figures behind, for the others to tell; those of an earlier run nobody wants.
        for file in settings.METRICS_DIR.glob("*.db"):
            file.unlink()
    reader, writer = os.pipe()
    os.set_inheritable(reader, True)
    os.write(writer, text.encode())  # a pipe holds 64 KiB
    if lock is not None:
        os.set_inheritable(lock, True)
    os.environ[web.HANDOVER] = f"{os.getpid()} {reader} {-1 if lock is None else lock}"
    sys.stdout.flush()
    os.execv(  # noqa: S606
        sys.executable,
        [
            *(sys.executable, "-m", "statsapi.start.web", "--factory", "statsapi.start.web:application"),
            *("--interface", "wsgi"),
            *("--host", port.address_of(settings.HOST), "--port", str(settings.PORT)),
            *("--workers", str(settings.WEB_WORKERS), "--blocking-threads", str(settings.WEB_THREADS)),
            # By HTTP/2, one client that is lost in the middle of a body keeps a core busy for ever.
            *("--http", "1", "--no-ws", "--log-level", "error", "--respawn-failed-workers"),
            *("--workers-kill-timeout", str(WORKER_PATIENCE)),
            *("--http1-buffer-size", str(HEADER_BYTES)),
            *("--http1-header-read-timeout", str(1000 * HEADER_SECONDS)),
            *("--backlog", str(WAITING), "--backpressure", str(connections_for(settings.WEB_THREADS))),
        ],
    )


def connections_for(threads: int) -> int:
    """How many connections a worker with so many threads takes, having allowed this process what it may have.

    A thread needs descriptors as well, and where none is left granian asks for one again and again, on a whole core.
    """
    for_threads = 4 * threads + 512  # a thread: the three files of SQLite, a connection to Redis
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return CONNECTIONS
    wanted = CONNECTIONS + for_threads
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft < allowed:
        with suppress(ValueError, OSError):  # macOS refuses what it calls unlimited
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
            soft = allowed
    return max(128, min(CONNECTIONS, soft - for_threads))


if __name__ == "__main__":
    main()
