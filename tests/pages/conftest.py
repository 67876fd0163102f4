"""People with each role in `acme`, signed in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from projects import services
from projects.models import Membership, Organization, Project
from tests.ingest.conftest import Sdk


@pytest.fixture
def sign_in(organization: Organization) -> Callable[[str], Client]:
    """Return a function that signs a new person in, by their role in `acme`; "nobody" is in no organization."""

    def make(role: str) -> Client:
        user = User.objects.create_user(f"{role}@example.com")
        if role in Membership.Role.values:
            services.add_member(organization=organization, user_id=user.pk, role=role)
        user.refresh_from_db()
        client = Client()
        client.force_login(user)
        return client

    return make


@pytest.fixture
def viewer(sign_in: Callable[[str], Client]) -> Client:
    return sign_in("viewer")


@pytest.fixture
def member(sign_in: Callable[[str], Client]) -> Client:
    return sign_in("member")


@pytest.fixture
def boss(sign_in: Callable[[str], Client]) -> Client:
    """Return a client of an owner."""
    return sign_in("owner")


@pytest.fixture
def stranger_signed_in(outsider: User) -> Client:
    """Return a client of a person who is in another organization only."""
    client = Client()
    client.force_login(outsider)
    return client


@pytest.fixture
def sdk(project: Project) -> Sdk:
    """Return a client that sends events with the first key of `web`."""
    return Sdk(project.keys.get())
