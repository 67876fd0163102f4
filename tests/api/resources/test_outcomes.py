"""POST …/outcomes/: counting outcomes that were determined elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from projects import services
from projects.connections import get_store
from projects.models import Project
from tests.api.live import OUTCOMES
from tests.stamps import settle_changes
from tsdb.outcomes import Category, Outcome

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("held_clock")]

NOW = 1541538000
DAY = 86400
RETENTION = 90 * DAY


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


@pytest.mark.parametrize("word", ["default", "security", "crash"])
def test_another_word_for_error_is_counted_as_error(post: Any, count_of: Any, word: str) -> None:
    assert post({"outcome": "accepted", "category": word, "quantity": 3}).status_code == 201
    assert count_of("generated") == 3


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
    [("localhost", "localhost"), ("key_quota", "key_quota"), ("of my own", "of%20my%20own"), ("☃" * 200, "other")],
)
def test_a_reason_is_counted_as_it_comes_up_to_200_bytes(
    post: Any, project: Project, reason: str, counted: str
) -> None:
    assert post({"outcome": "filtered", "reason": reason}).status_code == 201
    assert names(project) == [f"f:0:error:filtered:{counted}", "t:error:filtered"]


def test_what_was_accepted_needs_no_reason(post: Any, project: Project) -> None:
    assert post({"outcome": "accepted", "reason": "localhost"}).status_code == 201
    assert names(project) == ["f:0:error:accepted:none", "t:error:accepted"]


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
    settle_changes()
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


STATS_IN_ENVIRONMENT = ("received", "generated", "rejected", "blacklisted", "localhost", "cors")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"outcome": "accepted"}, (3, 3, 0, 0, 0, 0)),
        ({"outcome": "rate_limited", "reason": "key_quota"}, (3, 0, 3, 0, 0, 0)),
        ({"outcome": "filtered", "reason": "localhost"}, (3, 0, 0, 3, 3, 0)),
        ({"outcome": "filtered", "reason": "our own"}, (3, 0, 0, 3, 0, 0)),
        ({"outcome": "filtered"}, (3, 0, 0, 3, 0, 0)),
    ],
)
def test_an_environment_knows_what_became_of_its_errors(
    post: Any, count_of: Any, row: dict[str, str], expected: tuple[int, ...]
) -> None:
    post({**row, "environment": "production", "quantity": 3}, {**row, "environment": "staging"}, row)
    found = tuple(count_of(stat, environment="production") for stat in STATS_IN_ENVIRONMENT)
    assert found == expected
    assert count_of("received") == 5


@pytest.mark.parametrize("row", [{"outcome": "invalid"}, {"outcome": "accepted", "category": "transaction"}])
def test_only_errors_of_a_stat_make_an_environment(post: Any, project: Project, row: dict[str, str]) -> None:
    assert post({**row, "environment": "production"}).status_code == 201
    assert not project.environments.exists()


def test_beyond_a_hundred_environments_share_one(post: Any, count_of: Any, project: Project) -> None:
    rows = [{"outcome": "accepted", "environment": f"branch-{number}"} for number in range(103)]
    assert post(*rows).json() == {"accepted": 103}
    assert project.environments.count() == 101
    assert count_of("generated", environment="branch-99") == 1
    assert count_of("generated", environment="other") == 3
    assert count_of("generated") == 103
