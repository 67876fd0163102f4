"""The attributes that the inbound filters look at, read from payloads of any form.

Payloads come from twenty years of SDKs. Every field may be missing, null, of another type, or under the older name of
its interface. Nothing here raises: a field of a wrong type counts as missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from projects.environment_names import environment_name
from statsapi.http.foreign_json import Buffer, as_list, as_mapping, as_text, parse_object
from statsapi.ingest.messages import lenient_text, message_of

# Far more than SDKs send. These bounds keep an event that was made to be expensive as cheap as others.
MOST_EXCEPTIONS = 50
MOST_FRAMES = 250
MOST_HEADERS = 200
LONGEST_TEXT = 8192
LONGEST_RELEASE = 250  # what Sentry takes

_NAMELESS_FRAMES = frozenset({"<anonymous>", "[native code]"})
_BROWSERS = ("Mozilla/", "Opera/")
_HEADERS = frozenset({"user-agent", "host", "x-forwarded-host"})


@dataclass(frozen=True, slots=True)
class EventAttributes:
    """What the filters look at. "" and () mean that the event does not say."""

    client_ip: str = ""  # of the request
    user_ip: str = ""  # of the user, as the event says
    user_agent: str = ""  # of the browser or crawler that was served, not of an SDK's own HTTP client
    page_url: str = ""
    hosts: tuple[str, ...] = ()  # that the page was asked for, as its request says: Host and X-Forwarded-Host
    release: str = ""
    messages: tuple[str, ...] = ()  # the log message, and "type: value" of each exception
    exception_value: str = ""  # of the first exception, which is the one that caused the others
    source: str = ""  # the file of the code that raised it
    csp_sources: tuple[str, ...] = ()  # of a CSP report: what was blocked, and the file that loads it
    environment: str | None = None


def read_event(payload: Buffer) -> Mapping[str, object]:
    """Return the event, or an empty one if the payload is not a JSON object."""
    try:
        return parse_object(payload)
    except ValueError:
        return {}


def event_attributes(event: Mapping[str, object], *, client_ip: str, user_agent: str) -> EventAttributes:
    """Return the attributes of a parsed event, sent by the address `client_ip` with the header User-Agent `user_agent`.

    An SDK in a browser sends from the browser itself, so that header is used if the event has no User-Agent. An SDK in
    a server sends with an HTTP client of its own, which no filter should take for the visitor.
    """
    request = as_mapping(event.get("request") or event.get("sentry.interfaces.Http"))
    headers = _headers(request.get("headers"))
    exceptions = _exceptions(event)
    first = exceptions[0] if exceptions else {}
    return EventAttributes(
        client_ip=client_ip,
        user_ip=_user_ip(event, request, client_ip),
        user_agent=headers.get("user-agent") or (user_agent if user_agent.startswith(_BROWSERS) else ""),
        page_url=as_text(request.get("url"))[:LONGEST_TEXT],
        hosts=tuple(headers[name] for name in ("host", "x-forwarded-host") if name in headers),
        release=event_release(event),
        messages=tuple(text for text in _messages(event, exceptions) if text),
        exception_value=_value(first),
        source=_source(_stacktrace(event, first, alone=len(exceptions) == 1))[:LONGEST_TEXT],
        environment=environment_name(event.get("environment")),
    )


def event_release(event: Mapping[str, object]) -> str:
    """Return the release of a parsed event or transaction, or ""."""
    return as_text(event.get("release"))[:LONGEST_RELEASE]


def _user_ip(event: Mapping[str, object], request: Mapping[str, object], client_ip: str) -> str:
    user = as_mapping(event.get("user") or event.get("sentry.interfaces.User"))
    address = as_text(user.get("ip_address")) or as_text(as_mapping(request.get("env")).get("REMOTE_ADDR"))
    return client_ip if address == "{{auto}}" else address[:LONGEST_TEXT]


def _headers(headers: object) -> dict[str, str]:
    """Return the headers of an object or of a list of pairs, by name in lower case. The first of a name counts."""
    pairs: list[object]
    if isinstance(headers, dict):
        pairs = [[key, value] for key, value in islice(headers.items(), MOST_HEADERS)]
    else:
        pairs = as_list(headers)[:MOST_HEADERS]
    found: dict[str, str] = {}
    for pair in pairs:
        if isinstance(pair, list) and len(pair) == 2:
            name, value = as_text(pair[0]).lower(), pair[1]
            if name in _HEADERS and name not in found:
                texts = [value] if isinstance(value, str) else as_list(value)[:MOST_HEADERS]
                found[name] = ",".join(map(as_text, texts))[:LONGEST_TEXT]
    return found


def _exceptions(event: Mapping[str, object]) -> list[Mapping[str, object]]:
    """Return the exceptions, which are an object with `values`, a bare list, or one exception by itself."""
    interface = event.get("exception") or event.get("sentry.interfaces.Exception")
    if isinstance(interface, dict) and "values" not in interface:
        return [interface]
    values = as_list(interface["values"] if isinstance(interface, dict) else interface)
    return [as_mapping(value) for value in values[:MOST_EXCEPTIONS]]


def _messages(event: Mapping[str, object], exceptions: list[Mapping[str, object]]) -> list[str]:
    """Return the log message with its params, and "type: value" of each exception."""
    entry = event.get("logentry") or event.get("sentry.interfaces.Message") or event.get("message")
    messages = [message_of(entry)]
    for exception in exceptions:
        kind, value = as_text(exception.get("type"))[:LONGEST_TEXT], _value(exception)
        messages.append(f"{kind}: {value}"[:LONGEST_TEXT] if kind and value else kind or value)
    return messages


def _value(exception: Mapping[str, object]) -> str:
    value = exception.get("value")
    return "" if value is None else lenient_text(value)[:LONGEST_TEXT]


def _stacktrace(event: Mapping[str, object], exception: Mapping[str, object], *, alone: bool) -> object:
    """Return the stack trace of the exception. That of the event belongs to its only exception."""
    stacktrace = exception.get("stacktrace")
    if stacktrace or not alone:
        return stacktrace
    return event.get("stacktrace") or event.get("sentry.interfaces.Stacktrace")


def _source(stacktrace: object) -> str:
    """Return the file of the innermost frame that is not anonymous, or "". The innermost frame is the last."""
    for frame in reversed(as_list(as_mapping(stacktrace).get("frames"))[-MOST_FRAMES:]):
        fields = as_mapping(frame)
        path = as_text(fields.get("abs_path")) or as_text(fields.get("filename"))
        if path not in _NAMELESS_FRAMES:
            return path
    return ""
