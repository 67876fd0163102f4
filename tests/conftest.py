"""Fixtures for all tests: users, tokens and projects, and empty stores before each test.

The organization `acme` has the project `web`, an owner and a token. The outsider is a user, with a token, of another
organization, and has to be refused everywhere.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache

from projects import known, services
from projects.connections import get_store
from projects.models import SCOPES, Membership, Organization, Project
from statsapi.ingest import config
from tests.asgi import Client
from tsdb.store import Store


@pytest.fixture(autouse=True)
def _clean_redis(request: pytest.FixtureRequest) -> None:
    """Empty Redis and the cache before each test that uses the database or the store."""
    marked = request.node.get_closest_marker("django_db") is not None
    if (
        marked
        or "db" in request.fixturenames
        or "transactional_db" in request.fixturenames
        or "store" in request.fixturenames
    ):
        get_store().clients.write.flushdb()
        get_store().states._known.clear()  # projects of different tests have the same ids
        known.forget_all()
        cache.clear()
        config.forget_all()


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def store() -> Store:
    return get_store()


@pytest.fixture
def organization(db: None) -> Organization:
    return services.create_organization(slug="acme", name="Acme")


@pytest.fixture
def project(organization: Organization) -> Project:
    return services.create_project(organization=organization, slug="web", name="Web")


@pytest.fixture
def owner(organization: Organization) -> User:
    user = User.objects.create_user("owner")
    services.add_member(organization=organization, user_id=user.pk, role=Membership.Role.OWNER)
    user.refresh_from_db()
    return user


@pytest.fixture
def token(organization: Organization) -> str:
    """Return the secret of a token with every scope."""
    return services.create_token(organization=organization, scopes=SCOPES).secret


@pytest.fixture
def api(token: str) -> Client:
    """Return a client of the API that sends `token`."""
    return Client(headers={"authorization": f"Bearer {token}"})


@pytest.fixture
def make_api(organization: Organization) -> Callable[..., Client]:
    """Return a function that makes a client whose token has only the given scopes."""

    def make(*scopes: str, **more: Any) -> Client:
        secret = services.create_token(organization=organization, scopes=scopes, **more).secret
        return Client(headers={"authorization": f"Bearer {secret}"})

    return make


@pytest.fixture
def other_organization(db: None) -> Organization:
    return services.create_organization(slug="other", name="Other")


@pytest.fixture
def outsider(other_organization: Organization) -> User:
    user = User.objects.create_user("outsider")
    services.add_member(organization=other_organization, user_id=user.pk, role=Membership.Role.OWNER)
    user.refresh_from_db()
    return user


@pytest.fixture
def outsider_api(other_organization: Organization) -> Client:
    secret = services.create_token(organization=other_organization, scopes=SCOPES).secret
    return Client(headers={"authorization": f"Bearer {secret}"})


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Turn a skipped test into a failure if REQUIRE_ALL is set."""
    if os.environ.get("REQUIRE_ALL") and call.excinfo and call.excinfo.errisinstance(pytest.skip.Exception):
        call.excinfo = pytest.ExceptionInfo.from_exc_info(
            (
                AssertionError,
                AssertionError(f"skipped though REQUIRE_ALL is set: {call.excinfo.value}"),
                call.excinfo.tb,
            )
        )
