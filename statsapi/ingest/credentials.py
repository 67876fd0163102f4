"""Who sends: the public key of a DSN, from exactly one place (docs/contract.md#credentials).

`credentials_of_request` looks at the HTTP request and answers three ways, as a token reader should: None =
none here; RequestError = here and bad; a value = here and good. `credentials_of_envelope` and `required`
turn the None into the last place to look, or into a 401.

Some SDKs (those for Ruby and PHP among them) send X-Sentry-Auth and also write their DSN into the envelope.
That is one credential said twice, and accepted while both say the same; where they differ it is two.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from projects.selectors import LARGEST_ID
from statsapi.http.errors import RequestError

OLDEST_VERSION, NEWEST_VERSION = 2, 7
MOST_QUERY_FIELDS = 100
"""Of a query string, the service's own fields and those that a page's owner adds."""

_PUBLIC_KEY = re.compile(r"[0-9a-f]{32}")
_NUMBER = re.compile(r"[0-9]{1,6}")
_HEADER_CHARACTERS = 4096  # key, secret, version, client and a timestamp are some 200
_CLIENT_CHARACTERS = 100  # a name and a version; the longest known is 45


@dataclass(frozen=True, slots=True)
class Credentials:
    public_key: str  # 32 lower-case hex digits; whether it exists is the caller's to find out
    version: int
    client: str  # such as sentry.python/2.1.0; "" where the client did not say


@dataclass(frozen=True, slots=True)
class Dsn:
    public_key: str
    project_id: int


def read_project_id(text: str) -> int:
    """The project id of the URL path; 400 where it is not a number, 403 where no project can have it."""
    if not (text.isascii() and text.isdigit()):
        raise RequestError(400, "bad project path parameter", ["the project id must be a number"])
    number = int(text) if len(text) <= 19 else LARGEST_ID + 1
    if number > LARGEST_ID:
        raise rejected()
    return number


def rejected() -> RequestError:
    """Unknown project, unknown key, another project's key, disabled key: one answer for all of them."""
    return RequestError(403, "event submission rejected with_reason: ProjectId")


def credentials_of_request(sentry_auth: str | None, authorization: str | None, query: str) -> Credentials | None:
    """Those of the request: its headers X-Sentry-Auth and Authorization, and its raw query string."""
    found: list[dict[str, str]] = []
    if sentry_auth is not None:
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
    """Those found in the request, or those of the envelope's `dsn` header, which must name this project."""
    if dsn is None:
        return required(found)
    said = parse_dsn(dsn)
    if found is None:
        if said.project_id != project_id:
            raise rejected()
        return Credentials(said.public_key, NEWEST_VERSION, "")
    if (said.public_key, said.project_id) != (found.public_key, project_id):
        raise _multiple()
    return found


def required(found: Credentials | None) -> Credentials:
    if found is None:
        raise RequestError(401, "missing authorization information")
    return found


def parse_dsn(text: str) -> Dsn:
    """`https://<public key>[:<secret>]@<host>[/<path>]/<project id>`; 401 where it is none."""
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
    for part in filter(None, map(str.strip, rest.split(","))):
        name, equals, value = part.partition("=")
        if not equals or name in fields:
            raise _unparsable()
        fields[name] = value
    return fields


def _fields_of_query(query: str) -> list[dict[str, str]]:
    """One set of fields for each `sentry_key`: a repeated key is a second credential."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=MOST_QUERY_FIELDS)
    except ValueError:
        raise _unparsable() from None
    fields = {name: value for name, value in pairs if name.startswith("sentry_")}
    return [fields] * sum(name == "sentry_key" for name, _ in pairs)


def _credentials(fields: dict[str, str]) -> Credentials:
    key, version = fields.get("sentry_key", ""), fields.get("sentry_version", str(NEWEST_VERSION))
    if not key or not _NUMBER.fullmatch(version):
        raise _unparsable()
    if not OLDEST_VERSION <= int(version) <= NEWEST_VERSION:
        raise RequestError(400, f"unsupported protocol version ({int(version)})")
    client = fields.get("sentry_client", "")
    return Credentials(
        public_key=_public_key(key),
        version=int(version),
        client=client[:_CLIENT_CHARACTERS] if client.isprintable() else "",
    )


def _public_key(text: str) -> str:
    """A key that is not 32 hex digits cannot exist: it is refused as an unknown one, before any look-up."""
    key = text.lower()
    if not _PUBLIC_KEY.fullmatch(key):
        raise rejected()
    return key


def _unparsable() -> RequestError:
    return RequestError(401, "bad x-sentry-auth header")


def _multiple() -> RequestError:
    return RequestError(401, "multiple authorization payloads detected")
