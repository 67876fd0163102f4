"""What a public link shows: the errors of one project by outcome, in a range that ends now. Nothing else is read."""

from __future__ import annotations

from typing import NamedTuple

from django.http import Http404

from projects import services
from projects.connections import get_store
from statsapi.pages.project.facts import Fact
from statsapi.pages.project.numbers import LABELS, Numbers
from statsapi.pages.project.query import PRESETS, PageQuery, Preset, read_query
from statsapi.pages.project.ranges import choose
from statsapi.pages.zones import Zone
from tsdb.outcomes import Category
from tsdb.series import total
from tsdb.store import Store
from tsdb.units import NS

RANGES: dict[str, Preset] = {name: PRESETS[name] for name in ("24h", "7d", "30d", "90d")}
DEFAULT = RANGES["7d"]
UTC = Zone("UTC", "default")
"""A link shows the same to everybody, so its days are those of UTC."""


class Shared(NamedTuple):
    """A link that may be used, and the counts that it shows."""

    link: services.Link
    numbers: Numbers


def read_shared(secret: str, asked: str, *, now: int) -> Shared:
    """Return what the link with this secret shows. `now` is in nanoseconds. Another range than RANGES is DEFAULT.

    Raises Http404 if there is no such link (any more), and what the store raises.
    """
    store = get_store()
    preset = RANGES.get(asked, DEFAULT)
    query = read_query({"range": preset.name}, UTC, {}, store.rollups, now)

    def read() -> Shared:
        # The link is looked up again after an interrupted deletion of its project was finished.
        link = services.use_link(secret, now=now // NS)
        if link is None:
            raise Http404
        return Shared(link, _read_totals(store, link.project.pk, query, now=now))

    return services.settled(read)


def _read_totals(store: Store, project: int, query: PageQuery, *, now: int) -> Numbers:
    """Return the counts of a project's totals. They know no keys and no reasons, and are few in any project."""
    chosen = choose(query, store.rollups, store.retention([project], now=now))
    shown = chosen.shown
    series = {outcome: total(project, Category.ERROR, outcome) for outcome in LABELS}
    found = store.get_range(list(series.values()), shown.window, now=shown.now, since=shown.retained_since)
    facts = {
        Fact(Category.ERROR.value, outcome.value, "", 0): shown.add_up(list(found[one]))
        for outcome, one in series.items()
    }
    return Numbers(chosen, facts, None)
