"""The command seed: which counts it makes, what it prints, and what it leaves alone."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection
from datetime import UTC, datetime
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.test import Client

from projects import seeding, services
from projects.connections import get_store
from projects.models import ApiToken, Environment, Organization, Project, ProjectKey
from tsdb.outcomes import FILTERS, RECEIVED, Category, Outcome
from tsdb.rollups import Rollup
from tsdb.series import Series, fact, parse_environment, parse_fact, total
from tsdb.store import Increment, ProjectClosed, Store
from tsdb.timeline import Window
from tsdb.tombstones import Tombstones

pytestmark = pytest.mark.usefixtures("db")

NOW = int(datetime(2018, 11, 6, 12, 34, 56, tzinfo=UTC).timestamp())
ONE = ("--organization", "acme", "--project", "web", "--days", "10")


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def seed(*arguments: str, now: int = NOW) -> tuple[str, str]:
    """Run the command, and return what it printed on stdout and on stderr."""
    output, errors = StringIO(), StringIO()
    with time_machine.travel(now, tick=False):
        call_command("seed", *arguments, stdout=output, stderr=errors)
    return output.getvalue(), errors.getvalue()


def project_of(slug: str, organization: str = "acme") -> Project:
    return Project.objects.get(organization__slug=organization, slug=slug)


def read(store: Store, project: Project, rollup: Rollup, now: int = NOW) -> dict[str, dict[int, int]]:
    """Return the counts of every series of the project by the start of their bucket, over the whole retention."""
    window = Window(rollup, rollup.oldest_bucket(now), rollup.bucket(now))
    series = [Series(project.pk, name) for name in store.series_of(project.pk)]
    found = store.get_range(series, window, now=now)
    return {
        one.name: {start: n for start, n in zip(window.timestamps(), found[one], strict=True) if n} for one in series
    }


def without_ids(found: dict[str, dict[int, int]], project: Project) -> dict[str, dict[int, int]]:
    """Replace the ids of keys and environments with names, so that two projects can be compared."""
    names = {str(row.pk): row.name for row in Environment.objects.filter(project=project)}
    renamed = {}
    for name, counts in found.items():
        kind, _, rest = name.partition(":")
        first, _, others = rest.partition(":")
        first = {"f": "key", "e": names.get(first, "")}.get(kind, first)
        renamed[f"{kind}:{first}:{others}"] = counts
    return renamed


def everything(store: Store, project: Project) -> list[dict[str, dict[int, int]]]:
    return [without_ids(read(store, project, rollup), project) for rollup in store.rollups]


def test_it_makes_the_demo_organization_with_three_projects_full_of_counts(store: Store) -> None:
    seed()
    organization = Organization.objects.get()
    projects = list(organization.projects.order_by("pk"))
    assert (organization.slug, organization.name) == ("the-interstellar-jurisdiction", "The Interstellar Jurisdiction")
    assert [project.slug for project in projects] == ["pump-station", "prime-mover", "the-spoiled-yoghurt"]
    finest, minutes, hour, day = store.rollups
    for project in projects:
        accepted = total(project.pk, Category.ERROR, Outcome.ACCEPTED).name
        assert len(read(store, project, day)[accepted]) == 91
        assert len(read(store, project, hour)[accepted]) > 760
        assert read(store, project, minutes)[accepted]
        assert read(store, project, finest)[accepted]


def test_it_counts_every_outcome_filter_reasons_environments_and_transactions(store: Store) -> None:
    seed(*ONE)
    facts = [found for name in store.series_of(project_of("web").pk) if (found := parse_fact(name))]
    assert {found.outcome for found in facts} == {outcome.value for outcome in Outcome}
    assert len({found.reason for found in facts if found.outcome == "filtered"} & set(FILTERS)) >= 5
    assert "key_quota" in {found.reason for found in facts if found.outcome == "rate_limited"}
    assert {"error", "transaction"} < {found.category for found in facts}
    environments = set(Environment.objects.filter(project=project_of("web")).values_list("name", flat=True))
    assert {"production", "staging"} <= environments


def test_its_facts_are_of_the_projects_first_key(store: Store) -> None:
    seed(*ONE)
    project = project_of("web")
    facts = [found for name in store.series_of(project.pk) if (found := parse_fact(name))]
    assert {found.key for found in facts} == {ProjectKey.objects.get(project=project).pk}


def test_all_resolutions_agree(store: Store) -> None:
    seed("--organization", "acme", "--project", "web", "--events-per-day", "50000")
    by_rollup = [read(store, project_of("web"), rollup) for rollup in store.rollups]
    compared = 0
    for finer, coarser, rollup, above in zip(by_rollup, by_rollup[1:], store.rollups, store.rollups[1:], strict=False):
        # Whole buckets of the coarser rollup that the finer one still holds.
        first = -(-rollup.oldest_bucket(NOW) * rollup.seconds // above.seconds)
        for name, counts in coarser.items():
            sums: Counter[int] = Counter()
            for start, n in finer[name].items():
                sums[start // above.seconds] += n
            for bucket in range(first, above.bucket(NOW) + 1):
                assert sums[bucket] == counts.get(bucket * above.seconds, 0), (name, bucket)
                compared += bool(sums[bucket])
    assert compared > 100


def test_totals_are_the_sums_of_facts_and_of_environments(store: Store) -> None:
    seed(*ONE)
    for rollup in store.rollups:
        totals: dict[str, Counter[int]] = {}
        sums: dict[str, Counter[int]] = {}
        environments: dict[str, Counter[int]] = {}
        for name, counts in read(store, project_of("web"), rollup).items():
            found, in_environment = parse_fact(name), parse_environment(name)
            if found:
                sums.setdefault(f"t:{found.category}:{found.outcome}", Counter()).update(counts)
            elif in_environment:
                if in_environment.reason is None:
                    environments.setdefault(in_environment.outcome, Counter()).update(counts)
            else:
                totals[name] = Counter(counts)
        assert totals == sums
        assert environments == {outcome: totals[f"t:error:{outcome}"] for outcome in RECEIVED}


def test_the_projects_differ_from_one_another(store: Store) -> None:
    seed()
    day = store.rollups[-1]
    received = {
        project.slug: sum(read(store, project, day)["t:error:accepted"].values()) for project in Project.objects.all()
    }
    assert received["pump-station"] > 2 * received["the-spoiled-yoghurt"] > 10 * received["prime-mover"] > 0
    limited = {
        project.slug: sum(read(store, project, day)["t:error:rate_limited"].values())
        for project in Project.objects.all()
    }
    assert limited["the-spoiled-yoghurt"] > limited["pump-station"] > limited["prime-mover"]


def test_the_same_random_seed_makes_the_same_data(store: Store) -> None:
    for organization, random_seed in (("acme", "7"), ("same", "7"), ("other", "8")):
        seed("--organization", organization, "--project", "web", "--days", "9", "--random-seed", random_seed)
    first, same, other = (everything(store, project_of("web", name)) for name in ("acme", "same", "other"))
    assert first == same
    assert first != other


def test_two_projects_of_one_shape_differ(store: Store) -> None:
    seed("--organization", "acme", "--project", "web", "--days", "1")
    seed("--organization", "acme", "--project", "app", "--days", "1")
    assert everything(store, project_of("web")) != everything(store, project_of("app"))


def test_running_it_again_adds_nothing_and_says_so(store: Store) -> None:
    assert seed(*ONE) == ("", "")
    before = everything(store, project_of("web"))
    output, errors = seed(*ONE, "--project", "app", now=NOW + 3600)
    assert output == ""
    assert "Nothing added to web: counts are there already; --reset" in errors
    assert everything(store, project_of("web")) == before
    assert store.series_of(project_of("app").pk)


def test_it_adds_nothing_to_a_project_that_has_counts_of_its_own(store: Store, project: Project) -> None:
    counted = total(project.pk, Category.ERROR, Outcome.ACCEPTED)
    store.open(project.pk)
    store.incr([counted], NOW, now=NOW, amount=5)
    seed(*ONE)
    assert store.series_of(project.pk) == [counted.name]


def test_reset_deletes_the_projects_counts_and_counts_anew(store: Store, project: Project) -> None:
    seed(*ONE, "--project", "app")
    fresh, app = everything(store, project), everything(store, project_of("app"))
    store.incr_multi([Increment(fact(project.pk, 999, Category.SPAN, Outcome.INVALID), NOW)], now=NOW)
    assert seed(*ONE, "--reset") == ("", "")
    assert everything(store, project) == fresh
    assert everything(store, project_of("app")) == app


def test_nobody_counts_into_a_project_while_its_counts_are_deleted(
    project: Project, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A count at that time would be deleted in part, and totals and facts would differ from then on."""
    services.open_project(project.pk)
    sweep, tries = Tombstones.sweep, []

    def sweep_and_try(one: Tombstones, projects: Collection[int]) -> int:
        for _ in range(2):
            with pytest.raises(ProjectClosed):
                store.incr([total(project.pk, Category.ERROR, Outcome.ACCEPTED)], NOW, now=NOW)
            tries.append(project.pk)
        return sweep(one, projects)

    monkeypatch.setattr(Tombstones, "sweep", sweep_and_try)
    seed("--organization", "acme", "--project", "web", "--reset", "--empty")
    assert len(tries) == 2
    assert get_store().version(project.pk)


def test_empty_makes_projects_and_counts_nothing(store: Store) -> None:
    assert seed("--empty") == ("", "")
    assert Project.objects.count() == 3
    assert [store.series_of(project.pk) for project in Project.objects.all()] == [[], [], []]
    seed("--days", "1")
    assert all(store.series_of(project.pk) for project in Project.objects.all())


def test_reset_and_empty_leave_no_counts_and_the_project_open(store: Store) -> None:
    seed(*ONE)
    seed(*ONE, "--reset", "--empty")
    project = project_of("web")
    assert store.series_of(project.pk) == []
    store.incr([total(project.pk, Category.ERROR, Outcome.ACCEPTED)], NOW, now=NOW)


def test_json_prints_one_object_and_nothing_else() -> None:
    output, errors = seed("--json", "--days", "1")
    assert errors == ""
    assert output.count("\n") == 1
    organization = Organization.objects.get()
    keys = list(ProjectKey.objects.order_by("pk"))
    assert json.loads(output) == {
        "organization": {"id": str(organization.pk), "slug": "the-interstellar-jurisdiction"},
        "projects": [
            {
                "id": str(key.project_id),
                "slug": slug,
                "public_key": key.public,
                "dsn": f"http://{key.public}@127.0.0.1:8000/{key.project_id}",
            }
            for key, slug in zip(keys, seeding.PROJECTS, strict=True)
        ],
        "token": json.loads(output)["token"],
    }
    assert re.fullmatch(r"sta_[\w-]{43}", json.loads(output)["token"])


def test_json_gives_a_new_token_of_every_scope_each_time_and_the_last_one_stays_good() -> None:
    tokens = [json.loads(seed(*ONE, "--json")[0])["token"] for _ in range(2)]
    assert len(set(tokens)) == 2
    for token in tokens:
        response = Client(headers={"authorization": f"Bearer {token}"}).get("/api/0/projects/acme/web/stats/")
        assert response.status_code == 200
    assert [len(token.scopes) for token in ApiToken.objects.all()] == [9, 9]


def test_without_json_it_makes_no_token() -> None:
    seed(*ONE)
    assert not ApiToken.objects.exists()


def test_the_stats_endpoint_shows_it(api: Client, project: Project) -> None:
    seed(*ONE)
    with time_machine.travel(NOW, tick=False):
        for resolution, points in (("10s", 300), ("1h", 100), ("1d", 10)):
            answers = {}
            for stat in ("received", "generated", "blacklisted", "rejected", "web-crawlers"):
                query = {"stat": stat, "resolution": resolution, "since": NOW - points * _seconds(resolution)}
                answers[stat] = [count for _, count in api.get("/api/0/projects/acme/web/stats/", query).json()]
            parts = zip(*(answers[stat] for stat in ("generated", "blacklisted", "rejected")), strict=True)
            assert answers["received"] == [sum(part) for part in parts]
            assert sum(answers["received"]) > sum(answers["blacklisted"]) > sum(answers["web-crawlers"]) > 0


def _seconds(resolution: str) -> int:
    return {"10s": 10, "1h": 3600, "1d": 86400}[resolution]


def test_an_existing_project_keeps_its_key_and_name(project: Project) -> None:
    key = project.keys.get()
    output, _ = seed(*ONE, "--json")
    assert json.loads(output)["projects"][0]["public_key"] == key.public
    project.refresh_from_db()
    assert project.name == "Web"


def test_a_project_named_twice_is_one_project() -> None:
    output, errors = seed(*ONE, "--project", "web", "--json")
    assert errors == ""
    assert len(json.loads(output)["projects"]) == 1


def test_a_terminal_sees_a_progress_bar_and_a_pipe_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("seed", *ONE, stderr=Terminal())
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "web: 100%" in shown.err
    assert "11/11" in shown.err
    call_command("seed", *ONE, "--reset")
    assert capsys.readouterr() == ("", "")


def test_verbosity_0_is_silent_on_a_terminal_too(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        call_command("seed", *ONE, "--verbosity", "0", stderr=(terminal := Terminal()))
        assert terminal.getvalue() == ""
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--days", "-1"], "--days must be from 0 (today alone) to 400 (the longest retention), not -1."),
        (["--days", "401"], "not 401."),
        (["--days", "many"], "invalid int value: 'many'"),
        (["--events-per-day", "0"], "--events-per-day must be from 1 to 1000000000, not 0."),
        (["--events-per-day", "1000000001"], "not 1000000001."),
        (["--random-seed", "x"], "invalid int value: 'x'"),
        (["--organization", "No Slug"], "'No Slug' cannot be made: Use 1 to 100 of a-z"),
        (["--organization", ""], "'' cannot be made"),
        (["--project", "web", "--project", "12"], "'12' cannot be made"),
        (["--project", "ü"], "'ü' cannot be made"),
    ],
)
def test_it_refuses_what_cannot_be_and_makes_nothing(arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError) as refused:
        seed(*arguments)
    assert message in str(refused.value)
    assert not Organization.objects.exists()


def test_days_0_is_today_alone(store: Store) -> None:
    seed(*ONE, "--days", "0")
    assert set(read(store, project_of("web"), store.rollups[-1])["t:error:accepted"]) == {NOW - NOW % 86400}


def test_an_interrupted_one_leaves_no_counts_and_the_next_one_does_all(store: Store) -> None:
    _, [demo] = seeding.make_projects("acme", ["web"])
    days = iter(range(5))
    with pytest.raises(StopIteration), time_machine.travel(NOW, tick=False):
        seeding.count(demo, seeding.Plan(10, 1000, 1), now=NOW, on_day=lambda: next(days))
    assert store.series_of(demo.project.pk) == []
    assert next(days, None) is None
    seed(*ONE)
    assert len(read(store, demo.project, store.rollups[-1])["t:error:accepted"]) == 11
