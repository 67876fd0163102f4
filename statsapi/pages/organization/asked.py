"""What the address of an organization's page asks for: the whole state of the page."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import urlencode

from django.http import QueryDict

from statsapi.pages.organization.numbers import SPANS, Span
from statsapi.pages.project.names import find_category
from tsdb.outcomes import Category

MOST_CHARACTERS = 100
"""The longest text that is searched for, as long as the longest name."""


class Column(StrEnum):
    """A column that the table can be sorted by."""

    NAME = "name"
    RECEIVED = "received"
    CHANGE = "change"
    ACCEPTED = "accepted"
    DROPPED = "dropped"
    LAST = "last"

    @property
    def is_descending(self) -> bool:
        """Whether it is first sorted from the largest to the smallest."""
        return self is not Column.NAME


@dataclass(frozen=True)
class Asked:
    """The state of the page. `range` is one of SPANS, and `q` is searched for in names and slugs."""

    range: str = "24h"
    category: str = Category.ERROR.value
    sort: Column = Column.RECEIVED
    descending: bool = True
    q: str = ""

    @property
    def span(self) -> Span:
        """The range and its interval in seconds."""
        return SPANS[self.range]

    @property
    def order(self) -> str:
        """The order of the rows as the address says it."""
        return "desc" if self.descending else "asc"

    def sorted_by(self, column: Column) -> Asked:
        """Return the state after a click on the head of a column: a second click turns the order round."""
        turned = not self.descending if column is self.sort else column.is_descending
        return replace(self, sort=column, descending=turned)

    @property
    def address(self) -> str:
        """The query string. What is as by default is left out."""
        parameters = {
            "range": self.range,
            "category": self.category,
            "sort": self.sort.value,
            "order": self.order,
            "q": self.q,
        }
        usual = Asked(sort=self.sort, descending=self.sort.is_descending)
        plain = {"range": usual.range, "category": usual.category, "sort": Asked.sort, "order": usual.order, "q": ""}
        return "?" + urlencode({name: value for name, value in parameters.items() if value != plain[name]})

    @property
    def in_project(self) -> str:
        """The query string of a project's page that shows the same range and category."""
        chosen = {"range": self.range, "category": self.category}
        usual = {"range": Asked.range, "category": Asked.category}
        query = urlencode({name: value for name, value in chosen.items() if value != usual[name]})
        return f"?{query}" if query else ""

    def finds(self, name: str, slug: str) -> bool:
        """Return whether a project of this name and slug is searched for."""
        wanted = self.q.lower()
        return wanted in name.lower() or wanted in slug


def parse_asked(query: QueryDict, counted: Callable[[], Collection[str]] = frozenset) -> Asked:
    """Return what is asked for. A value that means nothing is passed over, as if it were not there.

    `counted` returns the categories that can be asked for beside the known ones.
    """
    sort = query.get("sort", "")
    column = Column(sort) if sort in list(Column) else Asked.sort
    text = "".join(character for character in query.get("q", "") if character.isprintable())
    span = query.get("range", "")
    return Asked(
        range=span if span in SPANS else Asked.range,
        category=find_category(query.get("category", ""), counted) or Asked.category,
        sort=column,
        descending={"asc": False, "desc": True}.get(query.get("order", ""), column.is_descending),
        q=text.strip()[:MOST_CHARACTERS],
    )
