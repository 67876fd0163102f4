from __future__ import annotations

import pytest

from statsapi.ingest.categories import ITEM_CATEGORIES, known_category


def test_every_items_category_is_one_that_a_client_report_can_name_too() -> None:
    for category in filter(None, ITEM_CATEGORIES.values()):
        assert known_category(category.value) is category


@pytest.mark.parametrize("name", ["error", "default", "security", "crash"])
def test_other_names_of_category_error_are_resolved(name: str) -> None:
    assert known_category(name) == "error"


@pytest.mark.parametrize("name", ["internal", "unknown", "from_the_future", "", None, 1, ["error"]])
def test_a_category_that_is_not_counted_is_none(name: object) -> None:
    assert known_category(name) is None
