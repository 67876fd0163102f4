"""What lines of the history say: each function returns a text for every difference between two rows, in plain words.

A row that is the same as before gives no text. No text holds a secret, nor the whole public half of a key.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from projects.durations import window_text
from projects.lines import lines_of
from projects.models import (
    SCOPES,
    ApiToken,
    Budget,
    Membership,
    Organization,
    Project,
    ProjectFilters,
    ProjectKey,
    PublicLink,
)

LONGEST_NAME = 60
"""A longer name is cut, so that the rest of the line stays."""

MOST_ENTRIES = 3
"""How many entries of a list are named."""

_WINDOWS = {1: "a second", 60: "a minute", 3600: "an hour", 86400: "a day"}
_SWITCHES = ("localhost", "web_crawlers", "legacy_browsers", "browser_extensions", "invalid_csp")
_LISTS = ("legacy_browser_subfilters", "ip_addresses", "release_versions", "error_messages")


def quoted(name: str) -> str:
    """Return a name that a user chose as it stands in a line. No character of it can end or turn the quotation."""
    shown = "".join(one if one.isprintable() and one not in "“”" else "�" for one in name)
    return f"“{shown if len(shown) <= LONGEST_NAME else f'{shown[: LONGEST_NAME - 1]}…'}”"


def of_organization(old: Organization, new: Organization) -> list[str]:
    """Say what changed of an organization."""
    said = [f"renamed the organization: {quoted(old.name)} → {quoted(new.name)}"] if old.name != new.name else []
    return said + ([f"changed the organization's slug: {old.slug} → {new.slug}"] if old.slug != new.slug else [])


def of_member(old: Membership | None, new: Membership | None) -> list[str]:
    """Say what changed of a member. `old` is None for a new one, and `new` for one that is removed."""
    if old and new and old.user_id == new.user_id:
        return [f"changed the role of {old.user}: {old.role} → {new.role}"] if old.role != new.role else []
    said = [f"removed {old.user}, who was {old.role}"] if old else []
    return said + ([f"added {new.user} as {new.role}"] if new else [])


def of_project(old: Project, new: Project) -> list[str]:
    """Say what changed of a project."""
    said = []
    if old.name != new.name:
        said.append(f"renamed the project: {quoted(old.name)} → {quoted(new.name)}")
    if old.slug != new.slug:
        said.append(f"changed the project's slug: {old.slug} → {new.slug}")
    if old.platform != new.platform:
        said.append(f"changed the project's platform: {old.platform or 'none'} → {new.platform or 'none'}")
    return said


def named_link(link: PublicLink) -> str:
    """Return a public link as it stands in a line."""
    return f"the public link {quoted(link.name)} …{link.last_four}"


def named_key(key: ProjectKey) -> str:
    """Return a key as it stands in a line. The beginning of its public half tells keys of the same name apart."""
    return f"the key {quoted(key.label)} ({key.public[:6]}…)"


def of_key(old: ProjectKey | None, new: ProjectKey) -> list[str]:
    """Say what changed of a key. `old` is None for a new one."""
    if old is None:
        limit = "" if new.rate_limit_count is None else f" with a quota of {_quota(new)}"
        return [f"created {named_key(new)}{limit}{'' if new.active else ', disabled'}"]
    said = []
    if old.label != new.label:
        said.append(f"renamed {named_key(old)} to {quoted(new.label)}")
    if old.active != new.active:
        said.append(f"{'enabled' if new.active else 'disabled'} {named_key(new)}")
    if _quota(old) != _quota(new):
        said.append(f"changed the quota of {named_key(new)}: {_quota(old)} → {_quota(new)}")
    return said


def of_filters(old: ProjectFilters | None, new: ProjectFilters) -> list[str]:
    """Say what changed of the inbound filters. `old` is None if there were none, which is the same as all off."""
    old = old or ProjectFilters()
    said = [
        f"turned the inbound filter {_label(field)} {'on' if getattr(new, field) else 'off'}"
        for field in _SWITCHES
        if getattr(old, field) != getattr(new, field)
    ]
    for field in _LISTS:
        before, after = lines_of(getattr(old, field)), lines_of(getattr(new, field))
        changes = [("added", _missing(after, before)), ("removed", _missing(before, after))]
        words = "; ".join(f"{verb} {_some(lines)}" for verb, lines in changes if lines)
        if words:
            said.append(f"changed the inbound filter of {_label(field)}: {words}")
    return said


def of_budget(old: Budget | None, new: Budget | None) -> list[str]:
    """Say what changed of a budget. `old` is None for a new one, and `new` for one that is deleted."""
    if old is None or new is None:
        return [f"{verb} the budget of {_budget(one)}" for verb, one in (("created", new), ("deleted", old)) if one]
    before, after = _budget(old), _budget(new)
    return [f"changed the budget of {before} → {after}"] if before != after else []


def named_token(token: ApiToken) -> str:
    """Return a token as it stands in a line: its name and its last four characters."""
    return f"the token {quoted(token.name)} …{token.last_four}" if token.name else f"the token …{token.last_four}"


def of_new_token(token: ApiToken) -> str:
    """Say what a new token may do, and until when."""
    ends = "" if token.expires is None else f", until {_moment(token.expires)}"
    return f"created {named_token(token)} with {_scopes(token.scopes)}{ends}"


def of_token(old: ApiToken, new: ApiToken) -> list[str]:
    """Say what changed of a token."""
    said = []
    if old.name != new.name:
        said.append(f"renamed {named_token(old)} to {quoted(new.name)}")
    if set(old.scopes) != set(new.scopes):
        said.append(f"changed the scopes of {named_token(new)}: {_scopes(old.scopes)} → {_scopes(new.scopes)}")
    if old.expires != new.expires:
        said.append(f"changed the end of {named_token(new)}: {_moment(old.expires)} → {_moment(new.expires)}")
    return said


def _quota(key: ProjectKey) -> str:
    if key.rate_limit_count is None or key.rate_limit_window is None:
        return "no quota"
    window = _WINDOWS.get(key.rate_limit_window, f"{key.rate_limit_window:,} seconds")
    errors = "1 error" if key.rate_limit_count == 1 else f"{key.rate_limit_count:,} errors"
    return f"{errors} {window}" if key.rate_limit_window in _WINDOWS else f"{errors} in {window}"


def _budget(budget: Budget) -> str:
    return f"{budget.limit:,} of {quoted(budget.category)} in {window_text(budget.window)}"


def _label(field: str) -> str:
    return str(getattr(ProjectFilters._meta.get_field(field), "verbose_name", field))


def _missing(lines: Sequence[str], others: Sequence[str]) -> list[str]:
    """Return the lines that are not among the others, each once."""
    known = set(others)
    return [line for line in dict.fromkeys(lines) if line not in known]


def _some(lines: Sequence[str]) -> str:
    named = ", ".join(map(quoted, lines[:MOST_ENTRIES]))
    more = len(lines) - MOST_ENTRIES
    return f"{named} and {more:,} more" if more > 0 else named


def _scopes(scopes: Sequence[str]) -> str:
    return "all scopes" if set(SCOPES) <= set(scopes) else ", ".join(scopes) or "no scope"


def _moment(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if moment else "never"
