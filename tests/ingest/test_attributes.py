from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statsapi.ingest.attributes import (
    LONGEST_RELEASE,
    LONGEST_TEXT,
    MOST_EXCEPTIONS,
    EventAttributes,
    event_attributes,
    read_event,
)

pytestmark = pytest.mark.once

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"


def attributes(event: object, client_ip: str = "", user_agent: str = "") -> EventAttributes:
    return event_attributes(read_event(json.dumps(event).encode()), client_ip=client_ip, user_agent=user_agent)


def frame(path: str, key: str = "abs_path") -> dict[str, str]:
    return {key: path}


def exception(*frames: object, **fields: Any) -> dict[str, Any]:
    return {"stacktrace": {"frames": list(frames)}, **fields}


def test_a_usual_event_gives_every_fact() -> None:
    event = {
        "release": "web@1.2.3",
        "environment": "production",
        "user": {"ip_address": "10.0.0.7"},
        "request": {
            "url": "https://example.com/a",
            "headers": {"User-Agent": CHROME, "Host": "a:1", "X-Forwarded-Host": "b"},
        },
        "exception": {"values": [exception(frame("/a.js"), frame("/b.js"), type="Error", value="boom")]},
        "logentry": {"message": "it is %s", "formatted": "it is broken"},
    }
    assert attributes(event, "192.0.2.1", "sentry.python/2.1") == EventAttributes(
        client_ip="192.0.2.1",
        user_ip="10.0.0.7",
        user_agent=CHROME,
        page_url="https://example.com/a",
        hosts=("a:1", "b"),
        release="web@1.2.3",
        messages=("it is broken", "Error: boom"),
        exception_value="boom",
        source="/b.js",
        environment="production",
    )


def test_the_old_names_of_interfaces_are_read() -> None:
    event = {
        "sentry.interfaces.Http": {"url": "http://localhost/", "headers": [["user-agent", "x"]]},
        "sentry.interfaces.User": {"ip_address": "::1"},
        "sentry.interfaces.Exception": [exception(frame("a.py", "filename"), type="E", value="v")],
        "sentry.interfaces.Message": {"message": "m"},
    }
    found = attributes(event)
    assert (found.page_url, found.user_agent, found.user_ip) == ("http://localhost/", "x", "::1")
    assert (found.messages, found.source) == (("m", "E: v"), "a.py")


@pytest.mark.parametrize(
    ("interface", "messages"),
    [
        ({"values": [{"type": "A", "value": "a"}, {"type": "B", "value": "b"}]}, ("A: a", "B: b")),
        ([{"type": "A", "value": "a"}], ("A: a",)),
        ({"type": "A", "value": "a"}, ("A: a",)),
        ({"values": [{"type": "A"}, {"value": "a"}, {}, None, 1]}, ("A", "a")),
        ({"values": [{"type": "A", "value": {"b": 1}}, {"type": 1, "value": 2}]}, ('A: {"b":1}', "2")),
        ({"values": {"type": "A"}}, ()),
        ({"values": None}, ()),
        ("A", ()),
    ],
)
def test_an_exception_may_come_in_many_shapes(interface: object, messages: tuple[str, ...]) -> None:
    assert attributes({"exception": interface}).messages == messages


@pytest.mark.parametrize("message", ["m", {"message": "m"}, {"formatted": "m", "message": "%s"}])
def test_a_message_may_come_in_many_shapes(message: object) -> None:
    assert attributes({"message": message}).messages == ("m",)
    assert attributes({"logentry": message}).messages == ("m",)


@pytest.mark.parametrize(
    "headers",
    [
        {"USER-AGENT": "x"},
        [["Accept", "*/*"], ["User-Agent", "x"]],
        {"User-Agent": ["x"]},
        {"a": 1, "user-agent": "x"},
        [["User-Agent", "x"], ["user-agent", "y"]],
    ],
)
def test_headers_may_come_in_many_shapes(headers: object) -> None:
    assert attributes({"request": {"headers": headers}}).user_agent == "x"


def test_a_header_that_was_sent_more_than_once_is_one_text() -> None:
    assert attributes({"request": {"headers": {"User-Agent": ["x", "y"]}}}).user_agent == "x,y"


def test_of_several_messages_the_newest_interface_counts() -> None:
    event: dict[str, object] = {"message": "old", "sentry.interfaces.Message": {"message": "older"}}
    assert attributes(event).messages == ("older",)
    assert attributes({**event, "logentry": {"message": "new"}}).messages == ("new",)
    assert attributes({**event, "logentry": None}).messages == ("older",)


@pytest.mark.parametrize("interface", ["logentry", "sentry.interfaces.Message", "message"])
def test_params_are_filled_into_a_message(interface: str) -> None:
    entry = {"message": "connection to %s lost", "params": ["db-7"]}
    assert attributes({interface: entry}).messages == ("connection to db-7 lost",)


def test_the_raising_file_is_the_innermost_that_has_a_name() -> None:
    nameless = [frame("<anonymous>"), frame("[native code]", "filename")]
    assert attributes({"exception": exception(frame("a"), frame("b"), *nameless)}).source == "b"
    assert attributes({"exception": exception(*nameless)}).source == ""


@pytest.mark.parametrize("without_a_file", [{}, None, frame(""), {"abs_path": 1}, {"function": "f"}])
def test_an_innermost_frame_without_a_file_hides_the_others(without_a_file: object) -> None:
    assert attributes({"exception": exception(frame("a"), without_a_file)}).source == ""


def test_the_first_exception_is_the_one_that_counts() -> None:
    first, second = exception(frame("/a.js"), value="a"), exception(frame("/b.js"), value="b")
    found = attributes({"exception": {"values": [first, second]}})
    assert (found.source, found.exception_value) == ("/a.js", "a")


@pytest.mark.parametrize("name", ["stacktrace", "sentry.interfaces.Stacktrace"])
def test_the_stack_of_an_event_belongs_to_its_only_exception(name: str) -> None:
    stack = {"frames": [frame("/a.js")]}
    one = {"type": "E"}
    assert attributes({name: stack, "exception": [one]}).source == "/a.js"
    assert attributes({name: stack, "exception": [one, one]}).source == ""
    assert attributes({name: stack}).source == ""
    assert attributes({name: stack, "exception": exception(frame("/b.js"))}).source == "/b.js"


def test_a_browser_is_believed_of_the_request_and_an_sdk_is_not() -> None:
    assert attributes({}, user_agent=CHROME).user_agent == CHROME
    assert attributes({}, user_agent="Opera/9.80").user_agent == "Opera/9.80"
    assert attributes({}, user_agent="sentry.python/2.1").user_agent == ""


def test_the_user_whose_address_is_to_be_found_has_the_clients() -> None:
    assert attributes({"user": {"ip_address": "{{auto}}"}}, client_ip="192.0.2.1").user_ip == "192.0.2.1"


def test_the_users_address_may_be_that_of_the_request() -> None:
    request = {"env": {"REMOTE_ADDR": "127.0.0.1"}}
    assert attributes({"request": request}).user_ip == "127.0.0.1"
    assert attributes({"request": request, "user": {"ip_address": "192.0.2.1"}}).user_ip == "192.0.2.1"


def test_an_event_made_to_be_expensive_is_bounded() -> None:
    found = attributes({"exception": [{"value": "x" * 100_000}] * 1000})
    assert len(found.messages) == MOST_EXCEPTIONS
    assert len(found.messages[0]) == LONGEST_TEXT


@pytest.mark.parametrize("payload", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000, b'{"a":' * 100_000])
def test_a_payload_that_is_no_event_is_an_empty_one(payload: bytes) -> None:
    assert read_event(payload) == {}


KEYS = st.sampled_from(
    ["request", "headers", "url", "user", "ip_address", "exception", "values", "type", "value", "stacktrace", "frames"]
    + [
        "abs_path",
        "filename",
        "message",
        "params",
        "%s",
        "{}",
        "formatted",
        "logentry",
        "release",
        "environment",
        "user-agent",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20) | KEYS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=25,
)


@given(JSON)
def test_any_json_gives_facts(event: object) -> None:
    found = attributes(event)
    assert all(isinstance(text, str) and text for text in found.messages)
    assert isinstance(found.source, str)


def test_of_an_event_of_a_hundred_thousand_parts_no_more_is_looked_at_than_sdks_send() -> None:
    """The event itself is parsed before, which its size bounds (docs/reliability.md#work-before-limits)."""
    nameless = {"exception": [exception(frame("/a.js"), *[frame("<anonymous>")] * 6000)] * 50}
    headers = {str(number): "x" for number in range(70_000)}
    event = {**nameless, "request": {"headers": headers, "url": "a" * 10**6}, "release": "1" * 10**6}
    began = time.thread_time()
    found = event_attributes(event, client_ip="", user_agent="")
    assert time.thread_time() - began < 0.05
    assert found.source == ""
    assert (len(found.page_url), len(found.release)) == (LONGEST_TEXT, LONGEST_RELEASE)
