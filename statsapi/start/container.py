"""The start of a container: refuse what is not fit for production, then become the web server.

The steps, in this order:
1. `manage.py check --deploy --fail-level WARNING`, with the checks that ask the database and Redis. Whatever it names
   ends the start: a warning that is printed and passed over is never read again. Three are told and no more, W004 to
   W006: counts that are missing, or might be one day, are no reason to lose those of today.
2. `manage.py migrate`, here and not in a step of its own, so that a new version is one restart away and never serves
   with yesterday's tables. Of two containers that start at once one waits for the other.
3. The database and Redis are paired, or found to belong together (projects/installation.py).
4. `manage.py rebuild_rollups`, which takes no time unless TSDB_ROLLUPS has changed.
5. granian takes this process over: it has the process id, 1 in a container, and gets the signals itself.
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
    try:
        django.setup()
    except ImproperlyConfigured as error:
        sys.exit(f"Not started: {error}")
    # Their models need the line above.
    from projects.management.failures import one_line
    from statsapi.operations import checks
    from statsapi.start import pairing

    port.take(settings.HOST, settings.PORT, "PORT names another.")
    is_embedded = settings.TSDB_IS_EMBEDDED or settings.CACHE_IS_EMBEDDED
    lock = None
    if is_embedded or connection.vendor == "sqlite":  # else nothing that is shared lies in VAR_DIR
        var_dir.make(settings.VAR_DIR)
        lock = start_lock.acquire(settings.VAR_DIR, partial(local.say_that_another_starts, settings.VAR_DIR))
    settings.SILENCED_SYSTEM_CHECKS = [*settings.SILENCED_SYSTEM_CHECKS, *checks.TOLD]
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
    """As on the command line: a failure is printed, without a traceback, and ends this process with status 1."""
    execute_from_command_line(["manage.py", *arguments])


if __name__ == "__main__":
    main()
