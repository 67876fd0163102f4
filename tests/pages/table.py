"""The table of an organization's page, read as a screen reader reads it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import NamedTuple

COLUMNS = ("name", "received", "change", "accepted", "dropped", "last")


class Table(NamedTuple):
    """Its rows by the project's slug, in their order, with the text of each column; and the cards above it."""

    rows: dict[str, dict[str, str]]
    hidden: list[str]
    """The slugs of the rows that the search leaves out. They are in `rows` too."""
    totals: dict[str, str]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.table = Table({}, [], {})
        self._row: dict[str, str] = {}
        self._is_hidden = False
        self._text: list[str] = []
        self._column = self._label = self._slug = ""
        self._unread = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "tr" and "data-keys" in found:
            self._row, self._is_hidden = {}, "hidden" in found
        elif tag in ("td", "th") or tag in ("dt", "dd"):
            self._text = []
            self._column = next((name for name in COLUMNS if name in found.get("class", "").split()), "")
        elif tag == "a" and self._column == "name" and not self._row:
            self._slug = found["href"].partition("?")[0].strip("/").rpartition("/")[2]
        elif self._unread or found.get("aria-hidden") == "true":
            self._unread += 1

    def handle_endtag(self, tag: str) -> None:
        text = " ".join("".join(self._text).split())
        if self._unread:
            self._unread -= 1
        elif tag in ("td", "th") and self._column:
            self._row[self._column] = text
        elif tag == "dt":
            self._label = text
        elif tag == "dd":
            self.table.totals.setdefault(self._label, text)
        elif tag == "tr" and self._row.get("last") not in (None, "Last event"):
            self.table.rows[self._slug] = self._row
            if self._is_hidden:
                self.table.hidden.append(self._slug)

    def handle_data(self, data: str) -> None:
        if not self._unread:
            self._text.append(data)


def read_table(page: str) -> Table:
    """Return the table of the page."""
    reader = _Reader()
    reader.feed(page)
    return reader.table
