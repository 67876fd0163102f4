"""What a sender is told whose key may not send: about its key, and nothing about the project."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries as Queries

from projects import services
from projects.models import Project, ProjectKey
from statsapi.ingest import config, owners
from statsapi.ingest.credentials import UNKNOWN_KEY
from statsapi.ingest.owners import DISABLED_KEY, FOREIGN_KEY, NOT_OF_PROJECT
from tests.asgi import Client

REJECTED = "event submission rejected with_reason: ProjectId"
NOBODY = "0" * 32
BEYOND = 2**63


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    config.forget_all()
    monkeypatch.setattr(owners, "_looks", -1000)  # what earlier tests of this second have used


@pytest.fixture
def other(project: Project) -> Project:
    return services.create_project(organization=project.organization, slug="other", name="Other")


def send(project: int, public: str) -> Any:
    auth = f"Sentry sentry_key={public}, sentry_version=7"
    return Client().send(f"/api/{project}/envelope/", b"{}\n", x_sentry_auth=auth)


def causes(project: int, public: str) -> list[str]:
    return causes_of(send(project, public))


def causes_of(response: Any) -> list[str]:
    answer: dict[str, Any] = response.json()
    assert (response.status_code, answer["detail"], response["X-Sentry-Error"]) == (403, REJECTED, REJECTED)
    causes: list[str] = answer["causes"]
    return causes


def test_each_cause_is_told(project: Project, key: ProjectKey, other: Project) -> None:
    foreign = other.keys.get().public
    assert causes(project.pk, NOBODY) == [UNKNOWN_KEY]
    assert causes(project.pk, foreign) == [FOREIGN_KEY]
    key.active = False
    services.save_intake(project, key)
    assert causes(project.pk, key.public) == [DISABLED_KEY]
    assert causes(other.pk, key.public) == [FOREIGN_KEY]


def test_a_project_that_does_not_exist_looks_like_one_that_does_not_have_the_key(
    project: Project, key: ProjectKey, other: Project
) -> None:
    for public in (NOBODY, "no key at all", other.keys.get().public):
        answers = [send(number, public) for number in (project.pk, other.pk + 1000, BEYOND, 0)]
        assert len({(one.status_code, one.content, tuple(sorted(one.headers.items()))) for one in answers}) == 1


def test_a_deleted_project_leaves_an_unknown_key(project: Project, key: ProjectKey) -> None:
    assert send(project.pk, key.public).status_code == 200
    services.delete_project(project=project)
    assert causes(project.pk, key.public) == [UNKNOWN_KEY]


@pytest.mark.parametrize("is_whole_project", [True, False])
def test_a_deleted_key_is_unknown_although_it_was_looked_for_before(
    project: Project, key: ProjectKey, other: Project, is_whole_project: bool
) -> None:
    by_key = f"/api/store/?sentry_key={key.public}"
    assert Client().send(by_key, b"{}").status_code == 200
    if is_whole_project:
        services.delete_project(project=project)
    else:
        services.delete_keys([key])
    assert causes_of(Client().send(by_key, b"{}")) == [UNKNOWN_KEY]
    assert causes(project.pk, key.public) == [UNKNOWN_KEY]


def test_the_same_key_is_looked_for_once(project: Project, other: Project, django_assert_num_queries: Queries) -> None:
    foreign = other.keys.get().public
    for public in (NOBODY, foreign):
        causes(project.pk, public)
    with django_assert_num_queries(0):
        assert [causes(project.pk, public) for public in (NOBODY, foreign)] == [[UNKNOWN_KEY], [FOREIGN_KEY]]


def test_ever_new_keys_do_not_ask_the_database_without_end(
    project: Project,
    key: ProjectKey,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: Queries,
) -> None:
    monkeypatch.setattr(owners, "MOST_LOOKS", -10_000)  # below what the fixture says was used
    assert send(project.pk, key.public).status_code == 200
    with django_assert_num_queries(0):
        assert causes(project.pk, NOBODY) == [NOT_OF_PROJECT]


def test_what_is_remembered_of_keys_is_bounded(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owners, "MOST_KEYS", 3)
    for number in range(8):
        causes(project.pk, f"{number:032x}")
    assert list(owners._known) == [f"{number:032x}" for number in (5, 6, 7)]


def test_a_key_that_is_made_after_it_was_refused_may_send_at_once(project: Project) -> None:
    assert causes(project.pk, NOBODY) == [UNKNOWN_KEY]
    services.save_intake(project, ProjectKey(project=project, label="new", public=NOBODY))
    assert send(project.pk, NOBODY).status_code == 200
