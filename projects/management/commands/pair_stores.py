"""manage.py pair_stores [--adopt | --discard]: show or settle whether the database and Redis belong together.

HELP says what each option does. Status 0: they belong together, or do so now. Status 1, with the reason on stderr: they
do not, or a database or Redis does not answer. Status 2: wrong arguments.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from projects import installation
from projects.connections import get_store
from projects.management.failures import command_errors
from projects.models import Installation, Project
from tsdb import pairing

HELP = """\
Shows whether the database and Redis belong together. Both hold the installation's name since their first start; where
neither has one yet, they are paired now. Without an option nothing else is changed, and the status is 1 where they do
not belong together.

First make sure that DATABASE_URL and TSDB_URL are what they should be: a wrong one is the usual cause, and the options
below delete counts. Stop the service before you use one of them. Each can be interrupted and run again.

  --adopt    the counts in Redis are this database's: it was restored from a backup, or Redis was emptied and you know.
             Keeps what the database's projects counted. Deletes what was counted for numbers that no project has.
  --discard  they are another installation's, or of a database that is lost. Deletes all counts, of every project.
"""


class Command(BaseCommand):
    help = HELP

    # Django would re-wrap the help text without this formatter.
    def create_parser(self, prog_name: str, subcommand: str, **options: Any) -> CommandParser:
        return super().create_parser(
            prog_name, subcommand, formatter_class=argparse.RawDescriptionHelpFormatter, **options
        )

    def add_arguments(self, parser: CommandParser) -> None:
        way = parser.add_mutually_exclusive_group()
        way.add_argument("--adopt", action="store_true", help="keep the counts of the database's projects")
        way.add_argument("--discard", action="store_true", help="delete all counts")

    def handle(self, *args: Any, **options: Any) -> None:
        with command_errors():
            if options["adopt"] or options["discard"]:
                with self._bar(options) as bar:
                    deleted = installation.take_over(keep_known=options["adopt"], on_keys=bar.update)
                self.stdout.write(f"Redis is this database's own now; {deleted} keys were deleted.")
                return
            findings = installation.pair()
            with self._bar(options) as bar:
                self._show(installation.counted(bar.update))
        if findings:
            raise CommandError("\n".join(f"{finding.text}\n{finding.hint}" for finding in findings))
        self.stdout.write("They belong together.")

    def _bar(self, options: dict[str, Any]) -> tqdm[Any]:
        total = sum(int(server.dbsize()) for server in get_store().clients.read.servers())
        quiet = options["verbosity"] == 0 or not sys.stderr.isatty()
        return tqdm(total=total, unit=" keys", disable=quiet)

    def _show(self, counted: installation.Counted) -> None:
        row, mark = Installation.objects.get(), pairing.read(get_store().clients.read)
        self.stdout.write(
            f"Database: {row.name}, {Project.objects.count()} projects, highest number {row.newest_project}"
        )
        if mark is not None:
            since = datetime.fromtimestamp(mark.since / 1000, UTC)
            complete = f"complete since {since:%Y-%m-%d %H:%M:%S} UTC" if mark.since else "never emptied"
            name = mark.name or "a mark that cannot be read"
            self.stdout.write(f"Redis:    {name}, {complete}, highest number {mark.newest}")
        self.stdout.write(
            f"Counted in Redis: {len(counted.known)} projects that the database knows, "
            f"{len(counted.unknown)} that it does not"
        )
