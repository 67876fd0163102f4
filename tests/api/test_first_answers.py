"""The headers that describe an answer are true at the first request too, and for the second that has just begun."""

from __future__ import annotations

import time_machine
from django.test import Client

from projects.admin.last_day import last_day
from projects.models import Organization, Project
from projects.services import create_project, environment_id
from tests.api.counting import HOUR, NOW, post, row
from tsdb.outcomes import Outcome
from tsdb.state import Phase, state_text
from tsdb.store import Store
from tsdb.timeline import ENVIRONMENTS
from tsdb.units import NS

WEB = "/api/0/projects/acme/web/stats/"


def set_filled(store: Store, project: Project, filled: dict[int, int]) -> None:
    """Set since when a project's rollups are complete, as after a change of rollups, and forget all known states."""
    state = store.states.get(project.pk)
    store.states.swap(project.pk, state, state_text(Phase.OPEN, state.shapes, "0123", filled))
    store.states._known.clear()


def test_where_no_series_is_read_the_first_answer_says_what_the_second_does(
    api: Client, project: Project, store: Store
) -> None:
    with time_machine.travel(NOW, tick=False):
        post(api, "web", row())
        set_filled(store, project, {HOUR: NOW})
        for query in ({"stat": "cors"}, {"stat": "cors", "resolution": "1h"}):
            first, second = (api.get(WEB, query) for _ in range(2))
            assert (first.json(), first["X-Stats-Retained-Since"]) == (second.json(), second["X-Stats-Retained-Since"])
            assert first["X-Stats-Resolution"] == second["X-Stats-Resolution"]
        assert first["X-Stats-Retained-Since"] == str(NOW)


def test_a_period_holds_the_second_that_has_begun(api: Client, project: Project) -> None:
    with time_machine.travel(NOW + 0.25, tick=False):
        post(api, "web", row(quantity=10))
        url = "/api/0/organizations/acme/"
        query = {"field": "sum(quantity)", "category": "error", "statsPeriod": "1m", "interval": "10s"}
        assert api.get(f"{url}stats_v2/", query).json()["groups"][0]["totals"] == {"sum(quantity)": 10}
        assert len(api.get(f"{url}stats-summary/", query).json()["projects"]) == 1


def test_an_environment_says_since_when_it_counts_more_than_accepted_events(
    api: Client, project: Project, store: Store
) -> None:
    with time_machine.travel(NOW, tick=False):
        post(api, "web", row())
        environment_id(project.pk, "production")
        set_filled(store, project, {ENVIRONMENTS: NOW - 1000})
        since = {}
        for stat in ("generated", "rejected", "localhost"):
            answer = api.get(WEB, {"stat": stat, "environment": "production", "resolution": "10s"})
            since[stat] = int(answer["X-Stats-Retained-Since"])
        assert since["generated"] < NOW - 3600
        assert since["rejected"] == since["localhost"] == NOW - 1000


def test_one_project_that_is_not_complete_makes_no_other_ones_day_shorter(
    api: Client, project: Project, organization: Organization, store: Store
) -> None:
    other = create_project(organization=organization, slug="other", name="Other")
    with time_machine.travel(NOW, tick=False):
        for slug in ("web", "other"):
            post(api, slug, row(Outcome.ACCEPTED, 7, 20 * HOUR))
        set_filled(store, project, {HOUR: NOW})
        assert last_day(store, [project.pk, other.pk], now=NOW * NS)[other.pk].received == 7
