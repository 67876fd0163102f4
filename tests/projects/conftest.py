"""Fixtures of the tests of projects/."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User


@pytest.fixture
def admin_user(db: None) -> User:
    """A superuser without a password, because hashing one would take longer than the rest of a test."""
    return User.objects.create(username="admin", is_staff=True, is_superuser=True)
