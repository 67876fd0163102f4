"""Reading Markdown as GitHub shows it: headings, anchors, links and code spans.

All functions are pure and take the text of one page.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

_FENCE = re.compile(r"^ {0,3}(```|~~~).*?^ {0,3}\1[^\n]*$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?<=\n\n)(?:(?: {4}|\t)[^\n]*(?:\n|$)|[ \t]*\n(?=(?: {4}|\t)))+")
_SPAN = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.*?)[ \t]*#*[ \t]*$", re.MULTILINE)
_EXPLICIT = re.compile(r"<a\s+(?:id|name)=\"([^\"]+)\"")
_LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)|^ {0,3}\[[^\]]+\]:\s*(\S+)", re.MULTILINE)
_LINK_TEXT = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")


def without_code_blocks(text: str) -> str:
    """Return the text without its fenced and indented code blocks."""
    return _INDENTED.sub("", _FENCE.sub("", text))


def prose(text: str) -> str:
    """Return the text without code blocks and code spans."""
    return _SPAN.sub("", without_code_blocks(text))


def code_spans(text: str) -> list[str]:
    """Return the content of each code span, such as `tests/conftest.py`, outside of code blocks."""
    return [match[2].strip() for match in _SPAN.finditer(without_code_blocks(text))]


def code(text: str) -> str:
    """Return all code of the page: its code blocks and code spans, one a line."""
    fenced = [match[0] for match in _FENCE.finditer(text)]
    indented = [match[0] for match in _INDENTED.finditer(_FENCE.sub("", text))]
    return "\n".join([*fenced, *indented, *code_spans(text)])


def links(text: str) -> list[str]:
    """Return the target of each link and image, as it is written."""
    return [match[1] or match[2] for match in _LINK.finditer(prose(text))]


def slug(heading: str) -> str:
    """Return the anchor that GitHub gives to a heading of this text.

    GitHub takes the visible text in lower case, drops everything but letters, digits, `_`, `-` and blanks, and turns
    each blank into `-`.
    """
    visible = _LINK_TEXT.sub(r"\1", heading).replace("`", "")
    return re.sub(r"[^\w\- ]", "", visible.lower()).replace(" ", "-")


def anchors(text: str) -> set[str]:
    """Return every anchor of the page: those of its headings, and those that it gives with `<a id="…">`.

    The second heading with the same text has `-1` after its anchor, the third `-2`, as on GitHub.
    """
    found = set(_EXPLICIT.findall(prose(text)))
    seen: Counter[str] = Counter()
    for heading in _HEADING.findall(without_code_blocks(text)):
        name = slug(_EXPLICIT.sub("", heading))
        found.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return found


def table_rows(text: str) -> Iterator[list[str]]:
    """Yield the cells of each row of each table, without the line below the head."""
    for line in without_code_blocks(text).splitlines():
        if line.startswith("|") and not re.fullmatch(r"[|\s:-]+", line):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]


def section(text: str, anchor: str) -> str:
    """Return a section with its subsections, from its heading to the next heading of its level or above.

    Raises KeyError if no heading of the page has this anchor.
    """
    level = 0
    found: list[str] = []
    for line in _FENCE.sub("", text).splitlines():
        heading = re.match(r"(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$", line)
        if heading and level and len(heading[1]) <= level:
            break
        if heading and not level and slug(heading[2]) == anchor:
            level = len(heading[1])
        if level:
            found.append(line)
    if not level:
        raise KeyError(anchor)
    return "\n".join(found) + "\n"
