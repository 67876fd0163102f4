"""The colours of base.css, measured: contrast, and whether the colour-blind can tell the outcomes apart.

The simulation of colour blindness is that of Machado, Oliveira and Fernandes (2009) at full severity.
"""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from tests.servers import ROOT

pytestmark = pytest.mark.once

CSS = ROOT / "statsapi" / "pages" / "static" / "pages" / "base.css"
OUTCOMES = ("accepted", "filtered", "rate-limited", "client-discard", "invalid", "other")
TEXTS = ("text", "quiet", "accent", "good", "bad", "warm")
GROUNDS = ("ground", "raised")
TEXT, DRAWN = 4.5, 3.0
"""The least contrast of text, and of what is drawn: WCAG 2.2, level AA."""
APART = 20.0
"""The least distance of two outcomes in CIELAB. Colours that touch are told apart from about 2."""

Colour = tuple[float, float, float]
"""Linear red, green and blue from 0 to 1."""

SEEN_AS = {
    "trichromat": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanope": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranope": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanope": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def blocks() -> list[dict[str, str]]:
    """Return the colours of each block of the style sheet that sets `--ground`: light, dark, and dark by the switch."""
    found = [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]+);", one)) for one in re.findall(r"\{([^{}]*)\}", _css())]
    return [one for one in found if "ground" in one]


def _css() -> str:
    return re.sub(r"/\*.*?\*/", "", Path(CSS).read_text(encoding="utf-8"), flags=re.DOTALL)


LIGHT, DARK, SWITCHED = blocks()
THEMES = {"light": LIGHT, "dark": DARK}


def colour(text: str) -> Colour:
    digits = "".join(2 * one for one in text[1:]) if len(text) == 4 else text[1:]
    red, green, blue = (_linear(int(digits[at : at + 2], 16) / 255) for at in (0, 2, 4))
    return red, green, blue


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted(_luminance(colour(text)) for text in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(seen: Colour) -> float:
    return 0.2126 * seen[0] + 0.7152 * seen[1] + 0.0722 * seen[2]


def distance(one: str, other: str, viewer: str) -> float:
    """Return the distance of two colours in CIELAB, as a viewer sees them."""
    first, second = (_lab(_seen(colour(text), viewer)) for text in (one, other))
    return float(sum((a - b) ** 2 for a, b in zip(first, second, strict=True)) ** 0.5)


def _seen(shown: Colour, viewer: str) -> Colour:
    rows = (sum(weight * part for weight, part in zip(row, shown, strict=True)) for row in SEEN_AS[viewer])
    red, green, blue = (min(1.0, max(0.0, value)) for value in rows)
    return red, green, blue


def _lab(seen: Colour) -> Colour:
    red, green, blue = seen
    x, y, z = (
        _cube_root((0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047),
        _cube_root(0.2126729 * red + 0.7151522 * green + 0.0721750 * blue),
        _cube_root((0.0193339 * red + 0.1191920 * green + 0.9503041 * blue) / 1.08883),
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _cube_root(value: float) -> float:
    return float(value ** (1 / 3)) if value > 0.008856 else 7.787 * value + 16 / 116


def test_black_and_white_measure_as_they_should() -> None:
    assert contrast("#000", "#fff") == pytest.approx(21)
    assert distance("#000", "#fff", "trichromat") == pytest.approx(100, abs=0.1)
    assert distance("#f00", "#0f0", "deuteranope") < distance("#f00", "#0f0", "trichromat") / 1.3


def test_dark_by_the_system_is_dark_by_the_switch() -> None:
    assert DARK == SWITCHED
    assert DARK.keys() == LIGHT.keys() >= {*OUTCOMES, *TEXTS, *GROUNDS}


@pytest.mark.parametrize("theme", THEMES)
def test_every_text_can_be_read(theme: str) -> None:
    colours = THEMES[theme]
    for text, ground in itertools.product(TEXTS, GROUNDS):
        assert contrast(colours[text], colours[ground]) >= TEXT, (text, ground)
    assert contrast(colours["on-accent"], colours["accent"]) >= TEXT


@pytest.mark.parametrize("theme", THEMES)
def test_every_outcome_stands_out_from_the_ground(theme: str) -> None:
    colours = THEMES[theme]
    for outcome, ground in itertools.product(OUTCOMES, GROUNDS):
        assert contrast(colours[outcome], colours[ground]) >= DRAWN, (outcome, ground)


@pytest.mark.parametrize("viewer", SEEN_AS)
@pytest.mark.parametrize("theme", THEMES)
def test_the_outcomes_can_be_told_apart(theme: str, viewer: str) -> None:
    colours = THEMES[theme]
    for one, other in itertools.combinations(OUTCOMES, 2):
        assert distance(colours[one], colours[other], viewer) >= APART, (one, other)


def test_no_other_rule_names_a_colour() -> None:
    """A colour outside of the variables would not be measured, and would not follow the theme."""
    for sheet in sorted(CSS.parent.glob("*.css")):
        text = re.sub(r"/\*.*?\*/|--[a-z-]+:[^;}]*|url\([^)]*\)", "", sheet.read_text("utf-8"), flags=re.DOTALL)
        rules = re.findall(r"[a-z-]+:[^;{}]*(?:#[0-9a-f]{3,8}\b|\brgba?\(|\bhsla?\()[^;{}]*", text)
        assert rules == [], sheet.name
