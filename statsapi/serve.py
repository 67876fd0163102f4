"""The start of a container: refuse what is not fit for production, then become the web server.

The steps, in this order:
1. `manage.py check --deploy --fail-level WARNING`, with the checks that ask the database and Redis. Whatever it names
   ends the start: a warning that is printed and passed over is never read again.
2. `manage.py migrate`, here and not in a step of its own, so that a new version is one restart away and never serves
   with yesterday's tables. Of two containers that start at once one may fail at it (PostgreSQL takes its half back) and
   finds it done when it is restarted.
3. granian takes this process over: it has the process id, 1 in a container, and gets the signals itself.
"""

from __future__ import annotations

import sys

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from statsapi import run
from tsdb import embedded


def main() -> None:
    try:
        django.setup()
    except ImproperlyConfigured as error:
        sys.exit(f"Not started: {error}")
    manage("check", "--deploy", "--fail-level", "WARNING", "--database", "default")
    manage("migrate", "--no-input", "--verbosity", "0")
    if settings.TSDB_IS_EMBEDDED or settings.CACHE_IS_EMBEDDED:
        embedded.ensure(settings.VAR_DIR)
        embedded.keep_across_exec(settings.VAR_DIR)
    run.serve("")


def manage(*arguments: str) -> None:
    """As on the command line: a failure is printed, without a traceback, and ends this process with status 1."""
    execute_from_command_line(["manage.py", *arguments])


if __name__ == "__main__":
    main()
