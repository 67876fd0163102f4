"""The form for a new token: what it is for, what it may do, and until when."""

from __future__ import annotations

from typing import NamedTuple
from zoneinfo import ZoneInfo

from django import forms

from projects.models import OFFERED_SCOPES, SCOPES, ApiToken
from statsapi.pages.last_day import LastDayField, set_zone

CUSTOM = "custom"
"""The choice of single scopes."""


class Preset(NamedTuple):
    """A choice of scopes that fits a purpose."""

    name: str
    label: str
    help: str
    scopes: tuple[str, ...]


PRESETS = (
    Preset(
        "read",
        "Read counts",
        "For Grafana, exporters and scripts that only look.",
        ("project:read", "org:read"),
    ),
    Preset(
        "count", "Count", "For a gateway or a batch that sends counts of its own.", ("project:read", "project:write")
    ),
    Preset("all", "Everything", "For scripts that manage projects and keys. They may delete and merge too.", SCOPES),
)

GROUPS = {
    "project": (
        "Projects",
        "read: see projects, keys and counts. write: also send counts, create and change. "
        "admin: also delete and merge.",
    ),
    "org": ("Organization", "read: see the organization and its counts over all projects."),
    "event": ("Events", "Some clients of Sentry ask for these. Here they open nothing."),
}


class ScopeGroup(NamedTuple):
    """The scopes of one kind of object, for the form: each with whether it is chosen."""

    name: str
    label: str
    help: str
    scopes: list[tuple[str, bool]]


class TokenForm(forms.Form):
    """A new token. Its days end in the zone of the person who fills it in."""

    name = forms.CharField(
        max_length=ApiToken._meta.get_field("name").max_length,
        help_text="What is it for? The name stands in the history beside what the token changes.",
        widget=forms.TextInput(attrs={"placeholder": "Grafana", "autocomplete": "off"}),
    )
    preset = forms.ChoiceField(choices=[(one.name, one.label) for one in PRESETS] + [(CUSTOM, "Single scopes")])
    scopes = forms.MultipleChoiceField(choices=[(scope, scope) for scope in SCOPES], required=False)
    last_day = LastDayField(**{"aria-describedby": "id_last_day_helptext"})

    def __init__(self, data: object = None, *, zone: ZoneInfo) -> None:
        super().__init__(data, initial={"preset": PRESETS[0].name})  # type: ignore[arg-type]
        set_zone(self, zone)

    def groups(self) -> list[ScopeGroup]:
        """Return the single scopes in groups, as they are chosen in the form.

        Those that open nothing are there only if somebody has sent them.
        """
        chosen = self["scopes"].value() or []
        shown = [one for one in SCOPES if one in OFFERED_SCOPES or one in chosen]
        groups = [
            ScopeGroup(name, label, help, [(one, one in chosen) for one in shown if one.startswith(f"{name}:")])
            for name, (label, help) in GROUPS.items()
        ]
        return [group for group in groups if group.scopes]

    def clean(self) -> None:
        """Refuse a form that allows nothing."""
        if self.cleaned_data.get("preset") == CUSTOM and not self.cleaned_data.get("scopes"):
            self.add_error("scopes", "Choose at least one scope.")

    def chosen_scopes(self) -> tuple[str, ...]:
        """Return the scopes of a valid form."""
        named = {one.name: one.scopes for one in PRESETS}
        return named.get(self.cleaned_data["preset"]) or tuple(self.cleaned_data["scopes"])
