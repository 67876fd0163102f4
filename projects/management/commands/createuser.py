"""manage.py createuser EMAIL [--organization ORGANIZATION [--role ROLE]] [--operator]: invite a person, print a link.

Prints nothing but the link, on which the person chooses a password. It works once and for three days. Where EMAIL_URL
names a mail server, the link is mailed too, and stderr says whether it was. The account is made if it is missing. EMAIL
may also be the name of an account that there is. Run again, it makes a new link for the same account, and a role that
is given takes the place of the earlier one. Status 0, or 1 with one line on stderr: what is no address, an organization
that does not exist, the last owner, a limit that is reached, or a database that does not answer. Status 2: wrong
arguments.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.management import BaseCommand, CommandError, CommandParser
from django.db import transaction

from projects import services
from projects.management.failures import command_errors
from projects.models import Membership, Organization
from projects.password_links import can_mail, mail_link, make_link


class Command(BaseCommand):
    help = (
        "Makes an account if it is missing, gives it a role in an organization or makes it an operator's, and prints a "
        "link on which its person chooses a password. The link works once, for three days."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", metavar="EMAIL", help="address of the person, who signs in with it")
        parser.add_argument("--organization", metavar="ORGANIZATION", help="slug of the organization to enter")
        parser.add_argument(
            "--role",
            choices=Membership.Role.values,
            help="what the person may do there; default: viewer, or the role that the person has already",
        )
        parser.add_argument(
            "--operator", action="store_true", help="a superuser, who sees every organization and enters the admin"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["role"] and not options["organization"]:
            raise CommandError("--role needs --organization.")
        with command_errors():
            with transaction.atomic():
                user = self._account(options["email"], options["organization"], options["role"], options["operator"])
            link = make_link(user)
        self.stdout.write(link)
        if can_mail():
            self.stderr.write(f"Mailed to {user.email}." if mail_link(user, link) else "It could not be mailed.")

    def _account(self, email: str, slug: str | None, role: str | None, operator: bool) -> User:
        if not slug and not operator and services.find_account(email) is None:
            raise CommandError(f"There is no account {email!r}. Make one with --organization SLUG or --operator.")
        # The organization is locked before the account, as an invitation does it. Otherwise the two could wait for each
        # other for ever.
        found = Organization.objects.select_for_update(no_key=True)
        organization = found.filter(slug=slug).first() if slug else None
        if slug and organization is None:
            raise CommandError(f"There is no organization with the slug {slug!r}.")
        user = services.ensure_account(email, operator=operator)
        if organization is not None:
            member = organization.memberships.filter(user=user).first()
            if member is None:
                services.add_member(organization=organization, user_id=user.pk, role=role or Membership.Role.VIEWER)
            elif role:
                services.change_role(member, role)
        return User.objects.get(pk=user.pk)  # coming into an organization makes earlier links void
