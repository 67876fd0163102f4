"""Envelopes above a limit: what came whole is counted, and the answer is 413."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings
from django.http import HttpResponse

from projects import services
from projects.models import ProjectKey
from statsapi.ingest.endpoints import envelope as endpoint
from tests.ingest.conftest import Sdk, envelope

EVENT_ID = "fc6d8c0c43fc4630ad850ee518f1b9d0"
HEADER = {"event_id": EVENT_ID}
EVENT = ({"type": "event"}, b"{}")
SESSION = ({"type": "session"}, b"{}")
LARGE = b"x" * 5000
REPORT = (
    {"type": "client_report"},
    b'{"discarded_events":[{"reason":"sample_rate","category":"error","quantity":3}]}',
)


def attachment(size: int = 5000) -> tuple[dict[str, Any], bytes]:
    return {"type": "attachment"}, b"x" * size


@pytest.fixture(autouse=True)
def limits(settings: LazySettings) -> LazySettings:
    settings.INGEST_MAX_ITEM_BYTES = 1024
    settings.INGEST_MAX_ENVELOPE_BYTES = settings.INGEST_MAX_ENVELOPE_UNPACKED_BYTES = 20_000
    return settings


def assert_413(response: HttpResponse, setting: str) -> None:
    assert response.status_code == 413
    assert setting in json.loads(response.content)["detail"]


@pytest.mark.parametrize("kind", ["attachment", "profile", "replay_recording", "replay_video", "form_data", "new"])
@pytest.mark.parametrize("is_first", [True, False])
def test_what_is_only_counted_may_be_large(sdk: Sdk, total: Any, kind: str, is_first: bool) -> None:
    items = [({"type": kind}, LARGE), EVENT]
    answer = sdk.envelope(*(items if is_first else reversed(items)), header=HEADER)

    assert (answer.status_code, json.loads(answer.content)) == (200, {"id": EVENT_ID})
    assert total("generated") == 1


def test_an_event_that_is_too_large_is_invalid_and_what_comes_with_it_counts(sdk: Sdk, counted: Any) -> None:
    large = ({"type": "event"}, LARGE)
    for items in ((large, SESSION, REPORT), (SESSION, REPORT, large)):
        assert_413(sdk.envelope(*items, header=HEADER), "INGEST_MAX_ITEM_BYTES")

    assert counted("error") == {"invalid": 2, "client_discard": 6}
    assert counted("error", "reason") == {"too_large": 2, "sample_rate": 6}
    assert counted("session") == {"accepted": 2}


def test_attachments_share_the_outcome_of_an_event_that_is_too_large(sdk: Sdk, counted: Any) -> None:
    assert_413(sdk.envelope(({"type": "event"}, LARGE), attachment(), header=HEADER), "INGEST_MAX_ITEM_BYTES")

    assert counted("attachment") == {"invalid": 5000}
    assert counted("attachment_item") == {"invalid": 1}


def test_the_id_of_an_event_that_is_too_large_can_be_sent_again(sdk: Sdk, total: Any) -> None:
    assert sdk.envelope(({"type": "event"}, LARGE), header=HEADER).status_code == 413
    assert [sdk.envelope(EVENT, header=HEADER).status_code for _ in range(2)] == [200, 200]
    assert total("generated") == 1


def test_a_transaction_that_is_too_large_is_invalid_as_a_transaction(sdk: Sdk, counted: Any) -> None:
    assert_413(sdk.envelope(({"type": "transaction"}, LARGE), header=HEADER), "INGEST_MAX_ITEM_BYTES")
    assert (counted("transaction"), counted("error")) == ({"invalid": 1}, {})


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_beyond_the_limit_of_the_envelope_what_came_whole_counts(
    sdk: Sdk, counted: Any, total: Any, encoding: str
) -> None:
    body = envelope(EVENT, SESSION, REPORT, attachment(6000), attachment(30_000), SESSION, header=HEADER)
    packed, headers = (gzip.compress(body), {"content_encoding": "gzip"}) if encoding else (body, {})
    for _ in range(2):
        setting = "INGEST_MAX_ENVELOPE_UNPACKED_BYTES" if encoding else "INGEST_MAX_ENVELOPE_BYTES"
        assert_413(sdk.post("envelope/", packed, **headers), setting)

    assert total("generated") == 1, "its id is remembered"
    assert counted("error") == {"accepted": 1, "client_discard": 3}
    assert counted("session") == {"accepted": 1}
    assert counted("attachment_item") == {"accepted": 1, "invalid": 1}
    beginning = len(body) - body[::-1].index(b"x" * 30_000) - 30_000
    assert counted("attachment") == {"accepted": 6000, "invalid": 20_000 - beginning}


def test_an_event_that_the_limit_cuts_is_invalid_and_may_be_sent_again(sdk: Sdk, counted: Any) -> None:
    items = [SESSION, attachment(19_500), ({"type": "event"}, b"x" * 1000)]
    assert_413(sdk.envelope(*items, header=HEADER), "INGEST_MAX_ENVELOPE_BYTES")
    assert (counted("error"), counted("session")) == ({"invalid": 1}, {"accepted": 1})
    assert counted("attachment_item") == {"invalid": 1}

    assert sdk.envelope(EVENT, header=HEADER).status_code == 200
    assert counted("error") == {"invalid": 1, "accepted": 1}


def test_an_error_is_invalid_if_no_event_came_before_the_limit(sdk: Sdk, counted: Any) -> None:
    assert_413(sdk.envelope(attachment(30_000), EVENT, header=HEADER), "INGEST_MAX_ENVELOPE_BYTES")
    assert counted("error") == {"invalid": 1}


def test_an_envelope_of_as_many_bytes_as_the_limit_is_whole(sdk: Sdk, counted: Any, total: Any) -> None:
    rest = 20_000 - len(envelope(EVENT, attachment(10_000), header=HEADER))
    assert sdk.envelope(EVENT, attachment(10_000 + rest), header=HEADER).status_code == 200
    assert sdk.envelope(EVENT, attachment(10_001 + rest), header={}).status_code == 200
    assert_413(sdk.envelope(EVENT, attachment(10_001 + rest), header=HEADER), "INGEST_MAX_ENVELOPE_BYTES")
    assert (total("generated"), counted("attachment_item")["accepted"]) == (2, 2)


def test_items_beyond_their_number_cost_no_event_before_them(sdk: Sdk, total: Any, counted: Any) -> None:
    assert_413(sdk.envelope(EVENT, *[attachment(1)] * 100, header=HEADER), "INGEST_MAX_ITEMS")
    assert total("generated") == 1
    assert counted("attachment_item") == {"accepted": 99}
    assert counted("error") == {"accepted": 1}


def test_a_line_of_headers_that_is_too_long_costs_no_event_before_it(sdk: Sdk, total: Any) -> None:
    item = ({"type": "attachment", "filename": "x" * 9000}, b"")
    assert_413(sdk.envelope(EVENT, item, header=HEADER), "INGEST_MAX_HEADER_BYTES")
    assert total("generated") == 1


def test_what_is_no_envelope_counts_nothing_although_an_event_came(sdk: Sdk, counted: Any, total: Any) -> None:
    for beyond in (b"", b"x" * 30_000):
        body = envelope(EVENT, header=HEADER) + b"\nno item\n" + beyond
        assert sdk.post("envelope/", body).status_code == 400
    assert (total("generated"), counted("error")) == (0, {"invalid": 2})


def test_a_refusal_of_the_quota_is_counted_too_and_the_answer_names_the_limit(
    sdk: Sdk, key: ProjectKey, counted: Any
) -> None:
    key.rate_limit_count, key.rate_limit_window = 0, 60
    services.save_intake(key.project, key)
    assert_413(sdk.envelope(EVENT, attachment(30_000), header=HEADER), "INGEST_MAX_ENVELOPE_BYTES")
    assert counted("error") == {"rate_limited": 1}


def test_an_envelope_that_is_too_large_from_nobody_is_not_counted(sdk: Sdk, key: ProjectKey, counted: Any) -> None:
    for dsn, status in ((None, 401), (f"http://{'0' * 32}@127.0.0.1/{key.project_id}", 403)):
        body = envelope(EVENT, attachment(30_000), header={"dsn": dsn, **HEADER})
        path = f"/api/{key.project_id}/envelope/"
        assert sdk.http.post(path, body, content_type="text/plain").status_code == status
    assert counted("error") == {}


def test_an_envelope_that_is_signed_inside_counts_what_came_whole(sdk: Sdk, key: ProjectKey, total: Any) -> None:
    dsn = f"http://{key.public}@127.0.0.1/{key.project_id}"
    body = envelope(EVENT, attachment(30_000), header={"dsn": dsn, **HEADER})
    answer = sdk.http.post(f"/api/{key.project_id}/envelope/", body, content_type="text/plain")
    assert (answer.status_code, total("generated")) == (413, 1)


@pytest.mark.parametrize(("filling", "takes_turns"), [(8000, True), (10, False)])
def test_behind_long_headers_the_rest_is_parsed_in_turns(
    sdk: Sdk,
    limits: LazySettings,
    total: Any,
    monkeypatch: pytest.MonkeyPatch,
    filling: int,
    takes_turns: bool,
) -> None:
    async def noted(feed: Callable[[bytes], None], piece: bytes) -> None:
        turns.append(len(piece))
        feed(piece)

    turns: list[int] = []
    monkeypatch.setattr(endpoint, "one_by_one", noted)
    limits.INGEST_MAX_ENVELOPE_UNPACKED_BYTES = 2_000_000
    items = [({"type": "attachment", "filling": "x" * filling}, b"x" * 10_000)] * 90
    body = gzip.compress(envelope(*items, EVENT, header=HEADER))
    assert sdk.post("envelope/", body, content_encoding="gzip").status_code == 200
    assert total() == 1
    assert (sum(turns) > 1_000_000) is takes_turns
