"""The credentials of a sender: the public key of a DSN, from exactly one place (docs/contract.md#credentials).

`credentials_of_request` looks at the HTTP request. It returns None if there are none, raises RequestError if they are
bad, and returns them if they are good. `credentials_of_envelope` then looks into the envelope, `credentials_of_path`
into the path, and `required` raises 401 for None.

Some SDKs, those for Ruby and PHP among them, send X-Sentry-Auth and write their DSN into the envelope too. That counts
as one place if both say the same, and as two places if not.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from projects.selectors import LARGEST_ID
from statsapi.http.errors import RequestError

OLDEST_VERSION, NEWEST_VERSION = 2, 7
MOST_QUERY_FIELDS = 100
"""The most fields of a query string. One with more cannot be read."""

NO_PROJECT = 0
"""An id that no project has."""

UNKNOWN_KEY = "unknown key: no project here has it, copy the DSN from the page of its project"

_PUBLIC_KEY = re.compile(r"[0-9a-f]{32}")
_VERSION = re.compile(r"([0-9]{1,6})(?:\..*)?")
_READ = frozenset({"sentry_key", "sentry_version"})  # what decides, and so may stand there only once
_HEADER_CHARACTERS = 4096  # key, secret, version, client and a timestamp take some 200
_CLIENT_CHARACTERS = 100  # a name and a version; the longest known one has 45


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a sender says of itself. Nothing here looks whether the key exists."""

    public_key: str  # 32 lower-case hex digits
    version: int
    client: str  # such as sentry.python/2.1.0, or ""


@dataclass(frozen=True, slots=True)
class Dsn:
    """The parts of a DSN that count: the host is not compared."""

    public_key: str
    project_id: int


def read_project_id(text: str) -> int:
    """Return the project id of the URL path.

    Raises RequestError 400 if it is no number. A number that no project can have is NO_PROJECT.
    """
    if not (text.isascii() and text.isdigit()):
        raise RequestError(400, "bad project path parameter", ["the project id must be a number"])
    number = int(text) if len(text) <= 19 else NO_PROJECT
    return number if number <= LARGEST_ID else NO_PROJECT


def rejected(cause: str) -> RequestError:
    """Return the error for whoever may not send. SDKs know its text; the cause is for people."""
    return RequestError(403, "event submission rejected with_reason: ProjectId", [cause])


def credentials_of_request(sentry_auth: str | None, authorization: str | None, query: str) -> Credentials | None:
    """Return the credentials in the headers X-Sentry-Auth and Authorization or in the raw query string, or None.

    Raises RequestError 401 if they are bad or in two places, 400 for an unsupported version, 403 for an impossible key.
    """
    found: list[dict[str, str]] = []
    if sentry_auth is not None and sentry_auth.strip():
        found.append(_fields_of_header(sentry_auth))
    if authorization is not None and authorization.partition(" ")[0].lower() == "sentry":
        found.append(_fields_of_header(authorization))
    if "sentry" in query:
        found.extend(_fields_of_query(query))
    if not found:
        return None
    if len(found) > 1:
        raise _multiple()
    return _credentials(found[0])


def credentials_of_envelope(found: Credentials | None, dsn: str | None, project_id: int) -> Credentials:
    """Return the credentials found in the request, or else those of the envelope's `dsn`, which must name this project.

    Raises RequestError 401 if there are none, or if the two differ, and 403 for another project.
    """
    if dsn is None:
        return required(found)
    said = parse_dsn(dsn)
    if found is None:
        if said.project_id != project_id:
            raise rejected("the dsn in the envelope names another project than the address")
        return Credentials(said.public_key, NEWEST_VERSION, "")
    if (said.public_key, said.project_id) != (found.public_key, project_id):
        raise _multiple()
    return found


def credentials_of_path(found: Credentials | None, public_key: str) -> Credentials:
    """Return the credentials of an address that holds the key.

    Raises RequestError 401 if the request says another one, and 403 for an impossible key.
    """
    said = _public_key(public_key)
    if found is not None and found.public_key != said:
        raise _multiple()
    return found or Credentials(said, NEWEST_VERSION, "")


def required(found: Credentials | None) -> Credentials:
    """Return the credentials. Raises RequestError 401 if there are none."""
    if found is None:
        raise RequestError(401, "missing authorization information")
    return found


def parse_dsn(text: str) -> Dsn:
    """Return the parts of `https://<public key>[:<secret>]@<host>[/<path>]/<project id>`. Raises RequestError 401."""
    try:
        url = urlsplit(text)
        key, project = url.username or "", url.path.rstrip("/").rpartition("/")[2]
    except ValueError:
        raise _unparsable() from None
    if url.scheme not in {"http", "https"} or not key or not (project.isascii() and project.isdigit()):
        raise _unparsable()
    return Dsn(_public_key(key), read_project_id(project))


def _fields_of_header(header: str) -> dict[str, str]:
    if len(header) > _HEADER_CHARACTERS:
        raise _unparsable()
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() != "sentry":
        raise _unparsable()
    fields: dict[str, str] = {}
    last = ""
    for part in filter(None, map(str.strip, rest.split(","))):
        name, equals, value = map(str.strip, part.partition("="))
        if name.lower().startswith("sentry "):  # the header was sent twice, or in it another one
            raise _multiple()
        if equals:
            if name in _READ and name in fields:
                raise _unparsable()
            fields[name] = value
            last = name
        elif last:  # a comma within a value, such as a client that names two packages
            fields[last] += f", {part}"
        else:
            raise _unparsable()
    return fields


def _fields_of_query(query: str) -> list[dict[str, str]]:
    """Return one set of fields for each `sentry_key`, because a repeated key is a second credential."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=MOST_QUERY_FIELDS)
    except ValueError:
        raise _unparsable() from None
    names = Counter(name for name, _ in pairs)
    if names["sentry_key"] and names["sentry_version"] > 1:
        raise _unparsable()
    fields = {name: value for name, value in pairs if name.startswith("sentry_")}
    return [fields] * names["sentry_key"]


def _credentials(fields: dict[str, str]) -> Credentials:
    key, version = fields.get("sentry_key", ""), fields.get("sentry_version", str(NEWEST_VERSION))
    number = _VERSION.fullmatch(version)
    if not key or not number:
        raise _unparsable()
    major = int(number[1])  # the oldest SDKs send 2.0
    if not OLDEST_VERSION <= major <= NEWEST_VERSION:
        raise RequestError(400, f"unsupported protocol version ({major})")
    client = fields.get("sentry_client", "")
    return Credentials(
        public_key=_public_key(key),
        version=major,
        client=client[:_CLIENT_CHARACTERS] if client.isprintable() else "",
    )


def _public_key(text: str) -> str:
    """Return the key. One that is not 32 hex digits cannot exist, and is refused as unknown without a look-up."""
    key = text.lower()
    if not _PUBLIC_KEY.fullmatch(key):
        raise rejected(UNKNOWN_KEY)
    return key


def _unparsable() -> RequestError:
    return RequestError(401, "bad x-sentry-auth header")


def _multiple() -> RequestError:
    return RequestError(401, "multiple authorization payloads detected")
