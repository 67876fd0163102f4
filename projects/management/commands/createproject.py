"""manage.py createproject ORGANIZATION PROJECT [--name NAME]: create a project, and print its DSN.

Creates the organization, the project and an active key as far as they are missing, all or none, and prints nothing but
the DSN. Run again, it prints the same DSN and changes nothing. Status 0, or 1 with one line on stderr: a slug or a name
that breaks a rule, a limit that is reached, or a database or Redis that does not answer. Status 2: wrong arguments.
"""

from __future__ import annotations

from typing import Any

from django.core.management import BaseCommand, CommandParser
from django.db import transaction

from projects.dsn import dsn
from projects.management.failures import command_errors
from projects.provision import ensure_key, ensure_organization, ensure_project


class Command(BaseCommand):
    help = (
        "Makes what is missing of an organization, a project in it and an active key, "
        "and prints the DSN of the project's first active key."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", metavar="ORGANIZATION", help="slug of the organization")
        parser.add_argument("project", metavar="PROJECT", help="slug of the project")
        parser.add_argument("--name", default="", help="name of a new project; default: made from the slug")

    def handle(self, *args: Any, **options: Any) -> None:
        with command_errors(), transaction.atomic():
            organization = ensure_organization(options["organization"])
            project = ensure_project(organization, options["project"], options["name"])
            key = ensure_key(project)
        self.stdout.write(dsn(key.public, project.pk))
