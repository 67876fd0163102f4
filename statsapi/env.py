"""Typed readers of environment variables.

Each reader takes the name of a variable. It raises ImproperlyConfigured, with the name in the message, if it does not
understand the value. An empty variable counts as unset. The names are kept in NAMES, so that a test can compare them
with the table of docs/settings.md.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from email.utils import parseaddr
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email
from redis.connection import parse_url

DEFAULT_PORT = 8000

NAMES: list[str] = []
"""Every variable that was read, in the order of reading."""


def _raw(name: str) -> str | None:
    if name not in NAMES:
        NAMES.append(name)
    return os.environ.get(name, "").strip() or None


def text(name: str, default: str = "") -> str:
    """Return the value as it is, without surrounding blanks."""
    return _raw(name) or default


def choice(name: str, default: str, allowed: Sequence[str]) -> str:
    """Return the value if it is one of the allowed ones."""
    value = text(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(allowed)}, not {value!r}.")
    return value


def integer(name: str, default: int, *, minimum: int, maximum: int) -> int:
    """Return an integer in decimal digits, from the minimum to the maximum."""
    raw = _raw(name)
    if raw is None:
        return default
    is_integer = raw.isascii() and raw.removeprefix("-").isdigit() and len(raw) < 20
    if not (is_integer and minimum <= int(raw) <= maximum):
        raise ImproperlyConfigured(f"{name} must be an integer from {minimum} to {maximum}, not {raw!r}.")
    return int(raw)


def seconds(name: str, default: float, *, minimum: float, maximum: float) -> float:
    """Return seconds as a plain decimal number, from the minimum to the maximum."""
    raw = _raw(name)
    if raw is None:
        return default
    is_decimal = raw.isascii() and raw.replace(".", "", 1).isdigit()  # float() takes 1_0, ١٢ and infinity too
    value = float(raw) if is_decimal else float("nan")
    if not minimum <= value <= maximum:
        raise ImproperlyConfigured(f"{name} must be seconds from {minimum} to {maximum}, not {raw!r}.")
    return value


def size(name: str, default: int, *, minimum: int) -> int:
    """Return bytes, written as 1048576, 1024kb, 512mb or 4gb. 0 means no bound, whatever the minimum."""
    raw = _raw(name)
    if raw is None:
        return default
    match = re.fullmatch(r"([0-9]{1,15})(|kb|mb|gb)", raw.lower(), re.ASCII)
    value = int(match[1]) * 1024 ** ("", "kb", "mb", "gb").index(match[2]) if match else -1
    if value != 0 and value < minimum:
        raise ImproperlyConfigured(
            f"{name} must be 0 or at least {minimum // 1024**2}mb, as 512mb or 4gb is, not {raw!r}."
        )
    return value


def boolean(name: str, default: bool) -> bool:
    """Return whether the value is 1, true, yes or on, and not 0, false, no or off, in any case."""
    raw = _raw(name)
    if raw is None:
        return default
    if raw.lower() in ("1", "true", "yes", "on"):
        return True
    if raw.lower() in ("0", "false", "no", "off"):
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0 (true, false, yes, no, on, off), not {raw!r}.")


def listing(name: str, default: Sequence[str] = ()) -> list[str]:
    """Return the parts of a list separated by commas, without blanks around them and without empty parts."""
    raw = _raw(name)
    if raw is None:
        return list(default)
    return [part.strip() for part in raw.split(",") if part.strip()]


def rate(name: str) -> tuple[int, int] | None:
    """Return the two numbers of `<requests>/<seconds>`, both at least 1, or None if the variable is not set."""
    raw = _raw(name)
    if raw is None:
        return None
    match = re.fullmatch(r"([1-9][0-9]{0,8})/([1-9][0-9]{0,4})", raw)
    if match is None:
        raise ImproperlyConfigured(f"{name} must be <requests>/<seconds>, as 100/60 is, not {raw!r}.")
    return int(match[1]), int(match[2])


def url(name: str, default: str, *, schemes: Sequence[str]) -> str:
    """Return a URL with one of the schemes, as it was written but with the scheme in lower case.

    An http or https URL must name a host. A URL of a Redis Cluster may name several, and no database but 0.
    """
    value = text(name, default)
    # The value may hold a password, so a message repeats no more than the scheme.
    try:
        parts = urlsplit(value)
        place = parts.netloc.rpartition("@")[2]
        # A cluster's URL names several hosts.
        is_cluster = parts.scheme.endswith("+cluster")
        hosts = [urlsplit(f"//{host}") for host in (place.split(",") if is_cluster else [place])]
    except ValueError:
        raise ImproperlyConfigured(f"{name} is not a URL.") from None
    if parts.scheme not in schemes:
        known = ", ".join(f"{scheme}://" for scheme in schemes)
        found = f"it starts with {parts.scheme}:" if parts.scheme else "it has no scheme"
        raise ImproperlyConfigured(f"{name} must start with one of {known}; {found}.")
    if (is_cluster or parts.scheme in ("http", "https")) and not all(host.hostname for host in hosts):
        raise ImproperlyConfigured(f"{name} names no host.")
    if is_cluster and parts.path not in ("", "/", "/0"):
        raise ImproperlyConfigured(f"{name}: a Redis Cluster has one database alone, 0.")
    try:
        for host in hosts:
            _ = host.port
    except ValueError:
        raise ImproperlyConfigured(f"{name} names a port that is not a number from 0 to 65535.") from None
    if parts.scheme in ("unix", "redis", "rediss"):
        _check_redis(name, value)
    return parts.scheme + value[len(parts.scheme) :]


def _check_redis(name: str, value: str) -> None:
    """Raise ImproperlyConfigured if the client could not be made from the URL of a Redis."""
    parts = urlsplit(value)
    database = parts.path.strip("/")
    if parts.scheme != "unix" and database and not database.isdecimal():
        raise ImproperlyConfigured(f"{name} names a database that is not a number.")
    try:
        parse_url(value)  # type: ignore[no-untyped-call]
    except ValueError as error:  # it names the option, and no value
        raise ImproperlyConfigured(f"{name}: {error}") from None


class MailServer(NamedTuple):
    """The server that sends mail. Without one the host is empty. Its repr() leaves the password out."""

    host: str
    port: int
    user: str
    password: str
    starts_tls: bool
    is_tls: bool

    def __repr__(self) -> str:
        return f"<MailServer {self.host}:{self.port}>"


def mail(name: str) -> MailServer:
    """Return the server of `smtp://user:password@host:587` or `smtps://user:password@host:465`.

    smtp:// begins in the clear and goes on with TLS (STARTTLS), and not without. It stays in the clear only on this
    machine, or with `?tls=off`, which takes no password.
    """
    raw = _raw(name)
    if raw is None:
        return MailServer("", 0, "", "", False, False)
    # The value may hold a password, so no message repeats a part of it.
    url(name, "", schemes=("smtp", "smtps"))
    parts = urlsplit(raw)
    if not parts.hostname or parts.path not in ("", "/") or parts.fragment or parts.query not in ("", "tls=off"):
        raise ImproperlyConfigured(f"{name} must be smtp://user:password@host:587 or smtps://user:password@host:465.")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(user) != bool(password):
        raise ImproperlyConfigured(f"{name} must give both a user and a password, or neither.")
    is_clear = _is_clear(name, parts, bool(user))
    port = parts.port or (465 if parts.scheme == "smtps" else 25 if is_clear else 587)
    is_tls = parts.scheme == "smtps"
    return MailServer(parts.hostname, port, user, password, not is_tls and not is_clear, is_tls)


def _is_clear(name: str, parts: SplitResult, signs_in: bool) -> bool:
    """Return whether mail goes to the server without encryption. Raises ImproperlyConfigured if it must not."""
    is_off = parts.query == "tls=off"
    if is_off and parts.scheme == "smtps":
        raise ImproperlyConfigured(f"{name} begins with smtps:// and says tls=off: give smtp:// for mail without TLS.")
    is_here = parts.scheme == "smtp" and parts.hostname in ("localhost", "127.0.0.1", "::1")
    if is_off and signs_in and not is_here:
        raise ImproperlyConfigured(f"{name} would send a password in the clear: leave tls=off out.")
    return is_off or is_here


def sender(name: str, *, needed: bool) -> str:
    """Return the address that mail comes from, as `stats@example.com` or `Stats <stats@example.com>`.

    It is needed where mail is sent.
    """
    value = text(name)
    if not value and not needed:
        return ""
    try:
        validate_email(parseaddr(value)[1])
    except ValidationError:
        raise ImproperlyConfigured(
            f"{name} must be an address, as stats@example.com or Stats <stats@example.com> is, not {value!r}."
        ) from None
    return value


def memory() -> int:
    """Return the bytes of memory of this machine, or of this container if it may use less."""
    found = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError, ValueError):  # the file does not exist, or says "max"
        found = min(found, int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    return found


def path(name: str, default: Path) -> Path:
    """Return an absolute path. A leading `~` is the home directory."""
    raw = _raw(name)
    try:
        return Path(raw).expanduser().resolve() if raw else default
    except RuntimeError as error:
        raise ImproperlyConfigured(f"{name} is not a path: {error}") from error


def secret(name: str) -> str | None:
    """Return the value of ``NAME``, or the content of the file that ``NAME_FILE`` names, or None if neither is set.

    The file must be readable, in UTF-8 and not empty. Only one of the two may be set.
    """
    direct, file_name = _raw(name), _raw(f"{name}_FILE")
    if direct and file_name:
        raise ImproperlyConfigured(f"Set {name} or {name}_FILE, not both.")
    if file_name is None:
        return direct
    try:
        content = Path(file_name).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ImproperlyConfigured(f"{name}_FILE is not text in UTF-8.") from error
    if not content:
        raise ImproperlyConfigured(f"{name}_FILE names an empty file.")
    return content
