"""A number and its sparkline as one self-contained SVG, for a README or a wiki.

It has no script and loads nothing, and its text is no wider than the picture. It fits on white and on black: it is a
card with a ground of its own, whose colours follow the reader's theme unless the address names one.
"""

from __future__ import annotations

import re
import unicodedata
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from html import escape
from typing import NamedTuple

LEAST_WIDTH = 280
HEIGHT = 104
MARGIN = 16
BARS_TOP, BARS_HEIGHT = 62, 28
MOST_BARS = 84
LONGEST_NAME = 44
"""In columns: a wide character, such as a Chinese one, takes two."""

COLOURS = {
    "light": {"ground": "#fff", "line": "#d9dde3", "text": "#1b2129", "quiet": "#57606c", "accepted": "#2a86d0"},
    "dark": {"ground": "#12161b", "line": "#323b46", "text": "#e6e9ee", "quiet": "#a3adb9", "accepted": "#5a96e6"},
}
"""Those of the pages, by their names in base.css."""
_PAINT = {
    theme: (
        f".ground{{fill:{one['ground']};stroke:{one['line']}}}.name,.number{{fill:{one['text']}}}"
        f".quiet{{fill:{one['quiet']}}}.bars{{fill:{one['accepted']}}}.line{{fill:{one['line']}}}"
    )
    for theme, one in COLOURS.items()
}
_FORM = (
    "text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}"
    ".name{font-size:13px;font-weight:600;unicode-bidi:isolate}"
    ".number{font-size:22px;font-weight:700}.quiet{font-size:12px;font-weight:400}"
)
STYLES = {
    "auto": f"{_FORM}{_PAINT['light']}@media (prefers-color-scheme:dark){{{_PAINT['dark']}}}",
    "light": f"{_FORM}{_PAINT['light']}",
    "dark": f"{_FORM}{_PAINT['dark']}",
}
"""The style of each theme."""
POLICIES = {
    theme: (
        f"default-src 'none'; style-src 'sha256-{b64encode(sha256(style.encode()).digest()).decode()}';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    for theme, style in STYLES.items()
}
"""The Content-Security-Policy of the picture in each theme. It allows the style that stands in the picture alone."""

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NARROW = frozenset("iljI.,:;'|!ft()[]{}r /\\-`")
_BROAD = frozenset("mwMW@%&—…")


class Picture(NamedTuple):
    """What the picture shows.

    name: the project's. counts: for each bucket, none of them negative. received: their sum.
    range: how long the range is, as `7 days`. start, end: of the range, as people read them.
    """

    name: str
    counts: Sequence[int]
    received: int
    range: str
    start: str
    end: str


def draw(picture: Picture, theme: str) -> str:
    """Return the picture as an SVG document. `theme` is one of STYLES."""
    name = _cut(_NOT_XML.sub("\ufffd", picture.name))
    unit = f"{'error' if picture.received == 1 else 'errors'} in {picture.range}"
    number = f"{picture.received:,}"
    width = max(
        LEAST_WIDTH,
        2 * MARGIN + round(_width(name, 13.5)),
        2 * MARGIN + 8 + round(_width(number, 23) + _width(unit, 12)),
    )
    counts = _gathered(picture.counts)
    title = f"{name}: {number} {unit}"
    described = f"Errors received from {picture.start} to {picture.end}. The tallest of {len(counts)} bars is"
    described += f" {max(counts, default=0):,}."
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT}" viewBox="0 0 {width} {HEIGHT}"'
        ' role="img" aria-labelledby="title desc">'
        f'<title id="title">{escape(title)}</title><desc id="desc">{escape(described)}</desc>'
        f"<style>{STYLES[theme]}</style>"
        f'<rect class="ground" x="0.5" y="0.5" width="{width - 1}" height="{HEIGHT - 1}" rx="6"/>'
        f'<text class="name" x="{MARGIN}" y="25">{escape(name)}</text>'
        f'<text class="number" x="{MARGIN}" y="51">{number}<tspan class="quiet" dx="7">{escape(unit)}</tspan></text>'
        f'<rect class="line" x="{MARGIN}" y="{BARS_TOP + BARS_HEIGHT}" width="{width - 2 * MARGIN}" height="1"/>'
        f'<path class="bars" d="{_bars(counts, width - 2 * MARGIN)}"/></svg>\n'
    )


def _gathered(counts: Sequence[int]) -> list[int]:
    """Return the counts as at most MOST_BARS bars, each the sum of as many buckets. Only the oldest may have fewer."""
    size = -(-len(counts) // MOST_BARS) or 1
    first = len(counts) % size
    heads = [sum(counts[:first])] if first else []
    return heads + [sum(counts[place : place + size]) for place in range(first, len(counts), size)]


def _bars(counts: Sequence[int], width: int) -> str:
    """Return the path of a bar for each count. The largest is as high as there is room, and any above 0 is visible."""
    largest = max(counts, default=0)
    step = width / max(len(counts), 1)
    bar = step - min(1, step / 4)
    bottom = BARS_TOP + BARS_HEIGHT
    return "".join(
        f"M{MARGIN + place * step:.1f} {bottom}v{-max(count / largest * BARS_HEIGHT, 1):.1f}h{bar:.1f}V{bottom}z"
        for place, count in enumerate(counts)
        if count > 0
    )


def _cut(text: str) -> str:
    """Return the text, or its beginning and an ellipsis if it is longer than LONGEST_NAME."""
    columns = 0
    for place, character in enumerate(text):
        columns += 2 if _is_wide(character) else 1
        if columns > LONGEST_NAME:
            return f"{text[: place - 1].rstrip()}…"
    return text


def _width(text: str, size: float) -> float:
    """Return about how wide the text is in pixels, rather too wide than too narrow. `size` is that of the font."""
    return sum(_em(character) for character in text) * size


def _em(character: str) -> float:
    if _is_wide(character):
        return 1.1
    if character in _NARROW:
        return 0.42
    if character in _BROAD:
        return 1.0
    return 0.74 if character.isupper() else 0.62


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"
