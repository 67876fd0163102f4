"""More of the cast: a member, a viewer, a superuser, logged-in clients, and the service behind a real web server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client

from projects import services
from projects.models import Membership, Organization, Project
from tests.api.counting import NOW
from tests.api.live import OUTCOMES, STATS, LiveServer, start_live_server


@pytest.fixture
def member(organization: Organization) -> User:
    user = User.objects.create_user("member")
    services.add_member(organization=organization, user_id=user.pk, role=Membership.Role.MEMBER)
    user.refresh_from_db()
    return user


@pytest.fixture
def viewer(organization: Organization) -> User:
    user = User.objects.create_user("viewer")
    services.add_member(organization=organization, user_id=user.pk, role=Membership.Role.VIEWER)
    user.refresh_from_db()
    return user


@pytest.fixture
def superuser(db: None) -> User:
    return User.objects.create_superuser("superuser")


@pytest.fixture
def log_in() -> Callable[..., Client]:
    def make(user: User, **options: Any) -> Client:
        client = Client(**options)
        client.force_login(user)
        return client

    return make


@pytest.fixture
def renamed_project(project: Project) -> Project:
    """Return the project `web`, which was called `old` before."""
    for slug in ("old", "web"):
        project.slug = slug
        services.update_project(project=project)
    return project


@pytest.fixture
def shop(organization: Organization) -> Project:
    """Return another project of the organization."""
    return services.create_project(organization=organization, slug="shop", name="Shop")


@pytest.fixture
def clock_of_statistics() -> Iterator[None]:
    """Hold the clock half a minute after NOW of tests/api/counting.py."""
    with time_machine.travel(NOW + 30, tick=False):
        yield


@pytest.fixture
def held_clock() -> Iterator[None]:
    with time_machine.travel(1541538000, tick=False):
        yield


@pytest.fixture
def post(api: Client, project: Project) -> Callable[..., Any]:
    """Return a function that sends outcomes."""

    def send(*rows: Any, **headers: str) -> Any:
        return api.post(OUTCOMES, {"outcomes": list(rows)}, "application/json", headers=headers)

    return send


@pytest.fixture
def count_of(api: Client, project: Project) -> Callable[..., int]:
    """Return a function that adds up a stat over all that is retained."""

    def ask(stat: str = "received", **parameters: str) -> int:
        since = str(time.time() - 400 * 86400)
        response = api.get(STATS, {"stat": stat, "resolution": "1d", "since": since, **parameters})
        assert response.status_code == 200, response.content
        return sum(count for _, count in response.json())

    return ask


@pytest.fixture(scope="session", params=["granian", "uvicorn"])
def live(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Yield the service with a database and store of its own, the organization `acme` and its project `web`."""
    server = start_live_server(request.param, tmp_path_factory.mktemp(request.param))
    yield server
    server.stop()
