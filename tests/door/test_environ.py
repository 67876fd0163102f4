"""The WSGI environment of a request (statsapi/door/environ.py)."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest

from statsapi.door.environ import environ_of


def environ(*headers: tuple[bytes, bytes], length: int | None = None, **scope: Any) -> dict[str, Any]:
    asked = {
        "method": "GET",
        "scheme": "http",
        "http_version": "1.1",
        "raw_path": b"/",
        "query_string": b"",
        "server": ("192.0.2.1", "8000"),
        "client": ("192.0.2.7", "4711"),
        "headers": headers,
        **scope,
    }
    return environ_of(asked, io.BytesIO(), length)


def test_a_path_is_decoded_once_and_into_latin_1() -> None:
    found = environ(raw_path=b"/caf%C3%A9/%ff%2F%2541", query_string=b"a=%20b&c")
    assert (found["PATH_INFO"], found["QUERY_STRING"]) == ("/caf\xc3\xa9/\xff/%41", "a=%20b&c")


def test_addresses_and_the_protocol_are_named() -> None:
    found = environ(method="PUT", scheme="https")
    names = ("REQUEST_METHOD", "wsgi.url_scheme", "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "REMOTE_ADDR")
    assert [found[name] for name in names] == ["PUT", "https", "192.0.2.1", "8000", "HTTP/1.1", "192.0.2.7"]
    assert environ(server=None, client=None)["REMOTE_ADDR"] == ""


def test_a_header_that_is_sent_twice_is_joined() -> None:
    found = environ((b"x-a", b"1"), (b"cookie", b"a=1"), (b"x-a", b"2"), (b"cookie", b"b=2"))
    assert (found["HTTP_X_A"], found["HTTP_COOKIE"]) == ("1,2", "a=1;b=2")


def test_a_name_with_an_underscore_does_not_pass_for_one_with_a_hyphen() -> None:
    found = environ((b"x_forwarded_for", b"evil"), (b"x-forwarded-for", b"192.0.2.9"), (b"content_length", b"7"))
    assert found["HTTP_X_FORWARDED_FOR"] == "192.0.2.9"
    assert "CONTENT_LENGTH" not in found


def test_a_value_that_is_not_ascii_is_latin_1() -> None:
    assert environ((b"x-a", b"caf\xe9"))["HTTP_X_A"] == "caf\xe9"


@pytest.mark.parametrize("other", [b"city=M\xc3\xbcnchen", b"city=M\xfcnchen", b"\xff"])
def test_a_cookie_of_another_site_does_not_hide_the_session(other: bytes) -> None:
    for cookies in (other + b"; sessionid=abc", b"sessionid=abc; " + other):
        request = WSGIRequest(environ((b"cookie", cookies)))
        assert request.COOKIES["sessionid"] == "abc"


def test_a_body_has_its_length_and_its_type_and_no_coding_of_the_transfer() -> None:
    found = environ((b"content-type", b"text/plain"), (b"transfer-encoding", b"chunked"), length=5)
    assert (found["CONTENT_LENGTH"], found["CONTENT_TYPE"]) == ("5", "text/plain")
    assert not [name for name in found if "TRANSFER" in name or name.startswith("HTTP_CONTENT")]
