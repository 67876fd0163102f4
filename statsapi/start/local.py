"""`make run`: everything on this machine, with demo data.

Everything that it makes is in VAR_DIR: a secret key, the SQLite database, the data of the embedded server. After the
preparation the process becomes the web server, so that nothing of the preparation stays in memory and signals reach the
server itself.
"""

from __future__ import annotations

import io
import os
import secrets
import signal
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from statsapi import env, var_dir
from statsapi.start import port, server

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "statsapi.settings")


def main() -> None:
    """Start the service. Exits with a message if it cannot."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # end without a traceback, as SIGTERM does
    # Without it the settings would use the address that an earlier start wrote down, which may still be in use.
    os.environ["PORT"] = os.environ.get("PORT", "").strip() or str(env.DEFAULT_PORT)
    os.umask(0o077)  # the database holds sessions and keys, and others may be able to enter VAR_DIR
    try:
        make_var_dir()
        make_secret_key()
        server.serve(*prepare())
    except ImproperlyConfigured as error:
        sys.exit(f"A setting is wrong: {error}")


def prepare() -> tuple[str, int]:
    """Prepare the database and the embedded server. Return the text to show, and the lock that serve() hands on.

    Exits with a message if that fails.
    """
    # Imported only now: Ctrl-C ends the process without a traceback, and the settings have their key.
    import django
    from django.conf import settings
    from django.core.management import call_command
    from django.core.management.base import SystemCheckError
    from django.db import DatabaseError, connections
    from redis.exceptions import RedisError

    from projects import start_lock
    from tsdb import embedded

    django.setup()
    # They import models, so Django must be set up before.
    from projects.management.failures import one_line
    from statsapi.start import demo, pairing

    port.take(settings.HOST, settings.PORT, "Choose another with: PORT=8001 make run")
    lock = start_lock.acquire(settings.VAR_DIR, partial(say_that_another_starts, settings.VAR_DIR))
    var_dir.write(settings.LOCAL_ADDRESS_FILE, settings.PUBLIC_URL)
    try:
        call_command("check", databases=["default"], stdout=io.StringIO())  # errors go to stderr
        if settings.TSDB_IS_EMBEDDED or settings.CACHE_IS_EMBEDDED:
            embedded.ensure(settings.VAR_DIR, settings.EMBEDDED_MAXMEMORY)
            embedded.keep_across_exec(settings.VAR_DIR)
        call_command("migrate", verbosity=0, interactive=False)
        pairing.pair_or_exit()
        call_command("rebuild_rollups")
        # From here on a signal raises an exception, so that demo data that is half made is removed.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _frame: sys.exit(128 + number))
        text = demo.welcome()
    except SystemCheckError as error:
        sys.exit(str(error))
    except DatabaseError as error:
        sys.exit(f"The database that DATABASE_URL names cannot be used: {one_line(error)}")
    except RedisError as error:
        sys.exit(f"The Redis that TSDB_URL names cannot be used: {one_line(error)}")
    except embedded.EmbeddedServerError as error:
        sys.exit(str(error))
    connections.close_all()
    return text, lock


def say_that_another_starts(folder: Path) -> None:
    """Print that this start waits for another one."""
    print(f"Another start is under way in {folder}; waiting for it.", flush=True)


def make_var_dir() -> None:
    """Make VAR_DIR. Exits with a message if that fails."""
    folder = var_dir.var_dir()
    try:
        var_dir.make(folder)
    except OSError as error:
        sys.exit(f"A setting is wrong: VAR_DIR is {folder}, which cannot be used: {error.strerror}.")


def make_secret_key() -> None:
    """Make a random key in VAR_DIR, unless there is one or the environment gives one."""
    if os.environ.get("SECRET_KEY", "").strip() or os.environ.get("SECRET_KEY_FILE", "").strip():
        return
    file = var_dir.var_dir() / var_dir.SECRET_KEY
    if file.exists():
        return
    # It is written under another name first, so that nobody reads half a key. If two starts make one, the first to link
    # its file wins.
    fresh = file.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as output:
        output.write(secrets.token_urlsafe(64))
    with suppress(FileExistsError):
        os.link(fresh, file)
    fresh.unlink()


if __name__ == "__main__":
    main()
