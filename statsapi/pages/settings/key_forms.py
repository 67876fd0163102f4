"""The forms of a key."""

from __future__ import annotations

from typing import Any

from django import forms

from projects.models import LONGEST_QUOTA_WINDOW, ProjectKey
from statsapi.pages.settings.forms import ChangeForm, PlainForm, plain_text
from statsapi.pages.settings.quota_words import UNITS, split_window

LARGEST_QUOTA = 2**31 - 1


def _label() -> forms.CharField:
    return forms.CharField(
        max_length=64, validators=[plain_text], help_text="Where the key is in use, such as the name of a server."
    )


class NewKeyForm(PlainForm):
    """A key to be made."""

    label = _label()


class KeyForm(ChangeForm):
    """The label of a key, and its quota: at most `count` errors in `number` `unit`."""

    label = _label()
    count = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=LARGEST_QUOTA,
        label="Accept at most",
        help_text="Errors in each window. Empty: no limit. 0: refuse all.",
    )
    number = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=LONGEST_QUOTA_WINDOW,
        label="in each window of",
        help_text="Windows begin at fixed times: those of an hour at each full hour. The longest is 24 hours.",
    )
    unit = forms.ChoiceField(choices=[(unit, unit) for unit in UNITS], label="Unit of the window")

    def __init__(self, *args: Any, key: ProjectKey, **options: Any) -> None:
        number, unit = split_window(key.rate_limit_window) if key.rate_limit_window else (1, "hours")
        initial = {"label": key.label, "count": key.rate_limit_count, "number": number, "unit": unit}
        super().__init__(*args, initial=initial, **options)

    def clean(self) -> dict[str, Any]:
        """Return the fields with the window in seconds as `window`. Raises ValidationError."""
        cleaned = super().clean() or self.cleaned_data
        number = cleaned.get("number")
        if cleaned.get("count") is not None and "number" in cleaned and "unit" in cleaned:
            if number is None:
                self.add_error("number", "A quota needs the length of its window.")
            elif number * UNITS[cleaned["unit"]] > LONGEST_QUOTA_WINDOW:
                self.add_error("number", "A window has at most 24 hours.")
        return cleaned

    def apply(self, key: ProjectKey) -> None:
        """Change what the person changed. The parts of a quota belong together."""
        changed, cleaned = set(self.changed_data), self.cleaned_data
        if "label" in changed:
            key.label = cleaned["label"]
        if changed & {"count", "number", "unit"}:
            limited = cleaned["count"] is not None
            key.rate_limit_count = cleaned["count"]
            key.rate_limit_window = cleaned["number"] * UNITS[cleaned["unit"]] if limited else None
