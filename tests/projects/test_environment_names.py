"""The rule for the name of an environment; tests/ingest/ and tests/api/ hold intake and outcomes/ to it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projects.demo_traffic import KINDS
from projects.environment_names import environment_name
from projects.services import OTHER_ENVIRONMENT

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("production", "production"),
        (" staging ", "staging"),
        ("Größe {1}: ١", "Größe {1}: ١"),
        ("x" * 64, "x" * 64),
        ("x" * 65, None),
        ("nonesuch", "nonesuch"),
        ("..", ".."),
        ("none", None),
        ("None", None),
        (" NONE\n", None),
        ("", None),
        ("  ", None),
        ("a/b", None),
        ("a\nb", None),
        ("a\x00b", None),
        ("a\u2028b", None),
        ("a\x85b", None),
        (None, None),
        (1, None),
        (["production"], None),
    ],
)
def test_an_environment_is_a_short_line_without_slashes(value: object, name: str | None) -> None:
    assert environment_name(value) == name


@given(st.text())
def test_a_name_that_is_taken_is_fit_for_a_database_and_a_log(value: str) -> None:
    name = environment_name(value)
    if name is not None:
        assert name == name.strip()
        assert len(name.splitlines()) == 1
        assert "\x00" not in name


def test_the_names_that_the_service_gives_itself_are_valid() -> None:
    names = [OTHER_ENVIRONMENT, *(kind.environment for kind in KINDS if kind.environment)]
    assert [environment_name(name) for name in names] == names
