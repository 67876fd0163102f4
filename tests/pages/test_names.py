"""The names of categories in plain words."""

from __future__ import annotations

from statsapi.pages.project.names import category_name, find_category, in_order
from tsdb.outcomes import CATEGORIES, Category


def test_every_known_category_has_a_name_of_its_own() -> None:
    names = [category_name(category) for category in CATEGORIES]
    assert len(set(names)) == len(names)
    assert not set(names) & CATEGORIES


def test_bytes_and_pieces_of_attachments_are_told_apart() -> None:
    assert category_name(Category.ATTACHMENT) == "Attachments (bytes)"
    assert category_name(Category.ATTACHMENT_ITEM) == "Attachments"


def test_a_category_that_is_not_known_is_named_as_it_is_and_comes_last() -> None:
    assert category_name("b:<i>") == "b:<i>"
    assert in_order(["z", "span", "a", "error", "a"]) == ["error", "span", "a", "z"]


def test_an_address_means_a_known_category_or_one_that_was_counted() -> None:
    asked: list[str] = []

    def counted() -> set[str]:
        asked.append("asked")
        return {"mine"}

    assert [find_category(text, counted) for text in ("", "error", "security", "span")] == [
        None,
        "error",
        "error",
        "span",
    ]
    assert asked == []
    assert [find_category(text, counted) for text in ("mine", "yours")] == ["mine", None]
