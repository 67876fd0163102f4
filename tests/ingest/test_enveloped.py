"""What an envelope counts: attachments, crashes, client reports, transactions, and what is counted once."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from projects import services
from projects.models import ProjectFilters, ProjectKey
from statsapi.ingest import enveloped
from statsapi.ingest.reports import MOST_ROWS, parse_report
from tests.ingest.conftest import Sdk

EVENT_ID = "fc6d8c0c43fc4630ad850ee518f1b9d0"
ZEROS = "0" * 32
EVENT = ({"type": "event"}, b"{}")
TRANSACTION = ({"type": "transaction"}, b'{"type":"transaction","release":"1.0"}')
FEEDBACK = ({"type": "feedback"}, b"{}")
FILE = ({"type": "attachment"}, b"a file")


def crash(kind: str = "event.minidump") -> tuple[dict[str, Any], bytes]:
    return {"type": "attachment", "attachment_type": kind}, b"MDMP"


def report(**quantities: int) -> tuple[dict[str, Any], bytes]:
    rows = [{"reason": reason, "category": "error", "quantity": number} for reason, number in quantities.items()]
    return {"type": "client_report"}, json.dumps({"discarded_events": rows}).encode()


def test_attachments_are_counted_in_bytes_and_in_pieces(sdk: Sdk, counted: Any) -> None:
    empty = ({"type": "attachment"}, b"")
    assert sdk.envelope(EVENT, FILE, FILE, empty).status_code == 200
    assert sdk.envelope(FILE, empty).status_code == 200

    assert counted("attachment") == {"accepted": 18}
    assert counted("attachment_item") == {"accepted": 5}


@pytest.mark.parametrize("kind", ["event.minidump", "event.payload", "event.applecrashreport"])
def test_a_crash_without_an_event_item_is_one_error(sdk: Sdk, total: Any, counted: Any, kind: str) -> None:
    header = {"event_id": EVENT_ID}
    answers = [sdk.envelope(crash(kind), crash(kind), FILE, header=header) for _ in range(2)]

    assert [json.loads(answer.content) for answer in answers] == [{"id": EVENT_ID}] * 2
    assert total("generated") == 1
    assert (counted("attachment"), counted("attachment_item")) == ({"accepted": 14}, {"accepted": 3})


def test_a_crash_beside_an_event_item_is_an_attachment(sdk: Sdk, total: Any, counted: Any) -> None:
    assert sdk.envelope(crash(), EVENT, crash()).status_code == 200

    assert total("generated") == 1
    assert counted("attachment_item") == {"accepted": 2}


def test_a_crash_without_an_id_is_given_one(sdk: Sdk, total: Any) -> None:
    ids = {json.loads(sdk.envelope(crash()).content)["id"] for _ in range(2)}
    assert (len(ids), total("generated")) == (2, 2)


def test_a_crash_that_a_quota_refuses_is_refused_with_its_attachments(
    sdk: Sdk, key: ProjectKey, total: Any, counted: Any
) -> None:
    key.rate_limit_count, key.rate_limit_window = 0, 60
    services.save_intake(key.project, key)

    assert sdk.envelope(crash(), FILE).status_code == 429
    assert total("rejected") == 1
    assert (counted("attachment"), counted("attachment_item")) == ({"rate_limited": 10}, {"rate_limited": 2})


def test_every_client_report_counts(sdk: Sdk, counted: Any) -> None:
    assert sdk.envelope(report(sample_rate=3), EVENT, report(before_send=2), report(sample_rate=1)).status_code == 200
    assert counted("error", "reason") == {"none": 1, "sample_rate": 4, "before_send": 2}


def test_a_report_that_cannot_be_read_takes_no_other_with_it(sdk: Sdk, counted: Any) -> None:
    bad: list[tuple[dict[str, Any], bytes]] = [
        ({"type": "client_report"}, b"\xff"),
        ({"type": "client_report"}, b" " * (1024 * 1024 + 1)),
    ]
    for one in bad:
        assert sdk.envelope(one, report(sample_rate=3)).status_code == 200
    assert counted("error") == {"client_discard": 6}


def test_all_reports_of_an_envelope_have_a_number_of_rows_together(sdk: Sdk, counted: Any) -> None:
    categories = ["error", "transaction", "session", "span"]
    reasons = ["sample_rate", "before_send", "queue_overflow", "network_error", "ignored"]
    rows = [{"reason": r, "category": c, "quantity": 1} for r in reasons for c in categories]
    one = ({"type": "client_report"}, json.dumps({"discarded_events": rows}).encode())
    assert sdk.envelope(*[one] * 15).status_code == 200
    assert sum(counted(category)["client_discard"] for category in categories) == MOST_ROWS


def test_bad_rows_are_read_rows_and_what_follows_them_is_not_read(sdk: Sdk, counted: Any, monkeypatch: Any) -> None:
    def report(*rows: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        return {"type": "client_report"}, json.dumps({"discarded_events": rows}).encode()

    def noted(payload: bytes, room: int) -> Any:
        read.append(room)
        return parse_report(payload, room)

    read: list[int] = []
    monkeypatch.setattr(enveloped, "parse_report", noted)
    good = {"reason": "sample_rate", "category": "error", "quantity": 1}
    many = report(*[{}] * (MOST_ROWS - 5))
    assert sdk.envelope(report(good, good), many, *[report(good, good)] * 20).status_code == 200
    assert counted("error")["client_discard"] == 5
    assert read == [MOST_ROWS, MOST_ROWS - 2, 3, 1]


@pytest.mark.parametrize("zeros", [ZEROS, str(uuid.UUID(int=0))])
def test_an_id_of_zeros_is_no_id(sdk: Sdk, total: Any, zeros: str) -> None:
    payload = json.dumps({"event_id": zeros}).encode()
    answers = [
        sdk.envelope(EVENT, header={"event_id": zeros}),
        sdk.envelope(EVENT, header={"event_id": zeros}),
        sdk.envelope(({"type": "event"}, payload)),
        sdk.post("store/", payload),
        sdk.post("store/", payload),
    ]
    ids = {json.loads(answer.content)["id"] for answer in answers}
    assert len(ids - {ZEROS}) == 5
    assert total("generated") == 5


def test_the_id_of_the_payload_counts_if_the_header_has_zeros(sdk: Sdk, total: Any) -> None:
    payload = json.dumps({"event_id": EVENT_ID}).encode()
    answers = [sdk.envelope(({"type": "event"}, payload), header={"event_id": ZEROS}) for _ in range(2)]
    assert [json.loads(answer.content) for answer in answers] == [{"id": EVENT_ID}] * 2
    assert total() == 1


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 0, 2]])
def test_an_error_a_transaction_and_feedback_may_have_the_same_id(sdk: Sdk, counted: Any, order: list[int]) -> None:
    items = [EVENT, TRANSACTION, FEEDBACK]
    for _ in range(2):
        for place in order:
            answer = sdk.envelope(items[place], header={"event_id": EVENT_ID})
            assert json.loads(answer.content) == {"id": EVENT_ID}
    assert [counted(category) for category in ("error", "transaction", "feedback")] == [{"accepted": 1}] * 3


def test_a_transaction_of_the_store_endpoint_repeats_one_of_an_envelope_and_no_event(sdk: Sdk, counted: Any) -> None:
    for body in ({"type": "transaction"}, {}):
        for _ in range(2):
            answer = sdk.post("store/", json.dumps({"event_id": EVENT_ID, **body}).encode())
            assert json.loads(answer.content) == {"id": EVENT_ID}
    sdk.envelope(TRANSACTION, header={"event_id": EVENT_ID})
    assert (counted("error"), counted("transaction")) == ({"accepted": 1}, {"accepted": 1})


@pytest.mark.parametrize("kind", ["check_in", "replay_event", "log", "session", "user_report", "profile_chunk"])
def test_what_is_sent_in_parts_or_again_and_again_counts_each_time(sdk: Sdk, counted: Any, kind: str) -> None:
    category = {"check_in": "monitor", "replay_event": "replay", "log": "log_item", "user_report": "feedback"}
    for _ in range(2):
        sdk.envelope(({"type": kind}, b"{}"), header={"event_id": EVENT_ID})
    assert counted(category.get(kind, kind)) == {"accepted": 2}


@pytest.mark.parametrize("endpoint", ["envelope/", "store/"])
def test_the_release_filter_applies_to_transactions(
    sdk: Sdk, key: ProjectKey, counted: Any, total: Any, endpoint: str
) -> None:
    services.save_intake(key.project, ProjectFilters(project=key.project, release_versions="1.*"))
    for release in ("1.0", "2.0", None):
        payload = json.dumps({"type": "transaction", "event_id": uuid.uuid4().hex, "release": release}).encode()
        answer = (
            sdk.post(endpoint, payload)
            if endpoint == "store/"
            else sdk.envelope(({"type": "transaction"}, payload), ({"type": "attachment"}, b"a file"))
        )
        assert (answer.status_code, len(json.loads(answer.content)["id"])) == (200, 32)
    assert counted("transaction") == {"filtered": 1, "accepted": 2}
    assert counted("transaction", "reason") == {"release-version": 1, "none": 2}
    assert counted("attachment_item") == ({} if endpoint == "store/" else {"filtered": 1, "accepted": 2})
    assert total("release-version") == 0, "a stat counts errors only"


def test_the_release_filter_is_obeyed_at_the_next_transaction(sdk: Sdk, key: ProjectKey, counted: Any) -> None:
    sdk.envelope(TRANSACTION)
    services.save_intake(key.project, ProjectFilters(project=key.project, release_versions="1.*"))
    sdk.envelope(TRANSACTION)
    assert counted("transaction") == {"accepted": 1, "filtered": 1}


def test_no_other_filter_and_no_quota_applies_to_transactions(sdk: Sdk, key: ProjectKey, counted: Any) -> None:
    filters = ProjectFilters(
        project=key.project, localhost=True, ip_addresses="127.0.0.1", error_messages="*", web_crawlers=True,
        legacy_browsers=True, browser_extensions=True, release_versions="2.*",
    )  # fmt: skip
    services.save_intake(key.project, filters)
    key.rate_limit_count, key.rate_limit_window = 0, 60
    services.save_intake(key.project, key)
    assert sdk.envelope(TRANSACTION).status_code == 200
    assert sdk.post("store/", TRANSACTION[1]).status_code == 200
    assert counted("transaction") == {"accepted": 2}
