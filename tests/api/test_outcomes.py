from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from projects import services
from projects.connections import get_store
from projects.models import Project
from tests.api.live import OUTCOMES, STATS
from tsdb.outcomes import Category, Outcome

pytestmark = pytest.mark.django_db

NOW = 1541538000
DAY = 86400
RETENTION = 90 * DAY


@pytest.fixture(autouse=True)
def _held_clock() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def post(api: Client, project: Project) -> Callable[..., Any]:
    """Sends rows."""

    def send(*rows: Any, **headers: str) -> Any:
        return api.post(OUTCOMES, {"outcomes": list(rows)}, "application/json", headers=headers)

    return send


@pytest.fixture
def count_of(api: Client, project: Project) -> Callable[..., int]:
    """The sum of a stat over the last 90 days."""

    def ask(stat: str = "received", **parameters: str) -> int:
        response = api.get(STATS, {"stat": stat, "resolution": "1d", "since": str(NOW - RETENTION), **parameters})
        assert response.status_code == 200, response.content
        return sum(count for _, count in response.json())

    return ask


def names(project: Project) -> list[str]:
    return get_store().series_of(project.pk)


def is_refused(response: Any, *messages: str) -> bool:
    assert (response.status_code, response.json()) == (400, {"outcomes": list(messages)})
    return True


def test_it_answers_the_sum_of_the_quantities(post: Any, count_of: Any) -> None:
    response = post(
        {"outcome": "accepted", "quantity": 3}, {"outcome": "filtered"}, {"outcome": "invalid", "quantity": 5}
    )
    assert (response.status_code, response.json()) == (201, {"accepted": 9})
    assert [count_of(stat) for stat in ("received", "generated", "blacklisted", "rejected")] == [4, 3, 1, 0]


def test_a_row_with_everything_in_it_is_counted_everywhere(post: Any, count_of: Any, project: Project) -> None:
    key = project.keys.get()
    row = {
        "outcome": "accepted",
        "category": "error",
        "reason": None,
        "quantity": 3,
        "timestamp": NOW - 60,
        "key": key.public,
        "environment": "production",
    }
    assert post(row).status_code == 201
    environment = project.environments.get()
    assert names(project) == [f"e:{environment.pk}:accepted", f"f:{key.pk}:error:accepted:none", "t:error:accepted"]
    assert count_of("generated", environment="production") == count_of("generated") == 3


def test_null_is_as_good_as_nothing(post: Any, count_of: Any, project: Project) -> None:
    fields = ("category", "reason", "quantity", "timestamp", "key", "environment")
    assert post({"outcome": "accepted", **dict.fromkeys(fields)}).json() == {"accepted": 1}
    assert names(project) == ["f:0:error:accepted:none", "t:error:accepted"]
    assert not project.environments.exists()


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("category", Category)
def test_every_outcome_is_counted_under_its_category(
    post: Any, count_of: Any, project: Project, outcome: str, category: str
) -> None:
    assert post({"outcome": outcome, "category": category}).status_code == 201
    assert names(project) == [f"f:0:{category}:{outcome}:none", f"t:{category}:{outcome}"]
    counted = category == "error" and outcome in ("accepted", "filtered", "rate_limited")
    assert count_of("received") == counted


@pytest.mark.parametrize(
    ("reason", "counted"),
    [("localhost", "localhost"), ("key_quota", "key_quota"), ("of my own", "other"), ("☃" * 200, "other")],
)
def test_an_unknown_reason_is_counted_as_other(post: Any, project: Project, reason: str, counted: str) -> None:
    assert post({"outcome": "filtered", "reason": reason}).status_code == 201
    assert names(project) == [f"f:0:error:filtered:{counted}", "t:error:filtered"]


def test_the_same_reason_of_another_outcome_is_no_filter(post: Any, count_of: Any) -> None:
    post(
        {"outcome": "rate_limited", "reason": "localhost"},
        {"outcome": "filtered", "reason": "localhost", "quantity": 2},
    )
    assert count_of("localhost") == 2


def test_a_filters_stat_is_added_up_over_all_keys(post: Any, count_of: Any, project: Project) -> None:
    second = services.create_key(project=project)
    for key in (None, project.keys.first().public, second.public):  # type: ignore[union-attr]
        assert post({"outcome": "filtered", "reason": "cors", "key": key, "quantity": 2}).status_code == 201
    assert count_of("cors") == count_of("blacklisted") == 6
    assert count_of("localhost") == 0


# --- faults of a row -----------------------------------------------------------------------------------------

NO_OUTCOME = (
    ".outcome: must be one of accepted, filtered, rate_limited, invalid, abuse, client_discard, cardinality_limited."
)
QUANTITY = ".quantity: must be an integer from 1 to 1000000000."
FUTURE = f".timestamp: lies more than 60 seconds in the future; it is {NOW} now."
OLD = f".timestamp: is older than the longest retention, {RETENTION} seconds."
NO_NUMBER = ".timestamp: must be a number, seconds since the UNIX epoch."
KEY_TEXT = ".key: must be a text of 1 to 32 characters, or null."
NO_KEY = ".key: is not a public key of this project."
FIELDS = "category, environment, key, outcome, quantity, reason, timestamp"
TEXT = ": must be a text of 1 to {} characters, or null."
CONTROL = ": must not contain control characters."


def each(field: str, message: str, *values: Any) -> list[tuple[Any, str]]:
    return [({field: value}, message) for value in values]


FAULTS: list[tuple[Any, str]] = [
    ("accepted", ": must be an object."),
    (None, ": must be an object."),
    ([], ": must be an object."),
    ({}, NO_OUTCOME),
    *each("outcome", NO_OUTCOME, None, "", "Accepted", "received", 1, ["accepted"], {"a": 1}, True),
    ({"outcome": "accepted", "count": 1}, f".count: is not a field; the fields are {FIELDS}."),
    *each("quantity", QUANTITY, 0, -1, 10**9 + 1, 2**63, 10**30, 1.0, 1.5, "1", True, [1]),
    *each("timestamp", NO_NUMBER, "1541455200", "now", True, [1], {}),
    *each("timestamp", FUTURE, NOW + 61, NOW + 60.001, 1e300, 10**30),
    *each("timestamp", OLD, NOW - RETENTION - 1, NOW - RETENTION - 0.001, 0, -1, -1e300),
    *each("reason", f".reason{TEXT.format(200)}", "", "x" * 201, "é" * 201, 1, True, ["x"]),
    *each("environment", f".environment{TEXT.format(64)}", "", "x" * 65, "é" * 65, 1, ["x"]),
    *each("reason", f".reason{CONTROL}", "a\0", "a\n", "\x7f", "\x85"),
    *each("environment", f".environment{CONTROL}", "a\0", "a\n", "\x7f", "\x85"),
    *each("key", KEY_TEXT, "", "a" * 33, 1, ["a" * 32]),
    *each("key", NO_KEY, "a" * 32, "A" * 32, "a", "é" * 16, "'" * 32),
]


@pytest.mark.parametrize(("row", "message"), FAULTS, ids=lambda value: ascii(value)[:60])
def test_it_names_the_fault_of_a_row_and_counts_nothing(post: Any, project: Project, row: Any, message: str) -> None:
    faulty = {"outcome": "accepted", **row} if row and isinstance(row, dict) else row
    good = {"outcome": "accepted", "environment": "production"}
    assert is_refused(post(good, faulty, good), f"[1]{message}")
    assert names(project) == []
    assert not project.environments.exists()


@pytest.mark.parametrize("category", ["", "errors", "Error", 1, ["error"]])
def test_it_refuses_a_category_that_it_does_not_know(post: Any, category: Any) -> None:
    allowed = ", ".join(Category)
    assert is_refused(post({"outcome": "accepted", "category": category}), f"[0].category: must be one of {allowed}.")


def test_it_names_every_faulty_row_at_once(post: Any, project: Project) -> None:
    response = post({"outcome": "accepted", "quantity": 0}, {"outcome": "accepted"}, {"outcome": "accepted", "key": 1})
    assert is_refused(response, f"[0]{QUANTITY}", f"[2]{KEY_TEXT}")
    unknown = {"outcome": "accepted", "key": "a" * 32}
    assert is_refused(post(unknown, {"outcome": "accepted"}, unknown), f"[0]{NO_KEY}", f"[2]{NO_KEY}")


def test_the_key_of_another_project_is_unknown(post: Any, project: Project) -> None:
    other = services.create_project(organization=project.organization, slug="other", name="Other")
    assert is_refused(post({"outcome": "accepted", "key": other.keys.get().public}), f"[0]{NO_KEY}")


@pytest.mark.parametrize("timestamp", [NOW + 60, NOW, NOW - RETENTION, NOW - 0.5, float(NOW)])
def test_it_takes_timestamps_within_their_limits(post: Any, count_of: Any, timestamp: float) -> None:
    assert post({"outcome": "accepted", "timestamp": timestamp}).json() == {"accepted": 1}
    assert count_of(until=str(NOW + 60)) == 1


@pytest.mark.parametrize(
    ("timestamp", "status"),
    [
        (NOW + 60.5, 201),
        (NOW + 60.9, 201),
        (NOW + 60.95, 400),
        (NOW + 0.9 - RETENTION, 201),
        (NOW + 0.85 - RETENTION, 400),
    ],
)
def test_the_limits_of_a_timestamp_are_exact_within_a_second(post: Any, timestamp: float, status: int) -> None:
    with time_machine.travel(NOW + 0.9, tick=False):
        assert post({"outcome": "accepted", "timestamp": timestamp}).status_code == status


def test_the_largest_quantities_are_added_up(post: Any, count_of: Any) -> None:
    response = post(*[{"outcome": "accepted", "quantity": 10**9}] * 1000)
    assert (response.status_code, response.json()) == (201, {"accepted": 10**12})
    assert count_of() == 10**12


# --- faults of the body --------------------------------------------------------------------------------------


def test_a_thousand_rows_are_taken_and_one_more_is_not(post: Any, count_of: Any) -> None:
    row = {"outcome": "accepted"}
    assert post(*[row] * 1000).json() == {"accepted": 1000}
    assert is_refused(post(*[row] * 1001), "Send 1 to 1000 outcomes at a time, not 1001.")
    assert is_refused(post(), "Send 1 to 1000 outcomes at a time, not 0.")
    assert count_of() == 1000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b'{"outcomes": [{"outcome": "accepted"}]',
        b'{"outcomes": [{"outcome": "accepted"}]} {}',
        b"{'outcomes': []}",
        b'{"outcomes": [{"outcome": "accepted", "quantity": NaN}]}',
        b'{"outcomes": [{"outcome": "accepted", "timestamp": Infinity}]}',
        b'{"outcomes": [{"outcome": "accepted", "timestamp": 1e400}]}',
        b'{"outcomes": [{"outcome": "accepted", "environment": "\xff"}]}',
        b'{"outcomes": [{"outcome": "accepted", "environment": "\\ud800"}]}',
        '{"outcomes": [{"outcome": "accepted"}]}'.encode("utf-16"),
        b"\xef\xbb\xbf{}",
        b"\0",
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"outcomes":' * 80_000,
        b'{"outcomes": [' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"]}",
        b"outcomes=accepted",
    ],
    ids=lambda body: ascii(body[:50]),
)
def test_a_body_that_is_no_json_is_400(api: Client, project: Project, body: bytes) -> None:
    response = api.generic("POST", OUTCOMES, body, "application/json")
    assert (response.status_code, response.json()) == (400, {"detail": "The body is not valid JSON."})


@pytest.mark.parametrize(
    "body", ["null", "1", '"x"', "[]", "{}", '{"outcomes": null}', '{"outcomes": {}}', '{"outcomes": "x"}']
)
def test_a_body_without_a_list_of_outcomes_is_400(api: Client, project: Project, body: str) -> None:
    response = api.generic("POST", OUTCOMES, body, "application/json")
    assert is_refused(response, 'This field is required: {"outcomes": [{"outcome": "accepted"}, …]}.')


@pytest.mark.parametrize(
    "kind", ["application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_the_type_of_the_body_does_not_matter(api: Client, project: Project, kind: str) -> None:
    response = api.generic("POST", OUTCOMES, '{"outcomes": [{"outcome": "accepted"}]}', kind)
    assert (response.status_code, response.json()) == (201, {"accepted": 1})


@pytest.mark.parametrize(
    ("kind", "status"),
    [("application/json", 201), ("application/x-www-form-urlencoded", 201), ("multipart/form-data", 400)],
)
def test_a_session_whose_body_is_searched_for_a_csrf_token_may_still_send_json(
    project: Project, log_in: Callable[..., Client], owner: User, kind: str, status: int
) -> None:
    browser = log_in(owner, enforce_csrf_checks=True)
    browser.cookies["csrftoken"] = "x" * 32
    headers = {"x-csrftoken": "x" * 32}
    response = browser.generic("POST", OUTCOMES, '{"outcomes": [{"outcome": "accepted"}]}', kind, headers=headers)
    assert response.status_code == status
    assert response["Content-Type"] == "application/json"


def test_a_body_is_read_to_its_limit_and_no_further(api: Client, project: Project, count_of: Any) -> None:
    body = b'{"outcomes": [{"outcome": "accepted"}]}'
    largest = body + b" " * (1024 * 1024 - len(body))
    assert api.generic("POST", OUTCOMES, largest, "application/json").status_code == 201
    assert api.generic("POST", OUTCOMES, largest + b" ", "application/json").status_code == 413
    assert count_of() == 1


def test_many_keys_are_looked_up_at_once(
    post: Any, project: Project, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    keys = [services.create_key(project=project).public for _ in range(20)]
    cache.clear()  # of the mark that the project is new
    post({"outcome": "accepted"})
    with django_assert_num_queries(1):
        assert post(*({"outcome": "accepted", "key": key} for key in keys)).status_code == 201


# --- environments --------------------------------------------------------------------------------------------


def test_an_environment_is_made_on_first_sight(post: Any, count_of: Any, project: Project) -> None:
    for quantity in (1, 2):
        post({"outcome": "accepted", "environment": "production", "quantity": quantity})
    post({"outcome": "accepted", "environment": "☃" * 64}, {"outcome": "accepted"})
    assert count_of("generated", environment="production") == 3
    assert count_of("generated", environment="☃" * 64) == 1
    assert count_of("generated") == 5
    assert project.environments.count() == 2


@pytest.mark.parametrize("row", [{"outcome": "filtered"}, {"outcome": "accepted", "category": "transaction"}])
def test_only_accepted_errors_make_an_environment(post: Any, project: Project, row: dict[str, str]) -> None:
    assert post({**row, "environment": "production"}).status_code == 201
    assert not project.environments.exists()


def test_beyond_a_hundred_environments_share_one(post: Any, count_of: Any, project: Project) -> None:
    rows = [{"outcome": "accepted", "environment": f"branch-{number}"} for number in range(103)]
    assert post(*rows).json() == {"accepted": 103}
    assert project.environments.count() == 101
    assert count_of("generated", environment="branch-99") == 1
    assert count_of("generated", environment="other") == 3
    assert count_of("generated") == 103


# --- idempotency ---------------------------------------------------------------------------------------------


def test_a_repeat_answers_the_same_and_counts_nothing(post: Any, count_of: Any) -> None:
    row = {"outcome": "accepted", "quantity": 3}
    answers = [post(row, idempotency_key="batch 1") for _ in range(3)]
    assert {(answer.status_code, answer.content) for answer in answers} == {(201, b'{"accepted": 3}')}
    assert count_of() == 3
    post(row, idempotency_key="batch 2")
    post(row)
    assert count_of() == 9


def test_a_repeat_answers_the_same_even_when_its_rows_would_be_refused_by_now(post: Any, project: Project) -> None:
    key = services.create_key(project=project)
    row = {"outcome": "accepted", "timestamp": NOW - RETENTION, "key": key.public}
    assert post(row, idempotency_key="k").status_code == 201
    key.delete()
    with time_machine.travel(NOW + 3600, tick=False):
        repeat = post(row, idempotency_key="k")
    assert (repeat.status_code, repeat.json()) == (201, {"accepted": 1})


@pytest.mark.parametrize(
    "body", ['{"outcomes": [{"outcome": "filtered"}]}', '{"outcomes":[{"outcome":"accepted"}]}', "{}", "", "x"]
)
def test_a_used_key_with_any_other_body_is_409(api: Client, post: Any, count_of: Any, body: str) -> None:
    assert post({"outcome": "accepted"}, idempotency_key="k").status_code == 201
    response = api.generic("POST", OUTCOMES, body, "application/json", headers={"idempotency-key": "k"})
    assert (response.status_code, response.json()) == (
        409,
        {"detail": "This Idempotency-Key was used with another body."},
    )
    assert count_of() == 1


def test_a_refused_body_does_not_use_its_key_up(post: Any, count_of: Any) -> None:
    assert post({"outcome": "nonsense"}, idempotency_key="k").status_code == 400
    assert post({"outcome": "accepted"}, idempotency_key="k").status_code == 201
    assert count_of() == 1


@pytest.mark.parametrize(
    ("key", "status"), [("k", 201), ("k" * 255, 201), ("k" * 256, 400), ("", 400), ("{}:*\x01é", 201)]
)
def test_an_idempotency_key_has_1_to_255_characters(post: Any, count_of: Any, key: str, status: int) -> None:
    response = post({"outcome": "accepted"}, idempotency_key=key)
    assert response.status_code == status
    assert count_of() == (status == 201)
    if status == 400:
        assert response.json() == {"Idempotency-Key": ["Use 1 to 255 characters."]}


def test_a_key_is_kept_for_a_day_and_its_text_is_not(post: Any, project: Project) -> None:
    post({"outcome": "accepted"}, idempotency_key="what-the-caller-chose")
    client = get_store().clients.read
    [claim] = client.keys(f"ts:{{{project.pk}}}:claim:*")
    assert DAY - 5 <= client.ttl(claim) <= DAY
    assert "what-the-caller-chose" not in str(claim) + str(client.get(claim))


def test_one_projects_key_is_not_anothers(api: Client, post: Any, project: Project) -> None:
    services.create_project(organization=project.organization, slug="other", name="Other")
    rows = {"outcomes": [{"outcome": "accepted"}]}
    for slug in ("web", "other"):
        url = f"/api/0/projects/acme/{slug}/outcomes/"
        assert api.post(url, rows, "application/json", headers={"idempotency-key": "k"}).status_code == 201
        answer = api.get(f"/api/0/projects/acme/{slug}/stats/", {"since": str(NOW), "resolution": "10s"})
        assert answer.json()[-1][1] == 1
