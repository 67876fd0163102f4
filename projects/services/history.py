"""The history of an organization: a line for each change that its owners would ask about.

Services write the lines inside the transaction of the change, so a change that is rolled back leaves none. A line never
holds a secret.
"""

from __future__ import annotations

from projects.acting import who_acts
from projects.models import Change, Project
from projects.page_models import LONGEST_WHAT, LONGEST_WHO

MOST_CHANGES = 10_000
"""How many lines of an organization are kept: the latest ones."""

PRUNED_EVERY = 100
"""Lines beyond them are deleted once in about this many, because finding them takes a walk over all that are kept."""


def note(organization_id: int, *what: str, project: str = "") -> None:
    """Write a line for each text into the organization's history. `project` is the slug of the project it is about.

    Who made the change is what projects/acting.py knows. Call this inside the transaction of the change.
    """
    who = _cut(who_acts(), LONGEST_WHO) if what else ""
    for text in what:
        line = Change.objects.create(
            organization_id=organization_id, project=project, who=who, what=_cut(text, LONGEST_WHAT)
        )
        if line.pk % PRUNED_EVERY == 0:
            _prune(organization_id)


def note_project(project: Project, *what: str) -> None:
    """Write a line for each text about the project into the history of its organization, as `note` does."""
    note(project.organization_id, *what, project=project.slug)


def _cut(text: str, most: int) -> str:
    """Return the text, shortened to `most` characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _prune(organization_id: int) -> None:
    lines = Change.objects.filter(organization_id=organization_id)
    newest_too_old = lines.order_by("-id").values_list("id", flat=True)[MOST_CHANGES : MOST_CHANGES + 1].first()
    if newest_too_old is not None:
        lines.filter(id__lte=newest_too_old).delete()
