"""The field for the last day of what ends by itself: a token, a public link."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError

MOST_YEARS = 100


class LastDayField(forms.DateField):
    """A day of the zone of the person who fills it in. Its value is when the day ends, or None if none was chosen."""

    def __init__(self, **attributes: str) -> None:
        widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", **attributes})
        super().__init__(required=False, widget=widget)
        self.zone = ZoneInfo("UTC")

    def clean(self, value: Any) -> datetime | None:
        """Refuse a day that is over, and one that is too far away to mean anything."""
        day: date | None = super().clean(value)
        if day is None:
            return None
        today = datetime.now(self.zone).date()
        if day < today:
            raise ValidationError("This day is over already.")
        if day.year > today.year + MOST_YEARS:
            raise ValidationError(f"Choose a day of the next {MOST_YEARS} years, or none.")
        return datetime.combine(day + timedelta(days=1), time(), self.zone).astimezone(UTC)


def set_zone(form: forms.Form, zone: ZoneInfo) -> None:
    """Let the days of a form be those of a zone."""
    for field in form.fields.values():
        if isinstance(field, LastDayField):
            field.zone = zone
