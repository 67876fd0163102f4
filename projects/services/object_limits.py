"""Limits on the number of rows. Rows above a limit stay and can be changed. Only adding more is refused."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet

from projects.models import Organization


class LimitReached(ValidationError):
    """Raised if there are already as many rows as a setting allows. Nothing was added. The message says what to do."""


def refuse_more(rows: QuerySet[Model], *, adding: int, setting: str, of: str, what: str, do: str) -> None:
    """Raise LimitReached if `rows` plus `adding` more would exceed the setting.

    `of`, `what` and `do` are words of the message: "This {of} has 100 {what}, and {setting} allows 100: {do}." Call
    this while holding a lock on the owner of the rows, so that two requests cannot exceed the limit together.
    """
    most: int = getattr(settings, setting)
    if adding and (there := rows.count()) + adding > most:
        raise LimitReached(f"This {of} has {there:,} {what}, and {setting} allows {most:,}: {do}.")


def lock(organization: Organization) -> Organization:
    """Lock the organization's row until the transaction ends, so that nobody else adds to the organization.

    Return the row as it is stored. Raises Organization.DoesNotExist.
    """
    # With no_key, the creation of rows that only refer to the organization does not wait.
    return Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
