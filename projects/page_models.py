"""The tables behind the pages: public links, the history of changes, and what each person prefers.

Django finds them through projects/models.py.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

_DIGEST = r"^[0-9a-f]{64}\Z"
"""A SHA-256 in hexadecimal digits."""


LONGEST_WHO, LONGEST_WHAT = 200, 500
"""The most characters that a line of the history says of who and of what."""


class PublicLink(models.Model):
    """A link that shows a project's chart to people without an account.

    Only the SHA-256 of its secret is stored, so the link can be shown only once.
    """

    project = models.ForeignKey("projects.Project", models.CASCADE, related_name="public_links")
    name = models.CharField(max_length=100, blank=True)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    last_four = models.CharField(max_length=4, editable=False)
    origins = models.TextField(
        blank=True, max_length=2000, help_text="Sites that may show it in a frame, as https://example.com, one a line."
    )
    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField(null=True, blank=True)
    last_used = models.DateTimeField(null=True, blank=True, editable=False, help_text="Exact to an hour.")
    revoked = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=Q(digest__regex=_DIGEST), name="public_link_digest_hex")]

    def __str__(self) -> str:
        return f"{self.name or 'link'} …{self.last_four}"


class Change(models.Model):
    """A line of an organization's history: who changed what, and when. It is never changed itself."""

    organization = models.ForeignKey("projects.Organization", models.CASCADE, related_name="changes")
    # A slug, not a reference, because the line of a deletion outlives the project.
    project = models.CharField(max_length=100, blank=True)
    who = models.CharField(max_length=LONGEST_WHO)
    what = models.CharField(max_length=LONGEST_WHAT)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        # The latest lines are read by organization.
        indexes = [models.Index(fields=["organization", "-id"], name="change_latest")]

    def __str__(self) -> str:
        return f"{self.who}: {self.what}"


class Preference(models.Model):
    """What a person chose for all pages. `timezone` is an IANA name, or empty for the zone of the browser."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="preference")
    timezone = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return f"preferences of {self.user}"
