"""A deleted project is gone at once, intake under way does not bring it back, and its slug starts at 0.

See docs/reliability.md#deleted-project.
"""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.test import Client
from redis.exceptions import RedisError

from projects import services
from projects.models import Environment, Organization, Project, ProjectKey
from tests.faults.asking import STATS, count, series
from tests.faults.stage import Stage
from tests.projects.stores import use_store
from tests.tsdb.breaking import breaking
from tests.tsdb.tools import keys_of
from tsdb.store import Store


def test_it_is_404_at_once_to_read_and_to_count_into(api: Client, project: Project) -> None:
    number = project.pk
    key = project.keys.get()
    assert count(api, {"environment": "production", "key": key.public}).status_code == 201
    assert api.get(STATS).status_code == 200
    services.delete_project(project=project)
    for reference in ("web", str(number), f"0{number}", f"00{number}"):
        url = f"/api/0/projects/acme/{reference}"
        assert api.get(f"{url}/stats/").status_code == 404
        assert api.post(f"{url}/outcomes/", {}, content_type="application/json").status_code == 404
    event = b'{}\n{"type":"event"}\n{"event_id":"' + b"a" * 32 + b'"}\n'
    sent = api.post(f"/api/{number}/envelope/?sentry_key={key.public}", event, content_type="text/plain")
    assert sent.status_code == 403


def test_a_scan_finds_no_key_of_it_and_says_how_many_went(api: Client, project: Project, store: Store) -> None:
    number = project.pk
    public = project.keys.get().public
    rows = [
        {"environment": "production", "key": public},
        {"outcome": "filtered", "reason": "localhost"},
        {"outcome": "client_discard", "category": "transaction"},
    ]
    assert count(api, *rows, **{"idempotency-key": "a"}).status_code == 201
    keys = keys_of(store, number)
    assert len(keys) > 20
    assert services.delete_project(project=project) == len(keys)
    assert keys_of(store, number) == set()
    left = list(store.clients.read.scan_iter(f"*{{{number}}}*"))
    assert [key for key in left if not key.startswith(b"stamp:")] == []  # a stamp is of an organization
    assert not ProjectKey.objects.exists()
    assert not Environment.objects.exists()


def test_its_slug_can_be_used_again_and_starts_at_0(api: Client, project: Project, organization: Organization) -> None:
    number = project.pk
    assert count(api, {"quantity": 5}, **{"idempotency-key": "a"}).status_code == 201
    services.delete_project(project=project)
    again = services.create_project(organization=organization, slug="web", name="Web")
    assert again.pk != number
    assert series(api) == {}
    assert count(api, {"quantity": 5}, **{"idempotency-key": "a"}).status_code == 201
    assert sum(series(api).values()) == 5


def test_deleting_an_organization_deletes_the_counts_of_all_its_projects(
    api: Client, project: Project, organization: Organization, store: Store
) -> None:
    second = services.create_project(organization=organization, slug="shop", name="Shop")
    numbers = [project.pk, second.pk]
    for slug in ("web", "shop"):
        rows = {"outcomes": [{"outcome": "accepted"}]}
        url = f"/api/0/projects/acme/{slug}/outcomes/"
        assert api.post(url, rows, content_type="application/json").status_code == 201
    keys = sum(len(keys_of(store, number)) for number in numbers)
    assert services.delete_organization(organization=organization) == keys
    assert [keys_of(store, number) for number in numbers] == [set(), set()]
    assert api.get(STATS).status_code == 401


@pytest.mark.django_db(transaction=True)
def test_when_redis_does_not_answer_nothing_is_deleted(
    api: Client, project: Project, monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    assert count(api, {"quantity": 5}).status_code == 201

    silent, client = breaking(store)
    client.break_at(1, carried_out=False)
    with monkeypatch.context() as patch:
        use_store(patch, silent)
        with pytest.raises(RedisError):
            services.delete_project(project=project)
    assert client.has_broken
    assert sum(series(api).values()) == 5
    assert services.delete_project(project=Project.objects.get()) > 0


@pytest.mark.parametrize("race", range(6))
def test_intake_under_way_cannot_bring_it_back(stage: Stage, race: int) -> None:
    """Six clients count into it without a pause, as gateways and as SDKs do, with and without an id."""
    slug = f"race-{race}"
    number, public = stage.service.run(f"""
racing = services.create_project(organization=acme, slug={slug!r}, name="Racing")
answer = racing.pk, racing.keys.get().public
""")
    ended = threading.Event()
    rows = {"outcomes": [{"outcome": "accepted", "environment": "production", "key": public}]}

    def send(client: int) -> Counter[int]:
        statuses: Counter[int] = Counter()
        sent = 0
        while not ended.is_set():
            sent += 1
            if client % 3 == 2:
                event = {"event_id": f"{client:016x}{sent:016x}", "environment": "production"}
                path = f"/api/{number}/store/?sentry_key={public}&sentry_version=7"
                answer = stage.service.ask("POST", path, event, authorization="")
            else:
                headers = {"idempotency_key": f"{client} {sent}"} if client % 3 else {}
                answer = stage.service.ask("POST", f"/api/0/projects/acme/{slug}/outcomes/", rows, **headers)
            statuses[answer.status] += 1
            if statuses[200] + statuses[201] > 3 * (race % 2):  # in every other race the first count is still under way
                begun.release()
        return statuses

    begun = threading.Semaphore(0)
    with ThreadPoolExecutor(6) as clients:
        running = [clients.submit(send, client) for client in range(6)]
        try:
            for _ in range(12 * (race % 2)):
                assert begun.acquire(timeout=20)
            stage.service.run("services.delete_project(project=racing)")
            after = stage.service.ask("POST", f"/api/0/projects/acme/{slug}/outcomes/", rows)
        finally:
            ended.set()
        statuses = sum((one.result() for one in running), Counter())
    assert after.status == 404
    # 400: the project existed when the request began, but its key did not any more. 503: the machine stood still.
    assert set(statuses) <= {200, 201, 400, 403, 404, 503}, statuses
    with stage.redis.client() as client:
        left = list(client.scan_iter(f"ts:{{{number}}}:*"))
        assert left == [], client.get(f"ts:{{{number}}}:state")


def test_a_change_of_its_keys_in_full_swing_loses_no_acknowledged_count(stage: Stage) -> None:
    """Each change closes the project for a moment, and the next count opens it again."""
    ended = threading.Event()

    def send(client: int) -> int:
        acknowledged = 0
        while not ended.is_set():
            # Again under its key: one that Redis counted too late for a busy machine is answered 503.
            while (answer := stage.service.count(idempotency_key=f"{client} {acknowledged}")).status != 201:
                assert answer.status == 503, answer
            acknowledged += 1
        return acknowledged

    with ThreadPoolExecutor(4) as clients:
        running = [clients.submit(send, client) for client in range(4)]
        try:
            for label in range(20):
                stage.service.run(f'services.create_key(project=web, label="{label}")')
        finally:
            ended.set()
        acknowledged = sum(one.result() for one in running)
    assert [stage.service.counted(resolution) for resolution in ("10s", "1h", "1d")] == [acknowledged] * 3
    stage.service.run('web.keys.exclude(label="Default").delete()')
