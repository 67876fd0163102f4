"""The start of a container: refuse what is not fit for production, then become the web server.

The steps are, in this order:

1. `manage.py check --deploy --fail-level WARNING`, with the checks that ask the database and Redis. Any warning ends
   the start, because nobody reads a printed warning again. Only W004 to W006 are printed and do not end it: counts that
   are missing, or may be missing one day, are no reason to lose those of today.
2. `manage.py migrate`. It is part of the start, so that a new version is one restart away and never serves with old
   tables. If two containers start at once, one waits for the other.
3. The database and Redis are paired, or found to belong together (projects/installation.py).
4. `manage.py rebuild_rollups`, which takes no time unless TSDB_ROLLUPS has changed.
5. This process becomes granian, which so keeps the process id, 1 in a container, and gets the signals itself.
"""

from __future__ import annotations

import sys
from functools import partial

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import DatabaseError, connection, connections
from redis.exceptions import RedisError

from projects import start_lock
from statsapi import var_dir
from statsapi.start import local, port, server
from tsdb import embedded


def main() -> None:
    """Start the service. Exits with a message if it cannot."""
    try:
        django.setup()
    except ImproperlyConfigured as error:
        sys.exit(f"Not started: {error}")
    # They import models, so Django must be set up before.
    from projects.management.failures import one_line
    from statsapi.operations import checks
    from statsapi.start import pairing

    port.take(settings.HOST, settings.PORT, "PORT names another.")
    is_embedded = settings.TSDB_IS_EMBEDDED or settings.CACHE_IS_EMBEDDED
    lock = None
    if is_embedded or connection.vendor == "sqlite":  # otherwise VAR_DIR holds nothing that is shared
        var_dir.make(settings.VAR_DIR)
        lock = start_lock.acquire(settings.VAR_DIR, partial(local.say_that_another_starts, settings.VAR_DIR))
    settings.SILENCED_SYSTEM_CHECKS = [*settings.SILENCED_SYSTEM_CHECKS, *checks.PRINTED_ONLY]
    manage("check", "--deploy", "--fail-level", "WARNING", "--database", "default")
    for warning in checks.a_failover_loses_little(["default"]):
        print(f"Warning: {warning.msg}\n\tHINT: {warning.hint}", file=sys.stderr, flush=True)  # noqa: T201
    manage("migrate", "--no-input", "--verbosity", "0")
    if is_embedded:
        embedded.ensure(settings.VAR_DIR, settings.EMBEDDED_MAXMEMORY)
        embedded.keep_across_exec(settings.VAR_DIR)
    try:
        pairing.pair_or_exit()
    except (DatabaseError, RedisError) as error:
        sys.exit(f"Not started: the database and Redis cannot be compared: {one_line(error)}")
    manage("rebuild_rollups")
    connections.close_all()
    server.serve("", lock)


def manage(*arguments: str) -> None:
    """Run a command as a shell does: a failure is printed without a traceback and ends this process with status 1."""
    execute_from_command_line(["manage.py", *arguments])


if __name__ == "__main__":
    main()
