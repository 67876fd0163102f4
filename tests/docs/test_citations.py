"""The rules of tests/docs/citations.py on small texts: each accepts what is right and names what is wrong."""

from __future__ import annotations

import pytest

from tests.docs.citations import (
    broken_citations,
    broken_links,
    cited_by_number,
    missing_files,
    missing_files_in_code,
    missing_modules,
)
from tests.docs.markdown import anchors, code_spans, links

pytestmark = pytest.mark.once

PAGE = """# A page: what it is

## Rate limits

Text with a [link](other.md#series), `a [span](no-link.md)` and ![a picture](picture.png).

    # indented, not a heading
    [indented](no-link.md)

## `stats_v2` & [more](#rate-limits)

```
## fenced, not a heading
```

| what | <a id="a-row"></a>cell |

## Rate limits
"""


def test_anchors_follow_the_rule_of_github() -> None:
    assert anchors(PAGE) == {"a-page-what-it-is", "rate-limits", "rate-limits-1", "stats_v2--more", "a-row"}


def test_links_are_those_outside_of_code() -> None:
    assert links(PAGE) == ["other.md#series", "picture.png", "#rate-limits"]


def test_code_spans_are_those_outside_of_code_blocks() -> None:
    assert code_spans(PAGE) == ["a [span](no-link.md)", "stats_v2"]


@pytest.mark.parametrize(
    ("link", "is_wrong"),
    [
        ("#here", False),
        ("#nowhere", True),
        ("b.md", False),
        ("b.md#there", False),
        ("b.md#here", True),
        ("../README.md", False),
        ("README.md", True),
        ("b.md#L12", True),
        ("../code.py", False),
        ("../code.py#L12", True),
        ("https://example.com/c.md#nowhere", False),
    ],
)
def test_a_link_to_no_file_or_no_anchor_is_wrong(link: str, is_wrong: bool) -> None:
    pages = {"docs/a.md": f"# Here\n\n[text]({link})", "docs/b.md": "# There", "README.md": ""}
    wrong = broken_links(pages, lambda path: path in {*pages, "code.py"})
    assert bool(wrong) is is_wrong
    assert all(line.startswith("docs/a.md: ") for line in wrong)


@pytest.mark.parametrize(
    ("text", "is_wrong"),
    [
        ('"""See docs/a.md#here."""', False),
        ('"""See docs/a.md."""', False),
        ('"""See docs/a.md#there."""', True),
        ('"""See docs/b.md#here."""', True),
        ("-- docs/a.md#here and docs/a.md#there", True),
    ],
)
def test_a_citation_of_no_page_or_no_anchor_is_wrong(text: str, is_wrong: bool) -> None:
    wrong = broken_citations({"code.py": text, "docs/a.md": "# Here"})
    assert bool(wrong) is is_wrong
    assert all(line.startswith("code.py: ") for line in wrong)


@pytest.mark.parametrize("text", ["section 4", "Fault 46: bombs", "faults 2 and 7", "fault row 3", "the contract says"])
def test_a_citation_by_number_is_wrong(text: str) -> None:
    assert cited_by_number({"code.py": f'"""As in {text}."""'})


@pytest.mark.parametrize("text", ["by default 7", "docs/contract.md#series", "a contractor", "default 46"])
def test_a_number_alone_is_no_citation(text: str) -> None:
    assert not cited_by_number({"code.py": f'"""As in {text}."""'})


def test_a_page_may_call_itself_by_its_title() -> None:
    assert not cited_by_number({"docs/contract.md": "# The contract"})


@pytest.mark.parametrize(
    ("span", "is_wrong"),
    [
        ("tests/a.py", False),
        ("tests/", False),
        ("tests/a.py::test_one", False),
        ("a.py", False),
        ("tests/b.py", True),
        ("tests/a.py::test_two", True),
        ("b.py", True),
        ("projects/{organization}/", False),
        ("other/b.py", False),
        ("b.txt", False),
    ],
)
def test_a_file_or_a_test_that_does_not_exist_is_wrong(span: str, is_wrong: bool) -> None:
    texts = {"README.md": f"See `{span}`.", "tests/a.py": "def test_one() -> None:\n    pass\n"}
    wrong = missing_files({"README.md": texts["README.md"]}, texts, ("tests",), {"tests/", *texts}.__contains__)
    assert bool(wrong) is is_wrong


@pytest.mark.parametrize(
    ("command", "is_wrong"), [("python -m tests.a", False), ("python -m tests.b", True), ("python -m pip", False)]
)
def test_a_module_that_does_not_exist_is_wrong(command: str, is_wrong: bool) -> None:
    wrong = missing_modules({"README.md": f"Run `{command}`."}, ("tests",), {"tests/a.py"}.__contains__)
    assert bool(wrong) is is_wrong


@pytest.mark.parametrize(
    ("comment", "is_wrong"),
    [
        ("# see tests/a.py.", False),
        ("# see tests/b.py.", True),
        ("-- tests/b.py", True),
        ("# other/tests/b.py", False),
        ("# tests/b.pyc", False),
    ],
)
def test_a_file_that_code_names_and_that_does_not_exist_is_wrong(comment: str, is_wrong: bool) -> None:
    wrong = missing_files_in_code({"code.py": comment}, ("tests",), {"tests/a.py"}.__contains__)
    assert bool(wrong) is is_wrong
