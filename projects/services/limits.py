"""How many of each there may be. What exists above a limit stays and can be changed; only adding is refused."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet

from projects.models import Organization


class LimitReached(ValidationError):
    """There are as many as a setting allows, and nothing was added. The message says what to do."""


def refuse_more(rows: QuerySet[Model], *, adding: int, setting: str, of: str, what: str, do: str) -> None:
    """Raises LimitReached where `rows` and those to be added are more than the setting allows.

    To be called under a lock of what they belong to, so that no two pass the limit together.
    """
    most: int = getattr(settings, setting)
    if adding and (there := rows.count()) + adding > most:
        raise LimitReached(f"This {of} has {there:,} {what}, and {setting} allows {most:,}: {do}.")


def lock(organization: Organization) -> None:
    """Until the transaction ends nothing is added to the organization elsewhere. Raises Organization.DoesNotExist."""
    # no_key: what only refers to the organization does not wait.
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
