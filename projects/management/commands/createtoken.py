"""manage.py createtoken ORGANIZATION --scope SCOPE … [--name NAME] [--expires-days N]: create a token, and print it.

Prints nothing but the token's secret, which is never shown again. Each run creates another token. --expires-days is in
days from now, 1 to MOST_DAYS. Status 0, or 1 with one line on stderr: an organization or a scope that does not exist, a
value out of range, a limit that is reached, or a database or Redis that does not answer. Status 2: wrong arguments.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from projects import services
from projects.management.failures import command_errors
from projects.models import OFFERED_SCOPES, Organization

MOST_DAYS = 36_500
"""A hundred years."""


class Command(BaseCommand):
    help = "Makes a token of an organization and prints it. It is shown this once: only its SHA-256 is kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", metavar="ORGANIZATION", help="slug of the organization")
        parser.add_argument(
            "--scope",
            action="append",
            required=True,
            metavar="SCOPE",
            help=f"what the token may do; repeatable; one of {', '.join(OFFERED_SCOPES)}",
        )
        parser.add_argument("--name", default="", help="what the token is for")
        parser.add_argument("--expires-days", type=int, metavar="N", help="refused after N days; default: never")

    def handle(self, *args: Any, **options: Any) -> None:
        days = options["expires_days"]
        if days is not None and not 1 <= days <= MOST_DAYS:
            raise CommandError(f"--expires-days must be from 1 to {MOST_DAYS}, not {days}.")
        with command_errors():
            organization = Organization.objects.filter(slug=options["organization"]).first()
            if organization is None:
                raise CommandError(f"There is no organization with the slug {options['organization']!r}.")
            secret = services.create_token(
                organization=organization,
                scopes=options["scope"],
                name=options["name"],
                expires=None if days is None else datetime.now(UTC) + timedelta(days=days),
            ).secret
        self.stdout.write(secret)
