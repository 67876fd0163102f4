"""The form of a new public link."""

from __future__ import annotations

from typing import Any

from django import forms

from projects.services.public_links import MOST_ORIGINS
from statsapi.pages.last_day import LastDayField, set_zone
from statsapi.pages.zones import Zone


class LinkForm(forms.Form):
    """What a person says of a new link. The last day is a day of the zone in which they read."""

    name = forms.CharField(
        max_length=100, required=False, help_text="To tell your links apart. Visitors do not see it."
    )
    last_day = LastDayField()
    origins = forms.CharField(
        label="Sites that may show it in a frame",
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "https://wiki.example.com", "spellcheck": "false"}),
        help_text=f"One a line, at most {MOST_ORIGINS}. Empty: nobody. The picture needs none.",
    )

    def __init__(self, *args: Any, zone: Zone, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **options})
        set_zone(self, zone.info)
        self.fields[
            "last_day"
        ].help_text = f"It ends with this day in {zone.name}. Empty: it works until you revoke it."
