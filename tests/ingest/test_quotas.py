"""Events that a key's quota refuses: how they are counted and answered, and that they can be sent again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine

from projects import services
from projects.models import ProjectFilters, ProjectKey
from statsapi.ingest.answers import refused
from tests.ingest.conftest import Sdk
from tsdb.arrivals import Decision, Quota
from tsdb.batch import REPEAT_SECONDS
from tsdb.intake import Intake
from tsdb.store import ProjectClosed, Store

NOW = 1_541_455_203  # three seconds into a window of ten
A, B = "a" * 32, "b" * 32
ATTACHMENT = ({"type": "attachment"}, b"a file")
SESSION = ({"type": "session"}, b"{}")
Count = Callable[..., int]


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def limit(key: ProjectKey, clock: time_machine.Traveller) -> Callable[[int, int], None]:
    """Set the key's quota: a count, and a window of seconds."""

    def set_quota(count: int, window: int) -> None:
        key.rate_limit_count, key.rate_limit_window = count, window
        services.save_intake(key.project, key)

    return set_quota


def send(sdk: Sdk, event_id: str, *beside: tuple[dict[str, Any], bytes], **fields: Any) -> Any:
    """Send an envelope with an event and other items, and return the answer."""
    event = ({"type": "event"}, json.dumps(fields).encode())
    return sdk.envelope(event, *beside, header={"event_id": event_id})


def test_a_refused_event_is_accepted_as_soon_as_the_answer_said(
    sdk: Sdk, limit: Callable[[int, int], None], clock: time_machine.Traveller, total: Count
) -> None:
    limit(1, 10)
    assert sdk.event(A).status_code == 200
    answer = sdk.event(B)
    assert (answer.status_code, answer["Retry-After"]) == (429, "7")

    clock.shift(int(answer["Retry-After"]))
    assert [sdk.event(B).status_code for _ in range(3)] == [200] * 3
    assert sdk.event(A).status_code == 200, "counted already, though the quota is used up again"
    for resolution in ("10s", "1h", "1d"):
        found = [total(stat, resolution=resolution) for stat in ("received", "generated", "rejected")]
        assert found == [3, 2, 1]


def test_an_event_that_is_refused_again_and_again_is_counted_each_time(
    sdk: Sdk, limit: Callable[[int, int], None], total: Count
) -> None:
    limit(0, 3600)
    assert [sdk.event(B).status_code for _ in range(3)] == [429] * 3
    limit(1, 3600)
    assert sdk.event(B).status_code == 200, "at once, not when the refusal is forgotten"
    assert (total("received"), total("generated"), total("rejected")) == (4, 1, 3)


def test_a_refused_event_is_remembered_for_seconds(sdk: Sdk, limit: Callable[[int, int], None], store: Store) -> None:
    """An event refused by a quota of zero takes up Redis only for as long as a repeat may come.

    See docs/reliability.md#work-before-limits.
    """
    limit(0, 3600)
    sdk.event()
    client = store.clients.read
    before = set(client.scan_iter("ts:*"))
    for _ in range(20):
        assert sdk.event().status_code == 429
    remembered = set(client.scan_iter("ts:*")) - before
    assert len(remembered) == 20
    assert all(0 < int(client.ttl(key)) <= REPEAT_SECONDS for key in remembered)


@pytest.mark.parametrize("endpoint", ["store/", "security/"])
def test_at_other_endpoints_a_refused_event_is_accepted_later_too(
    sdk: Sdk, limit: Callable[[int, int], None], clock: time_machine.Traveller, total: Count, endpoint: str
) -> None:
    event = json.dumps({"event_id": B}).encode()
    body = event if endpoint == "store/" else b'{"csp-report": {"effective-directive": "img-src"}}'
    limit(1, 10)
    sdk.event(A)
    assert sdk.post(endpoint, body).status_code == 429
    clock.shift(10)
    assert sdk.post(endpoint, body).status_code == 200
    assert (total("generated"), total("rejected")) == (2, 1)


def test_attachments_of_a_refused_event_are_refused_with_it_and_nothing_else_is(
    sdk: Sdk, limit: Callable[[int, int], None], clock: time_machine.Traveller, counted: Any
) -> None:
    limit(1, 10)
    assert send(sdk, A, ATTACHMENT, SESSION).status_code == 200
    assert send(sdk, B, ATTACHMENT, ATTACHMENT, SESSION).status_code == 429
    assert counted("attachment") == {"accepted": 6, "rate_limited": 12}
    assert counted("attachment_item") == {"accepted": 1, "rate_limited": 2}
    assert counted("attachment_item", "reason") == {"none": 1, "key_quota": 2}
    assert counted("session") == {"accepted": 2}

    clock.shift(10)
    assert [send(sdk, B, ATTACHMENT, ATTACHMENT, SESSION).status_code for _ in range(2)] == [200] * 2
    assert counted("attachment_item") == {"accepted": 3, "rate_limited": 2}
    assert counted("session") == {"accepted": 3}, "once for each submission that was not a repeat"


def test_attachments_of_a_filtered_event_are_filtered_with_it(sdk: Sdk, key: ProjectKey, counted: Any) -> None:
    services.save_intake(key.project, ProjectFilters(project=key.project, release_versions="1.*"))
    assert send(sdk, A, ATTACHMENT, SESSION, release="1.0").status_code == 200
    assert send(sdk, B, ATTACHMENT, release="2.0").status_code == 200
    assert counted("attachment") == {"accepted": 6, "filtered": 6}
    assert counted("attachment_item") == {"accepted": 1, "filtered": 1}
    assert counted("attachment_item", "reason") == {"none": 1, "release-version": 1}
    assert counted("session") == {"accepted": 1}


def test_an_attachment_without_an_event_is_for_itself(
    sdk: Sdk, limit: Callable[[int, int], None], counted: Any
) -> None:
    limit(0, 3600)
    assert sdk.envelope(ATTACHMENT, header={"event_id": B}).status_code == 200
    assert counted("attachment_item") == {"accepted": 1}


def test_a_list_of_reports_is_answered_so_that_a_browser_does_not_send_it_again(
    sdk: Sdk, limit: Callable[[int, int], None], total: Count
) -> None:
    limit(2, 3600)
    report = {"type": "csp-violation", "body": {"effectiveDirective": "img-src"}}
    answer = sdk.post("security/", json.dumps([report] * 5).encode())
    assert answer.status_code == 200
    assert (total("received"), total("generated"), total("rejected")) == (5, 2, 3)


@pytest.mark.parametrize("quota", [0, 5])
def test_all_tries_of_a_request_are_one_submission(
    sdk: Sdk, limit: Callable[[int, int], None], total: Count, monkeypatch: pytest.MonkeyPatch, quota: int
) -> None:
    limit(quota, 3600)
    count, tries = Intake.count_together, []

    def lost(*args: Any) -> list[Decision | Exception]:
        """Count, and lose the first answer while the project changes."""
        tries.append(count(*args))
        return [ProjectClosed([sdk.key.project_id])] if len(tries) == 1 else tries[-1]

    monkeypatch.setattr(Intake, "count_together", lost)
    answer = sdk.envelope(({"type": "event"}, b"{}"), SESSION)
    assert answer.status_code == (200 if quota else 429)
    assert len(tries) == 2
    assert total() == 1


@pytest.mark.parametrize(
    ("quota", "came", "answered", "seconds"),
    [
        (Quota(1, 5, 60), 120.0, 120.0, 60),
        (Quota(1, 5, 60), 179.0, 179.9, 1),
        (Quota(1, 5, 60), 130.0, 150.5, 30),  # reading the body took a while
        (Quota(1, 5, 60), 130.0, 500.0, 1),  # the next window began meanwhile
        (Quota(1, 0, 86400), 120.0, 120.0, 60),  # no other window has room earlier
        (None, 120.0, 120.0, 60),
    ],
)
def test_the_answer_tells_how_long_it_takes_from_now(
    quota: Quota | None, came: float, answered: float, seconds: int
) -> None:
    with time_machine.travel(answered, tick=False):
        answer = refused(quota, int(came))
    headers = dict(answer.headers)
    assert headers[b"retry-after"] == str(seconds).encode()
    assert headers[b"x-sentry-rate-limits"] == f"{seconds}:default;error;security:key:key_quota".encode()
