"""Demo data: an organization with projects, and the counts that projects/demo_traffic.py computes for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from redis.exceptions import RedisError

from projects import services
from projects.connections import get_store
from projects.demo_traffic import KINDS, SHAPES, Shape, counts_of_day, first_day
from projects.models import Organization, Project, ProjectKey
from projects.provision import ensure_key, ensure_organization, ensure_project
from tsdb import series
from tsdb.store import Increment
from tsdb.units import DAY

ORGANIZATION = "the-interstellar-jurisdiction"
PROJECTS = ("pump-station", "prime-mover", "the-spoiled-yoghurt")
DAYS = 90
EVENTS_PER_DAY = 20_000
RANDOM_SEED = 1


class DemoProject(NamedTuple):
    """A project, the key that its events are counted with, and the shape of its traffic."""

    project: Project
    key: ProjectKey
    shape: Shape


@dataclass(frozen=True)
class Plan:
    """How much demo data to count.

    `days` are whole days before today, and today until now comes on top. `events_per_day` is the number of errors
    received on an average day by the first project. Equal `random_seed` values give equal data.
    """

    days: int
    events_per_day: int
    random_seed: int


def most_days() -> int:
    """Return how many whole days the longest retention holds."""
    span: int = settings.TSDB_ROLLUPS[-1].span
    return span // DAY


def default_plan() -> Plan:
    """Return the plan of `manage.py seed` without options."""
    return Plan(min(DAYS, most_days()), EVENTS_PER_DAY, RANDOM_SEED)


@transaction.atomic
def make_projects(organization: str, projects: Sequence[str]) -> tuple[Organization, list[DemoProject]]:
    """Return the organization and the projects with these slugs, and create those that are missing: all or none.

    The projects take the shapes of projects/demo_traffic.py in turn. Raises ValidationError for a bad slug.
    """
    owner = ensure_organization(organization)
    found = [ensure_project(owner, slug) for slug in projects]
    return owner, [
        DemoProject(project, ensure_key(project), SHAPES[place % len(SHAPES)]) for place, project in enumerate(found)
    ]


def forget_counts(demo: DemoProject) -> None:
    """Delete the project's counts, and open it, so that it can be counted into at once. Raises RedisError."""
    services.settled(lambda: services.empty_project(demo.project.pk))
    services.open_project(demo.project.pk)


def count(demo: DemoProject, plan: Plan, *, now: int, on_day: Callable[[], object] = lambda: None) -> bool:
    """Count the plan's traffic into a project that has no counts. Return False if it has some; nothing was done then.

    `now` is in seconds since the epoch. `on_day` is called after each day. If this is interrupted or fails, it deletes
    what it counted. Raises RedisError.
    """
    store, number = get_store(), demo.project.pk
    # Before the lock, which would hold up everybody else who names an environment.
    environments = {
        kind.environment: services.environment_id(number, kind.environment) for kind in KINDS if kind.environment
    }
    with transaction.atomic():
        # If two seeds run at once, the second waits here and then finds the counts of the first.
        Project.objects.select_for_update().get(pk=number)
        if services.settled(lambda: store.series_of(number)):
            return False
        services.open_project(number)
        try:
            for day in range(first_day(plan.days, now), now + 1, DAY):
                store.incr_bulk(_increments(demo, plan, day, now, environments), now=now)
                on_day()
        except BaseException:
            # Otherwise the next seed would find a part of the counts and take it for all of them.
            with suppress(RedisError):
                forget_counts(demo)
            raise
    return True


def _increments(demo: DemoProject, plan: Plan, day: int, now: int, environments: dict[str, int]) -> Iterator[Increment]:
    into = {
        kind: series.of_event(
            demo.project.pk,
            demo.key.pk,
            kind.category,
            kind.outcome,
            reason=kind.reason,
            environment_id=environments[kind.environment] if kind.environment else None,
        )
        for kind in KINDS
    }
    counts = counts_of_day(
        demo.shape,
        day,
        events_per_day=plan.events_per_day,
        # The slug makes projects of the same shape differ.
        seed=f"{plan.random_seed} {demo.project.slug}",
        now=now,
        rollups=get_store().rollups,
    )
    for kind, timestamp, amount in counts:
        for one in into[kind]:
            yield Increment(one, timestamp, amount)
