"""A small chart of counts as SVG, without script and style attributes: a strict Content-Security-Policy allows it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from html import escape


def sparkline(counts: Sequence[int], *, title: str, width: int = 120, height: int = 24) -> str:
    """Return an SVG element with one bar for each count, in the colour of the text around it.

    Counts must not be negative. The bar of the largest is as high as the picture, and each count above 0 is visible, if
    only as one pixel. `title` is for tooltips and screen readers. `width` and `height` are in pixels.
    """
    scale = height / (max(counts, default=0) or 1)
    starts, end = _frame(len(counts), width, height)
    bars = "".join(
        [f"{start}{_number(max(count * scale, 1))}{end}" for start, count in zip(starts, counts, strict=True) if count]
    )
    title = escape(title)
    return (
        f'<svg class="sparkline" role="img" aria-label="{title}" xmlns="http://www.w3.org/2000/svg"'
        f' width="{width}" height="{height + 1}" viewBox="0 0 {width} {height + 1}" fill="currentColor">'
        f"<title>{title}</title>"
        f'<path d="M0 {height}h{width}v1h-{width}z" fill-opacity="0.3"/>'
        f'<path d="{bars}"/></svg>'
    )


@lru_cache(maxsize=100)
def _frame(bars: int, width: int, height: int) -> tuple[list[str], str]:
    """Return what stands in the path before the height of each bar, and what stands after it."""
    step = width / max(bars, 1)
    # A gap of one pixel separates bars that are wide enough for it.
    bar = step - 1 if step >= 3 else step
    return [f"M{_number(place * step)} {height}v-" for place in range(bars)], f"h{_number(bar)}V{height}z"


def _number(value: float) -> str:
    """Return the number with at most one decimal. Tenths of a pixel are enough."""
    return f"{value:.1f}".removesuffix(".0")
