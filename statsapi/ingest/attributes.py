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

# Far more than SDKs send. These bounds keep an event that was made to be expensive as cheap as others.
MOST_EXCEPTIONS = 50
MOST_FRAMES = 250
MOST_HEADERS = 200
LONGEST_TEXT = 8192
LONGEST_RELEASE = 250  # what Sentry takes

_NAMELESS_FRAMES = frozenset({"", "<anonymous>", "[native code]", "native"})
_BROWSERS = ("Mozilla/", "Opera/")


@dataclass(frozen=True, slots=True)
class EventAttributes:
    """What the filters look at. "" and () mean that the event does not say."""

    client_ip: str = ""  # of the request
    user_ip: str = ""  # of the user, as the event says
    user_agent: str = ""  # of the browser or crawler that was served, not of an SDK's own HTTP client
    page_url: str = ""
    release: str = ""
    messages: tuple[str, ...] = ()  # the log message, and "type: value" of each exception
    sources: tuple[str, ...] = ()  # the file of the code that raised each exception
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
    exceptions = _exceptions(event)
    return EventAttributes(
        client_ip=client_ip,
        user_ip=_user_ip(event, client_ip),
        user_agent=_header(request.get("headers"), "user-agent")
        or (user_agent if user_agent.startswith(_BROWSERS) else ""),
        page_url=as_text(request.get("url"))[:LONGEST_TEXT],
        release=event_release(event),
        messages=tuple(text[:LONGEST_TEXT] for text in _messages(event, exceptions) if text),
        sources=tuple(source[:LONGEST_TEXT] for source in map(_source, exceptions) if source),
        environment=environment_name(event.get("environment")),
    )


def event_release(event: Mapping[str, object]) -> str:
    """Return the release of a parsed event or transaction, or ""."""
    return as_text(event.get("release"))[:LONGEST_RELEASE]


def _user_ip(event: Mapping[str, object], client_ip: str) -> str:
    user = as_mapping(event.get("user") or event.get("sentry.interfaces.User"))
    address = as_text(user.get("ip_address"))[:LONGEST_TEXT]
    return client_ip if address == "{{auto}}" else address


def _header(headers: object, name: str) -> str:
    """Return a header of an object or of a list of pairs, or "". If a value is a list, its first entry counts."""
    pairs: list[object]
    if isinstance(headers, dict):
        pairs = [[key, value] for key, value in islice(headers.items(), MOST_HEADERS)]
    else:
        pairs = as_list(headers)[:MOST_HEADERS]
    for pair in pairs:
        if isinstance(pair, list) and len(pair) == 2 and as_text(pair[0]).lower() == name:
            value = pair[1]
            return as_text(value[0] if isinstance(value, list) and value else value)
    return ""


def _exceptions(event: Mapping[str, object]) -> list[Mapping[str, object]]:
    """Return the exceptions, which are an object with `values`, a bare list, or one exception by itself."""
    interface = event.get("exception") or event.get("sentry.interfaces.Exception")
    if isinstance(interface, dict) and "values" not in interface:
        return [interface]
    values = as_list(interface["values"] if isinstance(interface, dict) else interface)
    return [as_mapping(value) for value in values[:MOST_EXCEPTIONS]]


def _messages(event: Mapping[str, object], exceptions: list[Mapping[str, object]]) -> list[str]:
    messages = []
    for interface in (event.get("logentry"), event.get("sentry.interfaces.Message"), event.get("message")):
        if isinstance(interface, str):
            messages.append(interface)
        else:
            entry = as_mapping(interface)
            messages.append(as_text(entry.get("formatted")) or as_text(entry.get("message")))
    for exception in exceptions:
        kind, value = as_text(exception.get("type")), as_text(exception.get("value"))
        messages.append(f"{kind}: {value}" if kind and value else kind or value)
    return messages


def _source(exception: Mapping[str, object]) -> str:
    """Return the file of the innermost frame that has one, or "". Frames are listed with the innermost last."""
    frames = as_list(as_mapping(exception.get("stacktrace")).get("frames"))
    for frame in reversed(frames[-MOST_FRAMES:]):
        fields = as_mapping(frame)
        path = as_text(fields.get("abs_path")) or as_text(fields.get("filename"))
        if path not in _NAMELESS_FRAMES:
            return path
    return ""
