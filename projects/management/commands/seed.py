"""manage.py seed: create an organization with projects, and count demo data into them.

Only projects without counts are counted into, unless --reset deletes the counts first. --days are whole days before
today, from 0 to the longest retention, and --events-per-day are errors on an average day of the first project, from 1
to MOST_EVENTS_PER_DAY. Nothing is printed but what --json asks for: one JSON object with `organization` (id, slug),
`projects` (id, slug, public_key, dsn) and `token`.

Status 0, also if nothing was counted because there are counts already, which stderr says. Status 1, with one line on
stderr: a value out of range, a slug that breaks a rule, a limit that is reached, a Redis that holds the counts of
another installation, or a database or Redis that does not answer. Status 2: wrong arguments.
"""

from __future__ import annotations

import json
import time
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from projects import seeding, services
from projects.dsn import dsn
from projects.management.failures import command_errors, refuse_foreign_counts
from projects.models import SCOPES, Organization
from projects.seeding import DemoProject, Plan

MOST_EVENTS_PER_DAY = 10**9


class Command(BaseCommand):
    help = (
        "Makes an organization with projects and counts demo data into those that have no counts: days and weeks have "
        "a rhythm, and some have spikes. The same random seed makes the same data."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        plan = seeding.default_plan()
        parser.add_argument("--organization", default=seeding.ORGANIZATION, metavar="SLUG", help="default: %(default)s")
        parser.add_argument(
            "--project",
            action="append",
            metavar="SLUG",
            help=f"repeatable; the first is busy, the second quiet, the third has spikes; "
            f"default: {', '.join(seeding.PROJECTS)}",
        )
        parser.add_argument(
            "--days", type=int, default=plan.days, metavar="N", help="days before today; default: %(default)s"
        )
        parser.add_argument(
            "--events-per-day",
            type=int,
            default=plan.events_per_day,
            metavar="N",
            help="errors received on an average day of the first project; default: %(default)s",
        )
        parser.add_argument(
            "--random-seed", type=int, default=plan.random_seed, metavar="N", help="default: %(default)s"
        )
        parser.add_argument("--reset", action="store_true", help="delete the projects' counts first")
        parser.add_argument("--empty", action="store_true", help="make organization and projects, count nothing")
        parser.add_argument("--json", action="store_true", help="print what there is, and a new token of every scope")

    def handle(self, *args: Any, **options: Any) -> None:
        now = int(time.time())
        plan = self._plan(options)
        slugs = list(dict.fromkeys(options["project"] or seeding.PROJECTS))
        with command_errors():
            refuse_foreign_counts()
            organization, projects = seeding.make_projects(options["organization"], slugs)
            if options["reset"]:
                for project in projects:
                    seeding.forget_counts(project)
            if not options["empty"]:
                self._count(projects, plan, now, quiet=options["verbosity"] == 0)
            if options["json"]:
                self.stdout.write(json.dumps(_description(organization, projects)))

    def _plan(self, options: dict[str, Any]) -> Plan:
        plan = Plan(options["days"], options["events_per_day"], options["random_seed"])
        most = seeding.most_days()
        if not 0 <= plan.days <= most:
            raise CommandError(
                f"--days must be from 0 (today alone) to {most} (the longest retention), not {plan.days}."
            )
        if not 1 <= plan.events_per_day <= MOST_EVENTS_PER_DAY:
            raise CommandError(f"--events-per-day must be from 1 to {MOST_EVENTS_PER_DAY}, not {plan.events_per_day}.")
        return plan

    def _count(self, projects: list[DemoProject], plan: Plan, now: int, *, quiet: bool) -> None:
        skipped = []
        silent = quiet or not self.stderr.isatty()
        with tqdm(total=len(projects) * (plan.days + 1), unit=" days", disable=silent) as bar:
            for demo in projects:
                bar.set_description(demo.project.slug)
                if not seeding.count(demo, plan, now=now, on_day=bar.update):
                    skipped.append(demo.project.slug)
                    bar.update(plan.days + 1)
        if skipped and not quiet:
            self.stderr.write(
                f"Nothing added to {', '.join(skipped)}: counts are there already; --reset deletes them first.",
                self.style.WARNING,
            )


def _description(organization: Organization, projects: list[DemoProject]) -> dict[str, Any]:
    return {
        "organization": {"id": str(organization.pk), "slug": organization.slug},
        "projects": [
            {
                "id": str(project.pk),
                "slug": project.slug,
                "public_key": key.public,
                "dsn": dsn(key.public, project.pk),
            }
            for project, key, _ in projects
        ],
        "token": services.create_token(organization=organization, scopes=SCOPES, name="seed").secret,
    }
