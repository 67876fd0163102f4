"""POST …/outcomes/ with an Idempotency-Key."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine
from django.test import Client

from projects import services
from projects.connections import get_store
from projects.models import Project
from tests.api.live import OUTCOMES

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("held_clock")]

NOW = 1541538000
DAY = 86400
RETENTION = 90 * DAY


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
