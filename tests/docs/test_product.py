"""The rules of tests/docs/product.py on small modules, and those of tests/docs/markdown.py on a small page."""

from __future__ import annotations

import pytest

from tests.docs.markdown import code, section, table_rows
from tests.docs.product import checks, headers, literals_of, metrics, used_as_headers

pytestmark = pytest.mark.once

MODULE = '''
"""A docstring that names X-In-A-Docstring."""
ID = "statsapi.W009"
NAME = Counter("statsapi_new_things", f"of {ID} statsapi_pieces")
response.headers["Vary"] = headers.get("Accept") or headers.get("dsn")
answer = Response("X-Made-Up", headers={"Link": "statsapi"}, sent=request.META["HTTP_X_NEW"])
'''
FOUND = {text: {"module.py"} for text in literals_of(MODULE)}

PAGE = """# Page

## First

| name | `code` |
|---|---|
| `one` | two |

### Below

Text with `a span`.

    a block

## Second

```
a fence
```
"""


def test_literals_are_those_outside_of_docstrings_and_formatted_strings() -> None:
    assert {"statsapi.W009", "X-Made-Up"} <= set(FOUND)
    assert not [text for text in FOUND if "docstring" in text or "pieces" in text]


def test_a_new_check_a_new_metric_and_a_new_header_are_found() -> None:
    assert set(checks(FOUND)) == {"statsapi.W009"}
    assert set(metrics(FOUND)) == {"statsapi_new_things"}
    assert set(headers(FOUND)) == {"X-Made-Up", "X-New"}
    assert used_as_headers(MODULE) == {"Vary", "Accept", "Link"}


def test_a_section_ends_at_the_next_heading_of_its_level() -> None:
    assert "a block" in section(PAGE, "first")
    assert "Second" not in section(PAGE, "first")
    assert section(PAGE, "below").startswith("### Below\n")
    with pytest.raises(KeyError):
        section(PAGE, "third")


def test_the_rows_of_a_table_have_its_head_and_not_the_line_below() -> None:
    assert list(table_rows(PAGE)) == [["name", "`code`"], ["`one`", "two"]]


def test_code_is_that_of_blocks_and_spans() -> None:
    found = code(PAGE)
    assert [text in found for text in ("a block", "a fence", "a span", "one", "Below")] == [True] * 4 + [False]
