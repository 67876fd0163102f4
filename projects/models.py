"""The tables: organizations, members, projects, keys, filters, environments and tokens.

Counts are in Redis, not here. Rules that must always hold are constraints of the database.
"""

from __future__ import annotations

import secrets
from ipaddress import ip_network

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from projects.budget_models import Budget as Budget
from projects.environment_names import LONGEST_ENVIRONMENT
from projects.globs import check_globs
from projects.legacy_browsers import LEGACY_BROWSERS
from projects.lines import lines_of
from projects.page_models import Change as Change
from projects.page_models import Preference as Preference
from projects.page_models import PublicLink as PublicLink

SLUG = r"(?![0-9]+$)[a-z0-9_-]{1,100}"
"""A regular expression for the whole of a text."""
SLUG_PATTERN = rf"^{SLUG}\Z"
_SLUG_RULE = RegexValidator(SLUG_PATTERN, "Use 1 to 100 of a-z, 0-9, - and _, and not digits alone: those are for ids.")
LONGEST_QUOTA_WINDOW = 86400
"""Seconds."""
LONGEST_LIST = 10_000
"""The most characters of a list of an inbound filter."""
HEX_PATTERN = r"^[0-9a-f]{32}\Z"
_HEX_RULE = RegexValidator(HEX_PATTERN, "Use 32 hexadecimal digits.")
_NOT_DIGITS = r"[a-z_-]"
_ALLOWED = r"^[a-z0-9_-]{1,100}\Z"  # not $, which in SQLite would allow a line break at the end

SCOPES = tuple(f"{what}:{level}" for what in ("project", "org", "event") for level in ("read", "write", "admin"))
OFFERED_SCOPES = tuple(scope for scope in SCOPES if not scope.startswith("event:"))
"""Those that open something. Clients of Sentry ask for the others too, so a token may have them."""


def _slug_constraint(name: str) -> models.CheckConstraint:
    # Two plain patterns instead of one with a look-ahead, because every database understands them.
    return models.CheckConstraint(condition=Q(slug__regex=_ALLOWED) & Q(slug__regex=_NOT_DIGITS), name=name)


def _hex_key() -> str:
    return secrets.token_hex(16)


class Installation(models.Model):
    """The only row of its table, which says which Redis belongs to this database (projects/installation.py)."""

    THE_ONE = 1

    number = models.PositiveSmallIntegerField(primary_key=True, default=THE_ONE)
    name = models.CharField(max_length=32, default=_hex_key)
    since = models.BigIntegerField(null=True, help_text="What the mark of Redis says; empty: not paired yet.")
    newest_project = models.BigIntegerField(default=0, help_text="The highest number that a project ever had.")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(number=1), name="installation_once")]

    def __str__(self) -> str:
        return self.name


class Organization(models.Model):
    """An owner of projects, tokens and members."""

    slug = models.CharField(max_length=100, unique=True, validators=[_SLUG_RULE])
    name = models.CharField(max_length=100)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["slug"]
        constraints = [_slug_constraint("organization_slug")]

    def __str__(self) -> str:
        return self.slug


class Membership(models.Model):
    """A user's role in an organization."""

    class Role(models.TextChoices):
        """The roles. projects/selectors.py lists the scopes of each."""

        VIEWER = "viewer"
        MEMBER = "member"
        OWNER = "owner"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.VIEWER)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "organization"], name="membership_once"),
            models.CheckConstraint(condition=Q(role__in=["viewer", "member", "owner"]), name="membership_role"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.organization}"


class Project(models.Model):
    """What events are counted for. Its slug is unique in its organization."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="projects")
    slug = models.CharField(max_length=100, validators=[_SLUG_RULE])
    name = models.CharField(max_length=100)
    platform = models.CharField(max_length=50, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["slug"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "slug"], name="project_slug_once"),
            _slug_constraint("project_slug"),
        ]

    def __str__(self) -> str:
        return self.slug


class ProjectRedirect(models.Model):
    """An earlier slug of a project. It leads to the project until another project takes it."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="redirects")
    slug = models.CharField(max_length=100)
    project = models.ForeignKey(Project, models.CASCADE, related_name="redirects")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "slug"], name="redirect_slug_once")]

    def __str__(self) -> str:
        return f"{self.slug} → {self.project}"


class ProjectKey(models.Model):
    """A key that an SDK sends events with. Its public half is in the DSN."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="keys")
    label = models.CharField(max_length=64, default="Default")
    public = models.CharField(max_length=32, unique=True, default=_hex_key, validators=[_HEX_RULE])
    secret = models.CharField(max_length=32, default=_hex_key, validators=[_HEX_RULE])
    active = models.BooleanField(default=True)
    rate_limit_count = models.PositiveIntegerField(
        null=True, blank=True, help_text="Errors accepted a window; 0 refuses all, empty: no limit."
    )
    rate_limit_window = models.PositiveIntegerField(
        null=True, blank=True, help_text=f"Seconds, 1 to {LONGEST_QUOTA_WINDOW}."
    )
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "key"
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(public__regex=HEX_PATTERN) & Q(secret__regex=HEX_PATTERN),
                name="project_key_hex",
            ),
            models.CheckConstraint(
                condition=Q(rate_limit_count=None, rate_limit_window=None)
                # Without the checks for NULL, a missing window would make the range unknown, and unknown passes.
                | Q(
                    rate_limit_count__isnull=False,
                    rate_limit_window__isnull=False,
                    rate_limit_window__range=(1, LONGEST_QUOTA_WINDOW),
                ),
                name="project_key_rate_limit",
                violation_error_message=(
                    f"A rate limit needs a count and a window of 1 to {LONGEST_QUOTA_WINDOW} seconds."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.label


def _check_networks(text: str) -> None:
    """Raise ValidationError unless every line that is not empty is an IP address or a network."""
    for line in lines_of(text):
        try:
            ip_network(line, strict=False)
        except ValueError:
            raise ValidationError(
                f"“{line}” is neither an address nor a network, as 192.0.2.7 or 10.0.0.0/8 is."
            ) from None


def _check_legacy_browsers(text: str) -> None:
    """Raise ValidationError unless every line that is not empty is the name of a subfilter."""
    for line in lines_of(text):
        if line not in LEGACY_BROWSERS:
            raise ValidationError(f"“{line}” is none of {', '.join(LEGACY_BROWSERS)}.")


class ProjectFilters(models.Model):
    """The inbound filters of a project, which say what events it does not want. Lists have one entry on each line."""

    project = models.OneToOneField(Project, models.CASCADE, primary_key=True, related_name="filters")
    localhost = models.BooleanField(default=False, help_text="Events from 127.0.0.1, ::1 and localhost pages.")
    web_crawlers = models.BooleanField(default=False, help_text="Events of pages that a known crawler visited.")
    legacy_browsers = models.BooleanField(default=False, help_text="Events of browsers that are out of support.")
    legacy_browser_subfilters = models.TextField(
        blank=True,
        default="",
        db_default="",
        max_length=1000,
        validators=[_check_legacy_browsers],
        help_text="Which legacy browsers, as ie11. Empty: all of them.",
    )
    browser_extensions = models.BooleanField(default=False, help_text="Errors that an extension raised.")
    invalid_csp = models.BooleanField(
        "Invalid CSP", default=False, help_text="CSP reports that extensions and local pages caused."
    )
    ip_addresses = models.TextField(
        "IP addresses",
        blank=True,
        max_length=LONGEST_LIST,
        validators=[_check_networks],
        help_text="Addresses or networks, as 10.0.0.0/8.",
    )
    release_versions = models.TextField(blank=True, max_length=LONGEST_LIST, help_text="Globs, as 1.2.*")
    error_messages = models.TextField(blank=True, max_length=LONGEST_LIST, help_text="Globs, as *TimeoutError*")

    class Meta:
        verbose_name = verbose_name_plural = "inbound filters"

    def __str__(self) -> str:
        return f"inbound filters of {self.project}"

    def clean(self) -> None:
        """Raise ValidationError if a list that was changed breaks the limits on globs."""
        lists = {"release_versions": self.release_versions, "error_messages": self.error_messages}
        # A list that is older than the limits must not keep anybody from changing something else.
        saved = ProjectFilters.objects.filter(pk=self.pk).values(*lists).first() or {}
        check_globs({field: text for field, text in lists.items() if text != saved.get(field)})


class Environment(models.Model):
    """An environment that events of a project name. Its id is part of the keys of its counts in Redis."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="environments")
    name = models.CharField(max_length=LONGEST_ENVIRONMENT)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="environment_once")]

    def __str__(self) -> str:
        return self.name


class ApiToken(models.Model):
    """A token of the API. Only the SHA-256 of its secret is stored, so the secret can be shown only once."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100, blank=True)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    last_four = models.CharField(max_length=4, editable=False)
    scopes = models.JSONField(default=list)
    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField(null=True, blank=True)
    last_used = models.DateTimeField(null=True, blank=True, editable=False, help_text="Exact to an hour.")
    revoked = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "API token"
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=Q(digest__regex=r"^[0-9a-f]{64}\Z"), name="token_digest_hex")]

    def __str__(self) -> str:
        return f"{self.name or 'token'} …{self.last_four}"
