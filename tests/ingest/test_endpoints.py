"""The endpoints of intake. What they count is read from the stats endpoint."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable

import pytest
from pytest_django import DjangoAssertNumQueries

from projects import services
from projects.models import Environment, Project, ProjectFilters, ProjectKey
from statsapi.ingest.owners import DISABLED_KEY
from tests.asgi import Client
from tests.ingest.conftest import Sdk
from tests.ingest.counts import total_of
from tsdb.outcomes import Category, Outcome
from tsdb.store import Store

EVENT_ID = "fc6d8c0c43fc4630ad850ee518f1b9d0"
REJECTED = "event submission rejected with_reason: ProjectId"
Total = Callable[..., int]


def test_an_event_is_counted_and_its_id_answered(sdk: Sdk, total: Total) -> None:
    response = sdk.event(EVENT_ID)

    assert (response.status_code, json.loads(response.content)) == (200, {"id": EVENT_ID})
    assert (total("received"), total("generated"), total("rejected")) == (1, 1, 0)


def test_an_event_without_an_id_is_given_one(sdk: Sdk, total: Total) -> None:
    response = sdk.envelope(({"type": "event"}, b"{}"))

    assert len(json.loads(response.content)["id"]) == 32
    assert total() == 1


def test_the_same_id_is_counted_once_and_answered_the_same(sdk: Sdk, total: Total) -> None:
    answers = [sdk.event(EVENT_ID).content for _ in range(3)]

    assert len(set(answers)) == 1
    assert total() == 1


def test_the_same_id_counts_in_each_project(sdk: Sdk, total: Total, project: Project) -> None:
    other = services.create_project(organization=project.organization, slug="other", name="Other")
    sdk.event(EVENT_ID)
    Sdk(other.keys.get()).event(EVENT_ID)

    assert total() == 1
    response = sdk.http.get("/api/0/projects/acme/other/stats/")
    assert response.status_code == 401


def test_an_event_of_a_known_key_touches_no_sql(
    sdk: Sdk, django_assert_num_queries: DjangoAssertNumQueries, total: Total
) -> None:
    sdk.event(environment="production")
    with django_assert_num_queries(0):
        assert sdk.event(environment="production").status_code == 200
    assert total() == 2


def test_other_categories_are_counted_under_their_own(sdk: Sdk, total: Total, store: Store, project: Project) -> None:
    sdk.envelope(({"type": "transaction"}, b"{}"), header={"event_id": EVENT_ID})
    response = sdk.envelope(({"type": "session"}, b"{}"), ({"type": "log", "item_count": 2}, b'{"items":[1,2]}'))

    assert (response.status_code, json.loads(response.content)) == (200, {})
    assert total() == 0
    assert total_of(store, project, Category.TRANSACTION, Outcome.ACCEPTED) == 1
    assert total_of(store, project, Category.SESSION, Outcome.ACCEPTED) == 1
    assert total_of(store, project, Category.LOG_ITEM, Outcome.ACCEPTED) == 2


def test_parts_of_one_replay_are_all_counted(sdk: Sdk, store: Store, project: Project) -> None:
    for segment in range(3):
        payload = json.dumps({"segment_id": segment}).encode()
        sdk.envelope(({"type": "replay_event"}, payload), header={"event_id": EVENT_ID})

    assert total_of(store, project, Category.REPLAY, Outcome.ACCEPTED) == 3


def test_a_disabled_key_is_refused_at_the_next_request(sdk: Sdk, key: ProjectKey, total: Total) -> None:
    assert sdk.event().status_code == 200
    key.active = False
    services.save_intake(key.project, key)

    response = sdk.event()
    assert (response.status_code, json.loads(response.content)) == (
        403,
        {"detail": REJECTED, "causes": [DISABLED_KEY]},
    )
    key.active = True
    services.save_intake(key.project, key)
    assert sdk.event().status_code == 200
    assert total() == 2


def test_a_changed_filter_is_obeyed_at_the_next_request(sdk: Sdk, project: Project, total: Total) -> None:
    sdk.event(release="1.0")
    services.save_intake(project, ProjectFilters(project=project, release_versions="1.*"))
    response = sdk.event(EVENT_ID, release="1.0")

    assert (response.status_code, json.loads(response.content)) == (200, {"id": EVENT_ID})
    assert (total("received"), total("generated"), total("blacklisted"), total("release-version")) == (2, 1, 1, 1)


def test_a_list_of_globs_from_before_there_were_limits_is_obeyed(sdk: Sdk, project: Project, total: Total) -> None:
    globs = [*(f"*x{number:04d}*" for number in range(1200)), "Error: *boom"]
    ProjectFilters.objects.create(project=project, error_messages="\n".join(globs))
    errors = [{"type": "Error", "value": value} for value in ("a" * 8000, "big boom")]
    sdk.event(exception={"values": errors})
    sdk.event(exception={"values": errors[:1]})

    assert (total("received"), total("error-message")) == (2, 1)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.0/8"])
def test_an_address_is_filtered_without_reading_the_event(
    sdk: Sdk, project: Project, total: Total, address: str
) -> None:
    services.save_intake(project, ProjectFilters(project=project, ip_addresses=address))
    sdk.event()

    assert total("ip-address") == 1


def test_a_quota_refuses_what_is_beyond_it(sdk: Sdk, key: ProjectKey, total: Total) -> None:
    key.rate_limit_count, key.rate_limit_window = 2, 3600
    services.save_intake(key.project, key)
    answers = [sdk.event() for _ in range(5)]

    assert [answer.status_code for answer in answers] == [200, 200, 429, 429, 429]
    seconds = answers[-1]["Retry-After"]
    assert 1 <= int(seconds) <= 3600
    assert answers[-1]["X-Sentry-Rate-Limits"] == f"{seconds}:default;error;security:key:key_quota"
    assert (total("received"), total("generated"), total("rejected")) == (5, 2, 3)


def test_a_quota_of_zero_refuses_all_errors_and_nothing_else(
    sdk: Sdk, key: ProjectKey, total: Total, store: Store, project: Project
) -> None:
    key.rate_limit_count, key.rate_limit_window = 0, 60
    services.save_intake(key.project, key)

    assert sdk.event().status_code == 429
    assert sdk.envelope(({"type": "session"}, b"{}")).status_code == 200
    assert total("rejected") == 1
    assert total_of(store, project, Category.SESSION, Outcome.ACCEPTED) == 1


def test_an_event_is_counted_in_its_environment(sdk: Sdk, total: Total) -> None:
    sdk.event(environment="production")
    sdk.event(environment="staging")
    sdk.event()

    assert total("generated", environment="production") == 1
    assert total("generated") == 3


def test_the_hundred_and_first_environment_is_called_other(sdk: Sdk, total: Total) -> None:
    for number in range(103):
        sdk.event(environment=f"env-{number}")

    assert Environment.objects.count() == 101
    assert total("generated", environment="env-99") == 1
    assert total("generated", environment="other") == 3


def test_a_client_report_adds_what_the_client_kept_back(sdk: Sdk, total: Total, store: Store, project: Project) -> None:
    report = {
        "discarded_events": [{"reason": "sample_rate", "category": "error", "quantity": 7}],
        "rate_limited_events": [{"reason": "key_quota", "category": "error", "quantity": 3}],
        "filtered_events": [{"reason": "web-crawlers", "category": "error", "quantity": 2}],
    }
    response = sdk.envelope(({"type": "client_report"}, json.dumps(report).encode()))

    assert (response.status_code, json.loads(response.content)) == (200, {})
    assert (total("received"), total("rejected"), total("web-crawlers")) == (5, 3, 2)
    assert total_of(store, project, Category.ERROR, Outcome.CLIENT_DISCARD) == 7


def test_an_unreadable_client_report_is_dropped_and_answered_200(sdk: Sdk, total: Total) -> None:
    assert sdk.envelope(({"type": "client_report"}, b"\xff")).status_code == 200
    assert total() == 0


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "empty request body"),
        (b"[]\n", "invalid event envelope"),
        (b'{"event_id":"x"}\n', "invalid event id"),
    ],
)
def test_bad_data_is_refused_and_counted_as_invalid(
    sdk: Sdk, store: Store, project: Project, total: Total, body: bytes, detail: str
) -> None:
    response = sdk.post("envelope/", body)

    answer = json.loads(response.content)
    assert (response.status_code, answer["detail"]) == (400, detail)
    assert isinstance(answer["causes"], list)
    assert total_of(store, project, Category.ERROR, Outcome.INVALID) == 1
    assert total() == 0


def test_a_deleted_project_is_refused_at_once_and_leaves_no_key(sdk: Sdk, project: Project, store: Store) -> None:
    sdk.event()
    services.delete_project(project=project)

    assert sdk.event().status_code == 403
    assert store.clients.read.keys("ts:*") == []


@pytest.mark.parametrize("encoding", ["json", "base64", "zlib"])
def test_the_store_endpoint_takes_old_bodies_with_and_without_the_slash(sdk: Sdk, total: Total, encoding: str) -> None:
    body = json.dumps({"event_id": EVENT_ID, "message": "hello"}).encode()
    if encoding != "json":
        body = base64.b64encode(zlib.compress(body) if encoding == "zlib" else body)
    for endpoint in ("store/", "store"):
        response = sdk.post(endpoint, body)
        assert (response.status_code, json.loads(response.content)) == (200, {"id": EVENT_ID})
    assert total() == 1


def test_the_store_endpoint_answers_a_get_with_a_pixel(sdk: Sdk, key: ProjectKey, total: Total) -> None:
    query = {"sentry_key": key.public, "sentry_version": "7", "sentry_data": '{"message":"hello"}'}
    response = sdk.http.get(f"/api/{key.project_id}/store/", query)

    assert (response.status_code, response["Content-Type"]) == (200, "image/gif")
    assert response.content.startswith(b"GIF89a")
    assert total() == 1


@pytest.mark.parametrize("endpoint", ["security", "csp-report"])
def test_a_security_report_is_an_error(sdk: Sdk, key: ProjectKey, total: Total, endpoint: str) -> None:
    report = {"csp-report": {"effective-directive": "img-src", "blocked-uri": "http://example.com/x.png"}}
    response = sdk.http.post(
        f"/api/{key.project_id}/{endpoint}/?sentry_key={key.public}",
        json.dumps(report),
        content_type="application/csp-report",
    )

    assert response.status_code == 200
    assert total() == 1


def test_a_preflight_is_answered_to_any_page(client: Client) -> None:
    response = client.options("/api/1/envelope/", headers={"origin": "https://shop.example"})

    assert (response.status_code, response.content) == (200, b"")
    assert response["Access-Control-Allow-Origin"] == "*"
    assert "x-sentry-auth" in response["Access-Control-Allow-Headers"]


def test_every_answer_may_be_read_by_any_page(sdk: Sdk) -> None:
    for response in (sdk.event(), sdk.post("envelope/", b"")):
        assert response["Access-Control-Allow-Origin"] == "*"
        assert response["Access-Control-Expose-Headers"] == "x-sentry-error, x-sentry-rate-limits, retry-after"
