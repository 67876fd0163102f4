"""The forms of setup and settings. They check what a person can mistype; services check the rest."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import RegexValidator

from projects.models import Organization, Project
from statsapi.api.resources.fields import PRINTABLE

LONGEST_NAME = 100
PLATFORMS = (
    "python",
    "javascript",
    "node",
    "go",
    "ruby",
    "php",
    "java",
    "dotnet",
    "rust",
    "elixir",
)
"""Suggestions. Any other word is a platform too."""

plain_text = RegexValidator(PRINTABLE, "Use text without control characters.")
_SLUG_HELP = "The word in addresses: a-z, 0-9, - and _, not digits alone."


class PlainForm(forms.Form):
    """A form whose labels stand above the fields, and so need no colon."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **options})


class ChangeForm(PlainForm):
    """A form of something that exists.

    It remembers what the person saw. So only what they changed is saved, and a change that somebody else made meanwhile
    to another field stays.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for field in self.fields.values():
            field.show_hidden_initial = True

    def changes(self) -> dict[str, Any]:
        """Return the new values of the fields that the person changed."""
        return {name: self.cleaned_data[name] for name in self.changed_data}


def _name(help_text: str = "") -> forms.CharField:
    return forms.CharField(max_length=LONGEST_NAME, validators=[plain_text], help_text=help_text)


def _slug(help_text: str, *, required: bool = True) -> forms.CharField:
    attributes = {"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}
    return forms.CharField(
        max_length=100,
        required=required,
        label="Slug" if required else "Slug (optional)",
        help_text=help_text,
        widget=forms.TextInput(attrs=attributes),
    )


def _platform() -> forms.CharField:
    return forms.CharField(
        max_length=50,
        required=False,
        label="Platform (optional)",
        validators=[plain_text],
        help_text="For you and for clients that ask. The setup page opens with its snippet.",
        widget=forms.TextInput(attrs={"list": "platforms", "autocomplete": "off"}),
    )


class NewProjectForm(PlainForm):
    """A project to be made."""

    name = _name("What people call it. It can be changed at any time.")
    slug = _slug(f"{_SLUG_HELP} Leave it empty to have it made from the name.", required=False)
    platform = _platform()


class ProjectForm(ChangeForm):
    """The names of a project."""

    name = _name()
    slug = _slug(
        f"{_SLUG_HELP} After a change the old slug still leads here, until another project takes it. "
        "DSNs stay as they are."
    )
    platform = _platform()


class OrganizationForm(ChangeForm):
    """The names of an organization."""

    name = _name()
    slug = _slug(f"{_SLUG_HELP} After a change, the old addresses lead nowhere.")


class TypedSlugForm(PlainForm):
    """Makes sure that a person means what cannot be undone: they type the slug of what goes away."""

    typed = forms.CharField(
        max_length=100,
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, of: Project | Organization, **options: Any) -> None:
        super().__init__(*args, **options)
        self._slug = of.slug
        self.fields["typed"].label = f"Type the slug “{of.slug}” to confirm"

    def clean_typed(self) -> str:
        """Return the slug that was typed. Raises ValidationError if it is another."""
        typed: str = self.cleaned_data["typed"]
        if typed != self._slug:
            raise forms.ValidationError(f"This is not “{self._slug}”. Nothing was done.")
        return typed


class ProjectChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A project, by name and slug."""

    def label_from_instance(self, obj: Project) -> str:
        """Return the words of a choice."""
        return f"{obj.name} ({obj.slug})"


class MergeForm(TypedSlugForm):
    """Where the counts of a project go."""

    into = ProjectChoice(Project.objects.none(), label="Move all counts into", empty_label="Choose a project")
    field_order = ("into", "typed")

    def __init__(self, *args: Any, of: Project, **options: Any) -> None:
        super().__init__(*args, of=of, **options)
        field = self.fields["into"]
        assert isinstance(field, ProjectChoice)  # noqa: S101 - it is declared above
        field.queryset = Project.objects.filter(organization=of.organization_id).exclude(pk=of.pk)
