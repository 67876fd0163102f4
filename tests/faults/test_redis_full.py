"""A Redis without memory left that evicts nothing: intake is refused, reads go on, and no event is half counted.

See docs/reliability.md#redis-full.
"""

from __future__ import annotations

from itertools import product

import pytest
from django.conf import settings

from tests.faults.stage import Stage, refuses_for_now
from tsdb.outcomes import FILTERS, Category

SUMS = """
import time
from tsdb.series import Series
from tsdb.timeline import Window

store, now, answer = get_store(), int(time.time()), {"t": [], "f": []}
for rollup in store.rollups:
    window = Window(rollup, rollup.oldest_bucket(now), rollup.bucket(now))
    series = [Series(web.pk, name) for name in store.series_of(web.pk) if ":filtered" in name]
    sums = store.get_sums(series, window, now=now)
    for kind, found in answer.items():
        found.append(sum(count for one, count in sums.items() if one.name.startswith(kind)))
"""
"""Code that returns what was counted as filtered: the sums of totals and of facts at each rollup."""


def fill(stage: Stage, spare: int | None = None) -> None:
    """Leave `spare` bytes of memory. With None, Redis holds more than its limit already."""
    with stage.redis.client() as client:
        limit = 1 if spare is None else int(client.info("memory")["used_memory"]) + spare
        client.config_set("maxmemory", limit)


def test_intake_is_refused_and_reads_are_answered(stage: Stage) -> None:
    assert stage.service.count(5).status == 201
    fill(stage)
    refused = stage.service.count(3)
    assert refuses_for_now(refused), refused
    assert stage.service.counted() == 5
    assert stage.service.ask("GET", "/readyz", authorization="").status == 200
    stage.mend()
    assert stage.service.count(3).status == 201
    assert stage.service.counted() == 8


def test_reads_are_answered_when_nothing_is_known_and_nothing_can_be_kept(stage: Stage) -> None:
    assert stage.service.count(5).status == 201
    stage.redis.forget_known()
    fill(stage)
    assert stage.service.counted() == 5
    assert stage.service.ask("GET", "/api/0/projects/acme/other/stats/").status == 404


def test_a_token_can_be_revoked_and_a_project_deleted_to_make_room(stage: Stage) -> None:
    secret = stage.service.run("""
services.create_project(organization=acme, slug="huge", name="Huge")
token = services.create_token(organization=acme, scopes=SCOPES)
answer = token.secret
""")
    headers = {"authorization": f"Bearer {secret}"}
    rows = {"outcomes": [{"outcome": "accepted"}]}
    assert stage.service.ask("POST", "/api/0/projects/acme/huge/outcomes/", rows, **headers).status == 201
    fill(stage)
    stage.service.run("services.revoke_tokens([token.token])")
    assert stage.service.ask("GET", "/api/0/projects/acme/huge/stats/", **headers).status == 401
    stage.service.run('services.delete_project(project=Project.objects.get(slug="huge"))')
    assert stage.service.ask("GET", "/api/0/projects/acme/huge/stats/").status == 404


@pytest.mark.parametrize("spare", [2_000, 20_000, 60_000])
def test_whatever_memory_is_left_an_event_is_counted_wholly_or_not_at_all(stage: Stage, spare: int) -> None:
    fill(stage, spare)
    acknowledged = 0
    for category, reason in product(Category, (*FILTERS, "key_quota")):
        row = {"outcome": "filtered", "category": category, "reason": reason, "quantity": 2}
        answer = stage.service.ask("POST", "/api/0/projects/acme/web/outcomes/", {"outcomes": [row]})
        if answer.status != 201:
            assert refuses_for_now(answer)
            break
        acknowledged += 2
    else:
        pytest.fail("the memory was never used up")
    stage.mend()
    sums = stage.service.run(SUMS)
    everywhere = [acknowledged] * len(settings.TSDB_ROLLUPS)
    assert sums == {"t": everywhere, "f": everywhere}
