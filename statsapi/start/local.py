"""`make run`: everything on this machine, with demo data, ready to be asked.

What it makes lies in VAR_DIR: a secret key, the SQLite database, the embedded server's data. It prepares and then
becomes the web server, so that nothing of the preparation stays in memory and a signal reaches the server itself.
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
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # as SIGTERM: the end, without a traceback
    # Else the settings would take the address that an earlier start wrote down, and which may still be in use.
    os.environ["PORT"] = os.environ.get("PORT", "").strip() or str(env.DEFAULT_PORT)
    os.umask(0o077)  # the database holds sessions and keys, and VAR_DIR may be a folder that others can enter
    try:
        make_var_dir()
        make_secret_key()
        server.serve(*prepare())
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

    from projects import start_lock
    from tsdb import embedded

    django.setup()
    # Their models need the line above.
    from projects.management.failures import one_line
    from statsapi.start import demo, pairing

    port.take(settings.HOST, settings.PORT, "Choose another with: PORT=8001 make run")
    lock = start_lock.acquire(settings.VAR_DIR, partial(say_that_another_starts, settings.VAR_DIR))
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


def say_that_another_starts(folder: Path) -> None:
    print(f"Another start is under way in {folder}; waiting for it.", flush=True)


def make_var_dir() -> None:
    """Where all that is made here lies. Exits with a message where it cannot be made."""
    folder = var_dir.var_dir()
    try:
        var_dir.make(folder)
    except OSError as error:
        sys.exit(f"A setting is wrong: VAR_DIR is {folder}, which cannot be used: {error.strerror}.")


def make_secret_key() -> None:
    """Keeps a random key in VAR_DIR, made once, unless the environment gives one."""
    if os.environ.get("SECRET_KEY", "").strip() or os.environ.get("SECRET_KEY_FILE", "").strip():
        return
    file = var_dir.var_dir() / var_dir.SECRET_KEY
    if file.exists():
        return
    # Under another name first: nobody must ever read half a key. Of two at once the first to link has made the key.
    fresh = file.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as output:
        output.write(secrets.token_urlsafe(64))
    with suppress(FileExistsError):
        os.link(fresh, file)
    fresh.unlink()


if __name__ == "__main__":
    main()
