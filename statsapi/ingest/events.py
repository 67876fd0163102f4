"""An error event inside an envelope: its id and its environment, with as little reading as that takes."""

from __future__ import annotations

from projects.environment_names import environment_name
from statsapi.http.foreign_json import Buffer
from statsapi.ingest.attributes import read_event
from statsapi.ingest.envelope import EnvelopeHeader
from statsapi.ingest.event_ids import read_event_id


def event_id(header: EnvelopeHeader, payload: Buffer) -> str | None:
    """The header's, which wins; the payload is read only where the header has none. None: neither has one."""
    return header.event_id or read_event_id(read_event(payload))


def event_environment(header: EnvelopeHeader, payload: Buffer, public_key: str) -> str | None:
    """The environment that the event happened in; None where it says none.

    The payload says it, and the payload is what costs: 2 µs for 1 KB, 2.5 ms for 600 KB. The header's
    `trace` object says it for nothing, but says where the *trace* began: a request that a web page started
    carries the page's environment into the events of the server behind it. So the header is believed only
    where the trace began under the same key, and else the payload is read.

    Known wrongness: where two environments share a key and call one another, or an event was given another
    environment than its SDK, the event is counted under the environment in which the trace began.
    """
    if header.trace_key == public_key:
        environment = environment_name(header.trace_environment)
        if environment is not None:
            return environment
    return environment_name(read_event(payload).get("environment"))
