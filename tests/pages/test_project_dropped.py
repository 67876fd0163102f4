"""What a project's page says about what was dropped, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client

from projects import services
from projects.models import Project, ProjectFilters, ProjectKey
from statsapi.pages.project import views
from statsapi.pages.project.facts import totals_by_environment
from statsapi.pages.project.numbers import LABELS, share_text
from statsapi.pages.project.reasons import why
from tests.api.counting import DAY, HOUR, NOW, post
from tests.ingest.conftest import Sdk
from tests.pages.showing import show, table_of, text_of, totals_of
from tsdb.outcomes import NO_REASON, REASONS, Outcome

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW + 3, tick=False) as clock:
        yield clock


@pytest.fixture
def key(project: Project) -> ProjectKey:
    return project.keys.get()


@pytest.fixture
def sdk(key: ProjectKey) -> Sdk:
    return Sdk(key)


def limit(key: ProjectKey, count: int | None, window: int | None) -> None:
    key.rate_limit_count, key.rate_limit_window = count, window
    services.save_intake(key.project, key)


def report(sdk: Sdk, reason: str, quantity: int) -> None:
    """Tell, as an SDK does, that it held events back."""
    discarded = [{"reason": reason, "category": "error", "quantity": quantity}]
    answer = sdk.envelope(({"type": "client_report"}, json.dumps({"discarded_events": discarded}).encode()))
    assert answer.status_code == 200


def test_all_that_a_quota_cost_is_shown(
    viewer: Client, sdk: Sdk, key: ProjectKey, clock: time_machine.Traveller
) -> None:
    """An application with a quota of five makes 75 events. An SDK sends none after a 429, and tells how many."""
    limit(key, 5, 600)
    for _ in range(6):
        assert [sdk.event().status_code for _ in range(5)] == [200] * 5
        clock.shift(600)
    for _ in range(5):
        clock.shift(-600)
    assert sdk.event().status_code == 429
    report(sdk, "ratelimit_backoff", 44)

    clock.shift(HOUR)
    page = show(viewer, timezone="Europe/Berlin")
    assert totals_of(page) == {
        "Received": "31",
        "Accepted": "30",
        "Filtered": "0",
        "Rate limited": "1",
        "Client discards": "44",
        "Invalid": "0",
    }
    assert "45 of 75 (60.0 %) that were sent or held back were not accepted." in text_of(page)
    first, second = table_of(page, "Dropped, and why")
    assert first[0] == (
        "SDK: silent after a 429 After a 429 the SDK stays silent until the limit is over. These were never sent."
    )
    assert first[1:] == ["Client discards", "44", "58.7 %"]
    assert second[0] == (
        "Quota of a key The key had used up its quota, so the service answered 429. Key “Default”: 1. "
        "Its quota is 5 in 10 minutes: 0 are taken, until 00:20 (Europe/Berlin)."
    )
    assert second[1:] == ["Rate limited", "1", "1.3 %"]
    assert table_of(page, "By key") == [["Key “Default”", "75", "30", "0", "1", "44", "0", "60.0 %"]]


def test_the_state_of_each_quota_is_told(viewer: Client, api: Client, project: Project, key: ProjectKey) -> None:
    none, free = (services.create_key(project=project, label=label) for label in ("None", "Free"))
    limit(none, 0, 60)
    limit(key, 5, DAY)
    gone = services.create_key(project=project, label="Gone")
    for quantity, one in enumerate((key, none, free, gone, None), start=1):
        named = {"key": one.public} if one else {}
        row = {"outcome": "rate_limited", "reason": "key_quota", "quantity": quantity, "timestamp": NOW, **named}
        post(api, "web", row)
    number = gone.pk
    services.delete_keys([gone])
    ((said, *_),) = table_of(show(viewer), "Dropped, and why")
    assert said.partition("429. ")[2] == (
        f"No key: 5. A deleted key (number {number}): 4. Key “Free”: 3. It has no quota now. "
        "Key “None”: 2. Its quota is 0, so it takes none. "
        "Key “Default”: 1. Its quota is 5 in 1 day: 0 are taken, until 2018-11-06 00:00 (UTC)."
    )


def test_real_refusals_have_their_reasons(viewer: Client, sdk: Sdk, project: Project) -> None:
    services.save_intake(project, ProjectFilters(project=project, localhost=True))
    sdk.event(request={"url": "http://localhost:8000/"})
    sdk.post("envelope/", b"")
    sdk.post("store/", b"{")
    report(sdk, "sample_rate", 3)
    report(sdk, "a word that nobody knows", 2)
    rows = table_of(show(viewer), "Dropped, and why")
    assert [(row[1], row[2]) for row in rows] == [
        ("Client discards", "3"),
        ("Client discards", "2"),
        ("Filtered", "1"),
        ("Invalid", "1"),
        ("Invalid", "1"),
    ]
    assert [row[0].partition(" ")[0] for row in rows[:3]] == ["SDK:", "SDK:", "Filter:"]
    assert rows[1][0].startswith("SDK: a word that nobody knows")


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.ACCEPTED])
def test_every_reason_has_a_name_and_a_sentence(outcome: Outcome) -> None:
    for reason in REASONS:
        name, sentence = why(outcome, reason)
        assert name[0].isupper()
        assert sentence[0].isupper()
        assert sentence.endswith(".")


def test_every_known_reason_is_explained_by_itself() -> None:
    general = {outcome: why(outcome, "unheard of").sentence for outcome in LABELS}
    for reason in REASONS:
        assert any(why(outcome, reason).sentence != general[outcome] for outcome in LABELS), reason
    assert why(Outcome.FILTERED, "unheard of").name == "Filtered: unheard of"
    assert why(Outcome.ABUSE, NO_REASON).name == "Abuse"


def test_what_is_counted_while_a_page_is_read_makes_no_number_negative(
    viewer: Client, sdk: Sdk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environments are read after the whole project. Two more events are counted in between."""

    def count_two_more(*arguments: Any) -> dict[str, dict[Outcome, int]]:
        for _ in range(2):
            sdk.event(environment="prod")
        return totals_by_environment(*arguments)

    sdk.event(environment="prod")
    monkeypatch.setattr(views, "totals_by_environment", count_two_more)
    assert table_of(show(viewer), "By environment") == [["prod", "3", "3", "0", "0", "0 %"]]


def test_nothing_dropped_and_nothing_counted_are_told_apart(viewer: Client, api: Client, project: Project) -> None:
    assert "Nothing was counted in this range." in show(viewer)
    post(api, "web", {"outcome": "accepted", "quantity": 1234, "timestamp": NOW})
    assert "Nothing was dropped: all 1,234 were accepted." in show(viewer)


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [
        (0, 0, "0 %"),
        (0, 9, "0 %"),
        (9, 9, "100.0 %"),
        (1, 10**6, "< 0.1 %"),
        (10**6 - 1, 10**6, "> 99.9 %"),
        (45, 75, "60.0 %"),
    ],
)
def test_a_share_is_never_rounded_to_nothing_or_all(part: int, whole: int, said: str) -> None:
    assert share_text(part, whole) == said
