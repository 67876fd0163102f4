"""An event counts in its environment with every outcome."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import quote

import pytest

from projects import services
from projects.models import Project, ProjectFilters, ProjectKey
from tests.asgi import Client
from tests.ingest.conftest import Sdk

Count = Callable[..., int]
CSP = b'{"csp-report": {"effective-directive": "img-src"}}'
STATS = ("received", "generated", "rejected", "blacklisted", "release-version", "ip-address")


@pytest.fixture
def in_environment(total: Count) -> Callable[[str], tuple[int, ...]]:
    """Return the value of each of STATS in one environment."""
    return lambda name: tuple(total(stat, environment=name) for stat in STATS)


def test_every_stat_of_an_environment_holds_its_events_alone(
    sdk: Sdk, key: ProjectKey, in_environment: Callable[[str], tuple[int, ...]]
) -> None:
    key.rate_limit_count, key.rate_limit_window = 3, 86400
    services.save_intake(key.project, key, ProjectFilters(project=key.project, release_versions="1.*"))
    for environment in ("production", "staging", "production"):  # the quota is used up then
        assert sdk.event(environment=environment).status_code == 200
    for name in ("production", "staging", "staging", None):
        assert sdk.event(environment=name).status_code == 429
        assert sdk.event(environment=name, release="1.0").status_code == 200

    assert in_environment("production") == (4, 2, 1, 1, 1, 0)
    assert in_environment("staging") == (5, 1, 2, 2, 2, 0)


def test_an_event_that_is_filtered_unread_is_counted_in_its_environment(
    sdk: Sdk, key: ProjectKey, in_environment: Callable[[str], tuple[int, ...]]
) -> None:
    services.save_intake(key.project, ProjectFilters(project=key.project, ip_addresses="127.0.0.1"))
    sdk.event(environment="production")
    trace = {"public_key": key.public, "environment": "production"}
    sdk.envelope(({"type": "event"}, b"{}"), header={"event_id": "a" * 32, "trace": trace})
    sdk.post("store/", json.dumps({"environment": "production"}).encode())
    assert in_environment("production") == (3, 0, 0, 3, 0, 3)


def test_a_security_report_is_counted_in_the_environment_that_its_url_names(
    client: Client, project: Project, key: ProjectKey, in_environment: Callable[[str], tuple[int, ...]]
) -> None:
    key.rate_limit_count, key.rate_limit_window = 1, 86400
    services.save_intake(project, key)
    url = f"/api/{project.pk}/security/?sentry_key={key.public}&sentry_environment=production"
    report = {"csp-report": {"effective-directive": "img-src"}}
    answers = [client.post(url, json.dumps(report), content_type="text/plain").status_code for _ in range(2)]
    assert answers == [200, 429]
    assert in_environment("production") == (2, 1, 1, 0, 0, 0)


def test_beyond_a_hundred_environments_what_is_refused_is_counted_under_other_too(
    sdk: Sdk, project: Project, key: ProjectKey, in_environment: Callable[[str], tuple[int, ...]]
) -> None:
    for number in range(100):
        services.environment_id(project.pk, f"env-{number}")
    key.rate_limit_count, key.rate_limit_window = 0, 86400
    services.save_intake(project, key)
    for name in ("env-99", "env-100", "env-101"):
        assert sdk.event(environment=name).status_code == 429
    assert project.environments.count() == 101
    assert in_environment("env-99") == (1, 0, 1, 0, 0, 0)
    assert in_environment("other") == (2, 0, 2, 0, 0, 0)


@pytest.mark.parametrize("name", ["a/b", "none", "None", " ", "a\nb", "a\tb", "x" * 65])
def test_what_is_no_name_is_counted_under_no_environment(
    sdk: Sdk, project: Project, key: ProjectKey, total: Count, name: str
) -> None:
    trace = {"public_key": key.public, "environment": name}
    answers = [
        sdk.event(environment=name),
        sdk.envelope(({"type": "event"}, b"{}"), header={"trace": trace}),
        sdk.post("store/", json.dumps({"environment": name}).encode()),
        sdk.post(f"security/?sentry_environment={quote(name)}", CSP),
    ]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert total() == 4
    assert not project.environments.exists()
