"""Typed readers of the environment.

Each refuses what it does not understand with an error that names the variable, and remembers the name, so that
a test can hold the README's table of settings to the code. An empty variable counts as unset.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

NAMES: list[str] = []
"""Every variable that the settings read, in the order of reading."""


def _raw(name: str) -> str | None:
    if name not in NAMES:
        NAMES.append(name)
    return os.environ.get(name, "").strip() or None


def text(name: str, default: str = "") -> str:
    return _raw(name) or default


def choice(name: str, default: str, allowed: Sequence[str]) -> str:
    value = text(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(allowed)}, not {value!r}.")
    return value


def integer(name: str, default: int, *, minimum: int, maximum: int) -> int:
    raw = _raw(name)
    if raw is None:
        return default
    if not (raw.isascii() and raw.removeprefix("-").isdigit()) or not minimum <= int(raw) <= maximum:
        raise ImproperlyConfigured(f"{name} must be an integer from {minimum} to {maximum}, not {raw!r}.")
    return int(raw)


def seconds(name: str, default: float, *, minimum: float, maximum: float) -> float:
    raw = _raw(name)
    if raw is None:
        return default
    try:
        value = float(raw)
    except ValueError:
        value = float("nan")
    if not minimum <= value <= maximum:
        raise ImproperlyConfigured(f"{name} must be seconds from {minimum} to {maximum}, not {raw!r}.")
    return value


def boolean(name: str, default: bool) -> bool:
    raw = _raw(name)
    if raw is None:
        return default
    if raw.lower() in ("1", "true", "yes", "on"):
        return True
    if raw.lower() in ("0", "false", "no", "off"):
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0 (true, false, yes, no, on, off), not {raw!r}.")


def listing(name: str, default: Sequence[str] = ()) -> list[str]:
    """A list separated by commas; blanks around its parts do not count."""
    raw = _raw(name)
    if raw is None:
        return list(default)
    return [part.strip() for part in raw.split(",") if part.strip()]


def url(name: str, default: str, *, schemes: Sequence[str]) -> str:
    value = text(name, default)
    scheme = urlsplit(value).scheme
    if scheme not in schemes:
        known = ", ".join(f"{scheme}://" for scheme in schemes)
        # The value may hold a password, so only its scheme is repeated.
        raise ImproperlyConfigured(f"{name} must start with one of {known}; it starts with {scheme!r}.")
    return value


def path(name: str, default: Path) -> Path:
    raw = _raw(name)
    return Path(raw).expanduser().resolve() if raw else default


def secret(name: str) -> str | None:
    """``NAME``, or the first line of the file that ``NAME_FILE`` names; a named file must be readable."""
    direct, file_name = _raw(name), _raw(f"{name}_FILE")
    if direct and file_name:
        raise ImproperlyConfigured(f"Set {name} or {name}_FILE, not both.")
    if file_name is None:
        return direct
    try:
        return Path(file_name).read_text(encoding="utf-8").strip() or None
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE cannot be read: {error.strerror}.") from error
