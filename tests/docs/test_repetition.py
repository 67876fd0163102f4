"""No page says a thing twice, as a merge of two changes of the same lines makes it do."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tests.docs.markdown import without_code_blocks
from tests.docs.pages import documentation

pytestmark = pytest.mark.once

PAGES = documentation()
NUMBER = re.compile(r"([0-9]+)\. ")


def repeated(text: str) -> list[str]:
    """Return the items of lists whose first line stands twice, labels such as **Errors.**, and numbers of steps."""
    found: Counter[str] = Counter()
    steps: set[str] = set()
    twice = []
    for line in without_code_blocks(text).splitlines():
        label = re.match(r"\*\*[^*]+\.\*\*", line)
        if label or (line.startswith("- ") and len(line) > 40):
            found[label[0] if label else line] += 1
        if not line or line.startswith("#"):
            steps = set()
        elif number := NUMBER.match(line):
            twice += [line] if number[1] in steps else []
            steps.add(number[1])
    return twice + [line for line, times in found.items() if times > 1]


@pytest.mark.parametrize("page", PAGES)
def test_no_page_says_a_thing_twice(page: str) -> None:
    assert repeated(PAGES[page]) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- an item of a list that is long enough to mean something\n" * 2, 1),
        ("1. one\n2. two\n2. two in other words\n", 1),
        ("**Errors.** These.\n\n**Errors.** Those.\n", 1),
        ("1. one\n\nMore:\n\n1. one\n\n- yes\n- yes\n", 0),
    ],
)
def test_repetitions_are_found(text: str, expected: int) -> None:
    assert len(repeated(text)) == expected
