"""The DSN under different values of PUBLIC_URL."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from projects.dsn import dsn

pytestmark = pytest.mark.once

PUBLIC = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("public_url", "expected"),
    [
        ("http://127.0.0.1:8000", f"http://{PUBLIC}@127.0.0.1:8000/7"),
        ("https://stats.example", f"https://{PUBLIC}@stats.example/7"),
        ("http://[::1]:8000", f"http://{PUBLIC}@[::1]:8000/7"),
        ("https://example.org/counts/", f"https://{PUBLIC}@example.org/counts/7"),
    ],
)
def test_a_dsn_stands_under_the_public_url(settings: Settings, public_url: str, expected: str) -> None:
    settings.PUBLIC_URL = public_url
    assert dsn(PUBLIC, 7) == expected
