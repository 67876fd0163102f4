"""A small chart of counts as SVG. No script and no style attribute: a strict Content-Security-Policy lets it pass."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def sparkline(counts: Sequence[int], *, title: str, width: int = 120, height: int = 24) -> str:
    """A bar a count (none negative), the largest as high as the picture, in the colour of the text around it.

    Any count above 0 is seen, if only as a line of one pixel. `title` is what a pointer or a screen reader is told.
    """
    largest = max(counts, default=0)
    step = width / max(len(counts), 1)
    # Where bars are wide enough, a gap of a pixel tells them apart.
    bar = step - 1 if step >= 3 else step
    bars = "".join(
        f"M{_number(place * step)} {height}v-{_number(max(count / largest * height, 1))}h{_number(bar)}V{height}z"
        for place, count in enumerate(counts)
        if count > 0
    )
    title = escape(title)
    return (
        f'<svg class="sparkline" role="img" aria-label="{title}" xmlns="http://www.w3.org/2000/svg"'
        f' width="{width}" height="{height + 1}" viewBox="0 0 {width} {height + 1}" fill="currentColor">'
        f"<title>{title}</title>"
        f'<path d="M0 {height}h{width}v1h-{width}z" fill-opacity="0.3"/>'
        f'<path d="{bars}"/></svg>'
    )


def _number(value: float) -> str:
    """Tenths of a pixel are enough."""
    return f"{value:.1f}".removesuffix(".0")
