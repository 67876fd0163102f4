"""Content types that cannot be parsed: an event with one is counted all the same, and no page answers with an error."""

from __future__ import annotations

from http.client import HTTPConnection

import pytest

from tests.clients.live import IntakeService, event

pytestmark = pytest.mark.once

UNREADABLE = [
    "a/b; charset*=nope''%ff",
    "a/b; charset*=hex''%ff",
    "a/b; boundary*0=B; boundary*=x'y'%ff",
    "a/b; x*=u''a; x*=u''b",
    f"a/b; x*{'9' * 5000}=b",
    "\xff/\xfe; charset=\xff",
    "multipart/form-data; charset*=nope''%ff",
]


@pytest.mark.parametrize("content_type", UNREADABLE)
def test_an_event_is_counted_whatever_its_content_type_says(service: IntakeService, content_type: str) -> None:
    sender = service.new_sender()
    assert service.send(sender, event(), content_type=content_type).status == 200
    assert service.stat(sender) == 1


@pytest.mark.parametrize("path", ["/readyz", "/api/0/", "/admin/login/", "/nowhere/"])
@pytest.mark.parametrize("content_type", UNREADABLE)
def test_no_address_answers_with_an_error(service: IntakeService, path: str, content_type: str) -> None:
    assert ask(service, "GET", path, content_type) in (200, 404)


@pytest.mark.parametrize("charset", ["rot13", "hex", "base64", "zlib", "undefined", "idna", "nope"])
@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=B", "application/x-www-form-urlencoded"])
def test_a_form_in_a_charset_that_is_none_is_refused_as_any_other_without_a_token(
    service: IntakeService, kind: str, charset: str
) -> None:
    form = b'--B\r\nContent-Disposition: form-data; name="username"\r\n\r\n\xff.\r\n--B--\r\n'
    assert ask(service, "POST", "/admin/login/", f"{kind}; charset={charset}", form) == 403


def ask(service: IntakeService, method: str, path: str, content_type: str, body: bytes = b"") -> int:
    connection = HTTPConnection("127.0.0.1", service.port, timeout=20)
    try:
        connection.request(method, path, body, {"Content-Type": content_type, "Cookie": f"csrftoken={'a' * 32}"})
        return connection.getresponse().status
    finally:
        connection.close()
