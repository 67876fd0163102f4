"""Minidumps of crash reporters: in a form or alone, with what the form says of the event, and files beside them."""

from __future__ import annotations

import gzip
import json
import random
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projects import services
from projects.models import Project, ProjectFilters, ProjectKey
from statsapi.http.errors import BodyLimit, RequestError
from statsapi.ingest.crash_form import OVERHEAD, QUICK_OVERHEAD, CrashForm, CrashFormParser, event_of
from statsapi.ingest.endpoints import minidump
from statsapi.ingest.endpoints.minidump import STRETCH
from tests.asgi import Client
from tests.ingest.bounds import status_of
from tests.ingest.conftest import Sdk
from tests.ingest.counts import total_of
from tsdb.outcomes import Category, Outcome
from tsdb.store import Store

EVENT_ID = "fc6d8c0c43fc4630ad850ee518f1b9d0"
DUMP = b"MDMP" + random.Random(1).randbytes(100_000) + b"\r\n--B\r\n--"
FORM = "multipart/form-data; boundary=BOUNDARY"
LIMIT = BodyLimit("THE_SETTING", 1000)
Total = Callable[..., int]


def part(name: str, value: bytes, filename: str | None = None) -> bytes:
    file = f'; filename="{filename}"\r\nContent-Type: application/octet-stream' if filename is not None else ""
    return f'--BOUNDARY\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + value + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--BOUNDARY--\r\n"


DUMP_PART = part("upload_file_minidump", DUMP, "crash.dmp")


def parse(body: bytes, size: int = 4096, content_type: str = FORM, limit: BodyLimit = LIMIT) -> CrashForm:
    parser = CrashFormParser(content_type, limit)
    for at in range(0, len(body), size):
        parser.feed(body[at : at + size])
    return parser.end()


def send(sdk: Sdk, body: bytes, content_type: str = FORM, **headers: str) -> Any:
    path = f"/api/{sdk.key.project_id}/minidump/?sentry_key={sdk.key.public}"
    return sdk.http.send(path, body, content_type, **headers)


def test_a_form_with_a_dump_is_one_error_and_answered_with_a_uuid_in_plain_text(sdk: Sdk, total: Total) -> None:
    body = form(part("sentry[event_id]", EVENT_ID.encode()), part("ptype", b"browser"), DUMP_PART)
    for _ in range(2):
        response = send(sdk, body)
        assert (response.status_code, response["Content-Type"]) == (200, "text/plain; charset=utf-8")
        assert response.content.decode() == str(uuid.UUID(EVENT_ID))
    assert total() == 1
    assert uuid.UUID(send(sdk, form(DUMP_PART)).content.decode()).version == 4
    assert total() == 2


@pytest.mark.parametrize("dump", [DUMP, b"PMDM" + bytes(9), gzip.compress(DUMP), b"\x28\xb5\x2f\xfd" + bytes(9)])
def test_the_dump_may_be_the_body_and_compressed(sdk: Sdk, total: Total, dump: bytes) -> None:
    assert send(sdk, dump, "application/octet-stream").status_code == 200
    assert send(sdk, gzip.compress(dump), "application/x-dmp", content_encoding="gzip").status_code == 200
    assert send(sdk, form(part("upload_file_minidump", dump))).status_code == 200
    assert total() == 3


def test_the_dump_may_be_in_a_form_within_the_form(sdk: Sdk, total: Total) -> None:
    inner = form(DUMP_PART).replace(b"BOUNDARY", b"INNER")
    assert send(sdk, form(part("upload_file_minidump", inner, "dump"))).status_code == 200
    assert total() == 1


def test_other_files_are_attachments_by_bytes_and_pieces(sdk: Sdk, store: Store, project: Project) -> None:
    log = bytes(200_000)
    files = [part("log", log, "app.log"), part("view", b"12345", "view.json"), part("upload_file_minidump", b"x", "y")]
    assert send(sdk, form(DUMP_PART, *files, part("annotation", b"not a file"))).status_code == 200
    assert total_of(store, project, Category.ATTACHMENT, Outcome.ACCEPTED) == 200_006
    assert total_of(store, project, Category.ATTACHMENT_ITEM, Outcome.ACCEPTED) == 3
    assert total_of(store, project, Category.ERROR, Outcome.ACCEPTED) == 1


def test_what_the_form_says_of_the_event_is_filtered_and_has_its_environment(
    sdk: Sdk, project: Project, total: Total, store: Store
) -> None:
    services.save_intake(project, ProjectFilters(project=project, release_versions="1.*"))
    said = json.dumps({"release": "2.0", "environment": "live"}).encode()
    file = part("log", b"12345", "app.log")
    for fields in (
        [part("sentry[release]", b"1.4")],
        [part("sentry", b'{"release": "1.5"}')],
        [part("sentry__2", b'se": "1.6"}'), part("sentry__1", b'{"relea')],
    ):
        assert send(sdk, form(DUMP_PART, file, *fields)).status_code == 200
    send(sdk, form(DUMP_PART, part("sentry", said)))
    send(sdk, form(DUMP_PART, part("sentry", said), part("sentry[environment]", b"test")))

    assert (total("release-version"), total("generated")) == (3, 2)
    assert total_of(store, project, Category.ATTACHMENT, Outcome.FILTERED) == 15
    assert [total("generated", environment=name) for name in ("live", "test")] == [1, 1]


def test_a_dump_beyond_the_quota_counts_as_refused_and_is_answered_200(sdk: Sdk, key: ProjectKey, total: Total) -> None:
    key.rate_limit_count, key.rate_limit_window = 0, 60
    services.save_intake(key.project, key)
    assert send(sdk, form(DUMP_PART)).status_code == 200  # it would be sent again and again
    assert (total("rejected"), total("generated")) == (1, 0)


@pytest.mark.parametrize(
    ("body", "content_type", "detail"),
    [
        (b"", FORM, "empty request body"),
        (b"", "application/octet-stream", "empty request body"),
        (b"MDM", "application/octet-stream", "missing or invalid minidump"),
        (form(part("other", b"MDMP", "x")), FORM, "missing or invalid minidump"),
        (form(part("upload_file_minidump", b"")), FORM, "missing or invalid minidump"),
        (form(part("upload_file_minidump", b"<html>")), FORM, "missing or invalid minidump"),
        (DUMP_PART, FORM, "invalid form data"),
        (form(DUMP_PART), "multipart/form-data", "invalid form data"),
        (form(DUMP_PART), "multipart/form-data; boundary=" + "b" * 300, "invalid form data"),
        (form(DUMP_PART), "multipart/form-data; boundary=other", "invalid form data"),
        (form(DUMP_PART, part("sentry[event_id]", b"x")), FORM, "invalid event id"),
    ],
)
def test_what_holds_no_dump_is_invalid(
    sdk: Sdk, store: Store, project: Project, body: bytes, content_type: str, detail: str
) -> None:
    response = send(sdk, body, content_type)
    assert (response.status_code, json.loads(response.content)["detail"]) == (400, detail)
    assert total_of(store, project, Category.ERROR, Outcome.INVALID) == 1
    assert total_of(store, project, Category.ERROR, Outcome.ACCEPTED) == 0


def test_the_key_is_asked_for_before_the_body() -> None:
    response = Client().post("/api/1/minidump/", b"x", content_type=FORM)
    assert (response.status_code, response.json()["detail"]) == (401, "missing authorization information")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1_000_000])
def test_a_form_is_read_the_same_however_it_is_cut(size: int) -> None:
    log = part("log", b"\r\n--BOUNDAR\r\n-", "l")
    body = form(part("sentry[tags][a]", b"b"), DUMP_PART, log) + b"an epilogue"
    assert parse(body, size) == (((("sentry[tags][a]"), b"b"),), 1, 14)


def test_fields_of_the_event_have_a_limit_and_files_have_none() -> None:
    big = part("a", bytes(3000), "a") + part("note", bytes(3000))
    assert parse(form(part("sentry", bytes(500)), DUMP_PART, big)).file_bytes == 3000
    with pytest.raises(RequestError, match="THE_SETTING") as error:
        parse(form(part("sentry", bytes(501)), part("sentry[a]", bytes(500)), DUMP_PART))
    assert error.value.status == 413


@pytest.mark.parametrize(
    "body",
    [
        part("a", b"x") * (OVERHEAD // 50),
        DUMP_PART + b"--BOUNDARY" + b" " * OVERHEAD * 2,
        b"\r\n" * OVERHEAD + form(DUMP_PART),
    ],
)
def test_a_form_of_nothing_but_boundaries_is_refused_before_it_costs_much(body: bytes) -> None:
    with pytest.raises(RequestError) as error:
        parse(body)
    assert (error.value.status, error.value.detail) == (400, "invalid form data")


def test_a_part_with_endless_headers_is_refused() -> None:
    with pytest.raises(RequestError, match="invalid form data"):
        parse(b"--BOUNDARY\r\n" + b"A" * 5000)


@pytest.mark.parametrize(
    ("fields", "event"),
    [
        ([("sentry[a][b]", b"1"), ("sentry[a][c]", b"2")], {"a": {"b": "1", "c": "2"}}),
        ([("sentry", b'{"a": 1}'), ("sentry[a][b]", b"1"), ("sentry[c]", b"\xff")], {"a": 1, "c": "\ufffd"}),
        ([("sentry", b"[]"), ("sentry[]", b"1")], {"": "1"}),
        ([("sentry", b"{"), ("sentry[a]", b"1")], {"a": "1"}),
        ([("sentry__10", b"}"), ("sentry__9", b'{"a": 1')], {"a": 1}),
    ],
)
def test_the_fields_of_a_form_make_an_event(fields: list[tuple[str, bytes]], event: dict[str, Any]) -> None:
    assert event_of(tuple(fields)) == event


@given(st.binary(max_size=200), st.integers(1, 50), st.text(st.characters(max_codepoint=255), max_size=30))
def test_any_bytes_raise_nothing_but_the_one_error(data: bytes, size: int, parameters: str) -> None:
    for body in (data, DUMP_PART[:300] + data, form(part("sentry[a]", data), DUMP_PART)):
        for content_type in (FORM, f"multipart/form-data; {parameters}"):
            assert status_of(partial(parse, body, size, content_type)) in {200, 400, 413}


@given(st.lists(st.tuples(st.text("sentry[]_19ab"), st.binary(max_size=20))))
def test_any_fields_make_an_event(fields: list[tuple[str, bytes]]) -> None:
    assert isinstance(event_of(tuple((f"sentry{name}", value) for name, value in fields)), dict)


# --- time ---


FIELD, BARE = part("a", b""), b"--BOUNDARY\r\n\r\n\r\n"
MANY_OPTIONS = b"--BOUNDARY\r\nContent-Disposition: form-data; " + b"a=b;" * 150 + b"\r\n\r\n\r\n"


@pytest.mark.parametrize("repeated", [FIELD, BARE, MANY_OPTIONS, BARE[:-2] + b"x" * 100 + b"\r\n"])
@pytest.mark.parametrize("stretch", [7, 100, STRETCH - 3, STRETCH])
def test_what_lies_between_the_fields_is_parsed_at_once_only_at_the_beginning(repeated: bytes, stretch: int) -> None:
    parser = CrashFormParser(FORM, LIMIT)
    body, quick = repeated * (100_000 // len(repeated)), 0
    for at in range(0, len(body), stretch):
        piece, before = body[at : at + stretch], parser.overhead
        is_quick = parser.is_quick(piece)
        parser.feed(piece)
        quick += is_quick and parser.overhead - before
    assert parser.overhead > 2 * QUICK_OVERHEAD
    assert quick <= QUICK_OVERHEAD + 2 * STRETCH


@pytest.mark.parametrize("data", [DUMP, b"\r\n" * 200_000, b"\r\n--BOUNDAR" * 50_000, b"x" * 1_000_000])
def test_a_dump_behind_many_fields_waits_for_no_turn(data: bytes) -> None:
    parser = CrashFormParser(FORM, LIMIT)
    fields = FIELD * 500
    start = fields + part("upload_file_minidump", b"", "crash.dmp")[:-2]
    parser.feed(start)
    assert not parser.is_quick(FIELD)
    parser.feed(b"MDMP")
    for at in range(0, len(data), STRETCH):
        assert parser.is_quick(data[at : at + STRETCH])
        parser.feed(data[at : at + STRETCH])
    assert not parser.is_quick(b"\r\n--BOUNDARY")
    parser.feed(b"\r\n--BOUNDARY--\r\n")
    assert parser.end().files == 0


def test_a_form_of_many_fields_lets_others_in_between(sdk: Sdk, monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[int] = []

    async def noted(feed: Callable[[bytes], None], stretch: bytes) -> None:
        turns.append(len(stretch))
        feed(stretch)

    monkeypatch.setattr(minidump, "one_by_one", noted)
    body = form(FIELD * 1000, DUMP_PART)
    assert send(sdk, body).status_code == 200
    assert len(FIELD) * 1000 - STRETCH <= sum(turns) <= len(FIELD) * 1000 + STRETCH
    assert max(turns) <= STRETCH
