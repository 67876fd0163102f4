"""What budgets of a project refuse: how it is counted and answered at every endpoint, and when it is accepted again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine

from projects import services
from projects.models import Project, ProjectFilters, ProjectKey
from projects.services.budgets import change_budget, create_budget, delete_budget
from statsapi.ingest.answers import limited, over_budget, refused
from tests.ingest.conftest import Sdk
from tsdb.arrivals import Decision, Limited, Quota
from tsdb.budgets import MONTH
from tsdb.intake import Intake
from tsdb.store import ProjectClosed

NOW = 1_541_455_203  # 2018-11-05 22:00:03, three seconds into a minute
MONTH_LEFT = 1_543_622_400 - NOW
A, B = "a" * 32, "b" * 32
EVENT = ({"type": "event"}, b"{}")
ATTACHMENT = ({"type": "attachment"}, b"a file")
SESSION = ({"type": "session"}, b"{}")
SPAN = ({"type": "span"}, b"{}")
TRANSACTION = ({"type": "transaction"}, b"{}")
Counted = Callable[..., dict[str, int]]


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def limits(answer: Any) -> tuple[int, str | None, str | None]:
    return answer.status_code, answer.headers.get("X-Sentry-Rate-Limits"), answer.headers.get("Retry-After")


def test_a_budget_refuses_until_its_window_ends_and_says_when(
    sdk: Sdk, project: Project, clock: time_machine.Traveller, total: Any, counted: Counted
) -> None:
    create_budget(project, category="error", limit=2, window=60)
    assert [limits(sdk.event()) for _ in range(2)] == [(200, None, None)] * 2
    answer = sdk.event(A)
    assert limits(answer) == (429, "57:default;error;security:project:project_quota", "57")
    assert answer.json() == {"detail": "event submission rejected with_reason: RateLimited"}
    assert answer.headers["X-Sentry-Error"] == "rate limit"
    for resolution in ("10s", "1h", "1d"):
        assert [total(stat, resolution=resolution) for stat in ("received", "generated", "rejected")] == [3, 2, 1]
    assert counted("error", "reason") == {"none": 2, "project_quota": 1}
    clock.shift(57)
    assert sdk.event(A).status_code == 200


def test_of_several_budgets_the_longest_says_when_to_come_again(sdk: Sdk, project: Project) -> None:
    create_budget(project, category="error", limit=1, window=60)
    month = create_budget(project, category="error", limit=1, window=MONTH)
    sdk.event()
    said = f"{MONTH_LEFT}:default;error;security:project:project_quota"
    assert limits(sdk.event()) == (429, said, str(MONTH_LEFT))
    change_budget(month, limit=2)
    assert limits(sdk.event())[2] == "57"


def test_a_change_takes_effect_at_the_next_event_and_the_use_stays(sdk: Sdk, project: Project) -> None:
    budget = create_budget(project, category="error", limit=1, window=3600)
    assert [sdk.event().status_code for _ in range(2)] == [200, 429]
    change_budget(budget, limit=2)
    assert [sdk.event().status_code for _ in range(2)] == [200, 429]
    change_budget(budget, limit=0)
    assert limits(sdk.event()) == (429, "60:default;error;security:project:project_quota", "60")
    delete_budget(budget)
    assert sdk.event().status_code == 200


def test_attachments_go_with_a_refused_event_and_nothing_else_does(
    sdk: Sdk, project: Project, counted: Counted
) -> None:
    create_budget(project, category="error", limit=1, window=60)
    assert sdk.envelope(EVENT, ATTACHMENT, SESSION).status_code == 200
    assert sdk.envelope(EVENT, ATTACHMENT, SESSION).status_code == 429
    assert counted("attachment") == {"accepted": 6, "rate_limited": 6}
    assert counted("attachment_item", "reason") == {"none": 1, "project_quota": 1}
    assert counted("session") == {"accepted": 2}


def test_attachments_are_refused_with_their_pieces_and_leave_their_event(
    sdk: Sdk, project: Project, counted: Counted
) -> None:
    create_budget(project, category="attachment", limit=10, window=60)
    create_budget(project, category="attachment_item", limit=5, window=MONTH)
    assert limits(sdk.envelope(EVENT, ATTACHMENT)) == (200, None, None)
    assert limits(sdk.envelope(EVENT, ATTACHMENT)) == (200, "57:attachment:project:project_quota", None)
    assert limits(sdk.envelope(ATTACHMENT)) == (429, "57:attachment:project:project_quota", "57")
    assert counted("error") == {"accepted": 2}
    assert counted("attachment") == {"accepted": 6, "rate_limited": 12}
    assert counted("attachment_item") == {"accepted": 1, "rate_limited": 2}


def test_each_category_is_taken_whole_or_refused_whole(sdk: Sdk, project: Project, counted: Counted) -> None:
    create_budget(project, category="session", limit=3, window=60)
    create_budget(project, category="transaction", limit=1, window=3600)
    assert sdk.envelope(SESSION, SESSION).status_code == 200
    assert limits(sdk.envelope(EVENT, SESSION, SESSION)) == (200, "57:session:project:project_quota", None)
    assert limits(sdk.envelope(SESSION, SESSION)) == (429, "57:session:project:project_quota", "57")
    assert limits(sdk.envelope(SESSION, SESSION, SPAN)) == (200, "57:session:project:project_quota", None)
    assert sdk.envelope(SESSION).status_code == 200
    assert counted("session") == {"accepted": 3, "rate_limited": 6}
    # The first transaction is the event of its envelope, and the others are a part of it.
    several = limits(sdk.envelope(TRANSACTION, TRANSACTION, TRANSACTION, SESSION))
    hour = 3600 - NOW % 3600
    assert several == (200, f"{hour}:transaction:project:project_quota, 57:session:project:project_quota", None)
    assert limits(sdk.envelope(TRANSACTION, SESSION))[::2] == (429, str(hour))
    assert counted("transaction") == {"accepted": 1, "rate_limited": 3}


def test_the_quota_of_the_key_is_asked_first(sdk: Sdk, key: ProjectKey, project: Project, counted: Counted) -> None:
    create_budget(project, category="error", limit=5, window=60)
    create_budget(project, category="session", limit=1, window=MONTH)
    key.rate_limit_count, key.rate_limit_window = 1, 3600
    services.save_intake(project, key)
    assert sdk.envelope(EVENT, SESSION).status_code == 200
    quota = f"{3600 - NOW % 3600}:default;error;security:key:key_quota"
    assert limits(sdk.envelope(EVENT)) == (429, quota, str(3600 - NOW % 3600))
    both = f"{quota}, {MONTH_LEFT}:session:project:project_quota"
    assert limits(sdk.envelope(EVENT, SESSION)) == (429, both, str(3600 - NOW % 3600))
    assert counted("error", "reason") == {"none": 1, "key_quota": 2}


def test_filtered_events_and_client_reports_ask_no_budget(sdk: Sdk, project: Project, counted: Counted) -> None:
    create_budget(project, category="error", limit=0, window=60)
    services.save_intake(project, ProjectFilters(project=project, release_versions="1.*"))
    assert sdk.event(release="1.0").status_code == 200
    report = {"discarded_events": [{"reason": "before_send", "category": "error", "quantity": 3}]}
    assert sdk.envelope(({"type": "client_report"}, json.dumps(report).encode())).status_code == 200
    assert sdk.post("store/", b"no JSON").status_code == 400
    assert counted("error") == {"filtered": 1, "client_discard": 3, "invalid": 1}


@pytest.mark.parametrize(
    ("endpoint", "body", "category", "status"),
    [
        ("store/", b"{}", "error", 429),
        ("security/", b'{"csp-report": {"effective-directive": "img-src"}}', "error", 429),
        ("security/", b'[{"type": "csp-violation", "body": {"effectiveDirective": "img-src"}}]', "error", 200),
        ("minidump/", b"MDMP", "error", 200),
        (f"unreal/{'1' * 32}/", b"crash", "error", 200),
        ("nel/", b'[{"type": "network-error"}]', "log_item", 429),
    ],
)
def test_each_endpoint_answers_as_it_does_for_the_quota_of_a_key(
    sdk: Sdk, project: Project, counted: Counted, endpoint: str, body: bytes, category: str, status: int
) -> None:
    create_budget(project, category=category, limit=0, window=60)
    endpoint = endpoint.replace("1" * 32, sdk.key.public)
    assert sdk.post(endpoint, body).status_code == status
    assert counted(category, "reason") == {"project_quota": 1}


def test_the_use_has_in_it_what_was_counted_elsewhere_and_that_is_never_refused(
    sdk: Sdk, project: Project, api: Any, counted: Counted
) -> None:
    create_budget(project, category="error", limit=5, window=3600)
    url = "/api/0/projects/acme/web/outcomes/"
    rows = {"outcomes": [{"timestamp": NOW, "outcome": "accepted", "quantity": 7}]}
    assert api.post(url, rows, content_type="application/json").status_code == 201
    assert sdk.event().status_code == 429
    assert api.post(url, rows, content_type="application/json").status_code == 201
    assert counted("error") == {"accepted": 14, "rate_limited": 1}


@pytest.mark.parametrize("limit", [0, 5])
def test_all_tries_of_a_request_are_one_submission_and_get_one_answer(
    sdk: Sdk, project: Project, counted: Counted, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    create_budget(project, category="error", limit=limit, window=60)
    create_budget(project, category="session", limit=0, window=60)
    count, tries = Intake.count_together, []

    def lost(*args: Any) -> list[Decision | Exception]:
        """Count, and lose the first answer while the project changes."""
        tries.append(count(*args))
        return [ProjectClosed([project.pk])] if len(tries) == 1 else tries[-1]

    monkeypatch.setattr(Intake, "count_together", lost)
    answer = sdk.envelope(EVENT, SESSION)
    assert answer.status_code == (200 if limit else 429)
    assert "60:session:project:project_quota" in answer.headers["X-Sentry-Rate-Limits"]
    assert tries[0] == tries[1]
    assert counted("error") == {"accepted" if limit else "rate_limited": 1}
    assert counted("session") == {"rate_limited": 1}


def test_a_repeat_in_a_later_window_tells_nothing_that_is_over(
    sdk: Sdk, project: Project, clock: time_machine.Traveller
) -> None:
    create_budget(project, category="session", limit=1, window=60)
    sdk.envelope(SESSION)
    event = {"event_id": A}
    assert limits(sdk.envelope(EVENT, SESSION, header=event)) == (200, "57:session:project:project_quota", None)
    clock.shift(30)
    assert limits(sdk.envelope(EVENT, SESSION, header=event)) == (200, "27:session:project:project_quota", None)
    clock.shift(30)
    assert limits(sdk.envelope(EVENT, SESSION, header=event)) == (200, None, None)


def test_a_budget_that_no_resolution_makes_up_any_more_is_not_enforced(sdk: Sdk, project: Project) -> None:
    budget = create_budget(project, category="error", limit=0, window=60)
    type(budget).objects.filter(pk=budget.pk).update(window=61 * 60)
    assert sdk.event().status_code == 200


def test_the_header_tells_each_category_once_and_the_longest_of_it() -> None:
    said = [Limited("attachment", NOW + 5), Limited("attachment_item", NOW + 9), Limited("profile", 0)]
    expected = "9:attachment:project:project_quota, 60:profile:project:project_quota"
    assert dict(over_budget(said, None).headers)[b"x-sentry-rate-limits"].decode() == expected
    assert dict(over_budget(said, None).headers)[b"retry-after"] == b"60"
    assert dict(over_budget(said, "attachment").headers)[b"retry-after"] == b"5"
    over = refused(Quota(1, 5, 60), NOW, said)
    expected = f"57:default;error;security:key:key_quota, {expected}"
    assert dict(over.headers)[b"x-sentry-rate-limits"].decode() == expected
    assert limited(over, [Limited("error", NOW)]) == over
