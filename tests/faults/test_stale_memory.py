"""Readers that load during a change what they keep: a revocation, a new name or a deletion holds at the next request.

See docs/reliability.md#bad-tokens.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from django.test import Client
from redis.exceptions import ConnectionError as RedisConnectionError

from projects import services
from projects.connections import get_store
from projects.models import ApiToken, Organization, Project
from tests.faults.asking import OUTCOMES, STATS
from tests.faults.stage import Stage, in_time
from tests.meddling import after_reading
from tests.servers import wait_for
from tests.service import Answer
from tests.stamps import settle_changes
from tsdb.stamps import Stamps

RACES = 2


@pytest.fixture
def web(transactional_db: None) -> Project:
    organization = services.create_organization(slug="acme", name="Acme")
    return services.create_project(organization=organization, slug="web", name="Web")


@pytest.fixture
def reader(web: Project) -> Client:
    secret = services.create_token(organization=web.organization, scopes=["project:read", "project:write"]).secret
    return Client(headers={"authorization": f"Bearer {secret}"})


def revoke() -> object:
    return services.revoke_tokens(ApiToken.objects.all())


def delete_token() -> object:
    return services.delete_tokens(ApiToken.objects.all())


def take_scope() -> object:
    token = ApiToken.objects.get()
    token.scopes = ["org:read"]
    return services.update_token(token=token)


def rename() -> object:
    project = Project.objects.get()
    project.slug = "web2"
    return services.update_project(project=project)


def delete_project() -> object:
    return services.delete_project(project=Project.objects.get())


def delete_organization() -> object:
    return services.delete_organization(organization=Organization.objects.get())


CHANGES: list[tuple[Callable[[], object], int]] = [
    (revoke, 401),
    (delete_token, 401),
    (take_scope, 403),
    (rename, 302),
    (delete_project, 404),
    (delete_organization, 401),
]


@pytest.mark.parametrize("warm", [STATS, OUTCOMES.replace("outcomes", "keys")])
@pytest.mark.parametrize(("change", "status"), CHANGES)
def test_a_change_holds_at_the_next_request_of_a_worker_that_knew_it_otherwise(
    reader: Client, warm: str, change: Callable[[], object], status: int
) -> None:
    assert [reader.get(warm).status_code for _ in range(2)] == [200, 200]
    change()
    assert reader.get(warm).status_code == status


@pytest.mark.parametrize(("change", "status"), CHANGES)
def test_a_write_of_a_worker_that_knew_it_otherwise_is_refused_too(
    reader: Client, change: Callable[[], object], status: int
) -> None:
    assert [reader.get(STATS).status_code for _ in range(2)] == [200, 200]
    change()
    written = reader.post(OUTCOMES, {}, content_type="application/json").status_code
    assert written == (308 if status == 302 else status)


def test_a_refusal_of_a_worker_that_knew_it_otherwise_is_taken_back(reader: Client) -> None:
    token = ApiToken.objects.get()
    token.expires = datetime.now(UTC)
    services.update_token(token=token)
    assert [reader.get(STATS).json() for _ in range(2)] == [{"detail": "Token expired"}] * 2
    token.expires = None
    token.scopes = ["org:read"]
    services.update_token(token=token)
    assert [reader.get(STATS).status_code for _ in range(2)] == [403, 403]
    token.scopes = ["project:read"]
    services.update_token(token=token)
    assert reader.get(STATS).status_code == 200


def test_a_revoked_token_is_refused_though_redis_has_lost_that_it_was_revoked(reader: Client) -> None:
    assert [reader.get(STATS).status_code for _ in range(2)] == [200, 200]
    revoke()
    get_store().clients.write.flushdb()
    assert reader.get(STATS).status_code == 401


# --- the one dangerous order of events, forced: a reader reads a row, the row changes, the reader keeps what it read


@pytest.mark.parametrize(
    ("table", "change", "status"),
    [
        ("projects_apitoken", revoke, 401),
        ("projects_apitoken", delete_token, 401),
        ("projects_apitoken", take_scope, 403),
        ("projects_apitoken", delete_organization, 401),
        ("projects_project", rename, 302),
        ("projects_project", delete_project, 404),
        ("projects_project", delete_organization, 401),
    ],
)
def test_a_row_that_was_read_before_a_change_is_not_kept_after_it(
    reader: Client, table: str, change: Callable[[], object], status: int
) -> None:
    assert reader.get(STATS).status_code == 200
    settle_changes()  # so that all is loaded anew
    with after_reading(table, change):
        reader.get(STATS)  # the request began before the change, so any answer is right
    for _ in range(3):
        assert reader.get(STATS).status_code == status
        written = reader.post(OUTCOMES, {}, content_type="application/json").status_code
        assert written == (308 if status == 302 else status)


def test_a_slug_that_another_project_takes_leads_to_it_at_once(reader: Client, web: Project) -> None:
    rename()
    assert reader.get(STATS).status_code == 302

    def take() -> object:
        return services.create_project(organization=web.organization, slug="web", name="Another")

    settle_changes()
    with after_reading("projects_projectredirect", take):
        reader.get(STATS)
    assert reader.get(STATS).status_code == 200


@pytest.mark.parametrize(("change", "status"), [(revoke, 401), (rename, 302), (delete_project, 404)])
def test_a_change_whose_announcement_fails_leaves_nothing_stale(
    reader: Client, monkeypatch: pytest.MonkeyPatch, change: Callable[[], object], status: int
) -> None:
    """Redis may die between the commit and the announcement. The change is made, so it is no error."""
    assert reader.get(STATS).status_code == 200

    def fail(stamps: Stamps, number: int, mark: str) -> None:
        raise RedisConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(Stamps, "end", fail)
        change()
    assert reader.get(STATS).status_code == status


def test_a_change_that_cannot_be_announced_is_not_made(reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(stamps: Stamps, number: int) -> str:
        raise RedisConnectionError

    monkeypatch.setattr(Stamps, "begin", fail)
    for change, _ in CHANGES[:4]:
        with pytest.raises(RedisConnectionError):
            change()
    assert reader.get(STATS).status_code == 200


# --- readers in another process that ask without a pause ---


LATE = 503
"""A status that readers may get if the machine stood still for longer than TSDB_TIMEOUT."""


def told(stage: Stage, path: str, **headers: str) -> Answer:
    """Return an answer that is not late, since a late one does not say what the worker knows."""
    return in_time(lambda: stage.service.ask("GET", path, **headers))


@contextmanager
def readers(stage: Stage, path: str, **headers: str) -> Iterator[list[int]]:
    """Let six clients ask without a pause, and yield the statuses that they get."""
    statuses: list[int] = []
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            statuses.append(stage.service.ask("GET", path, **headers).status)

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    try:
        yield statuses
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def wait_until_known(statuses: list[int], race: int) -> None:
    """Wait until readers know it, in every other race. In the others the change meets readers that know nothing."""
    if race % 2:
        wait_for(lambda: statuses.count(200) >= 10, "ten answers")


@pytest.mark.parametrize("race", range(RACES))
def test_a_revoked_token_is_refused(stage: Stage, race: int) -> None:
    secret = stage.service.run(
        "answer, token = (new := services.create_token(organization=acme, scopes=SCOPES)).secret, new.token"
    )
    headers = {"authorization": f"Bearer {secret}"}
    path = "/api/0/projects/acme/web/stats/"
    with readers(stage, path, **headers) as statuses:
        wait_until_known(statuses, race)
        stage.service.run("services.revoke_tokens([token])")
        for _ in range(10):
            assert told(stage, path, **headers).status == 401
    assert set(statuses) <= {200, 401, LATE}
    assert told(stage, path, **headers).status == 401


@pytest.mark.parametrize("race", range(RACES))
def test_a_renamed_project_leads_on(stage: Stage, race: int) -> None:
    stage.service.run(f'mine = services.create_project(organization=acme, slug="old-{race}", name="Renamed")')
    old, new = (f"/api/0/projects/acme/{one}-{race}/stats/" for one in ("old", "new"))
    with readers(stage, old) as statuses:
        wait_until_known(statuses, race)
        stage.service.run(f'mine.slug = "new-{race}"\nservices.update_project(project=mine)')
        for _ in range(10):
            moved = told(stage, old)
            assert (moved.status, moved.json()["slug"]) == (302, f"new-{race}")
            assert told(stage, new).status == 200
    assert set(statuses) <= {200, 302, LATE}


@pytest.mark.parametrize("race", range(RACES))
def test_a_deleted_project_is_gone_by_slug_and_by_id(stage: Stage, race: int) -> None:
    number = stage.service.run(
        f'gone = services.create_project(organization=acme, slug="gone-{race}", name="Gone")\nanswer = gone.pk'
    )
    path = f"/api/0/projects/acme/gone-{race}/stats/"
    with readers(stage, path) as statuses:
        wait_until_known(statuses, race)
        stage.service.run("services.delete_project(project=gone)")
        for _ in range(10):
            assert told(stage, path).status == 404
            assert told(stage, f"/api/0/projects/acme/{number}/stats/").status == 404
    assert set(statuses) <= {200, 404, LATE}


def test_a_renamed_organization_is_seen(stage: Stage) -> None:
    secret = stage.service.run("""
early = services.create_organization(slug="early", name="Early")
services.create_project(organization=early, slug="web", name="Web")
answer = services.create_token(organization=early, scopes=SCOPES).secret
""")
    headers = {"authorization": f"Bearer {secret}"}
    assert told(stage, "/api/0/projects/early/web/stats/", **headers).status == 200
    stage.service.run('early.slug = "late"\nservices.update_organization(organization=early)')
    assert told(stage, "/api/0/projects/late/web/stats/", **headers).status == 200
    assert told(stage, "/api/0/projects/early/web/stats/", **headers).status == 404
    stage.service.run("services.delete_organization(organization=early)")
    assert told(stage, "/api/0/projects/late/web/stats/", **headers).status == 401
