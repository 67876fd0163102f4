"""Globs of the inbound filters: how many there may be, and the alternatives in them.

`1.{3,4}.*` stands for `1.3.*` and `1.4.*`. Alternatives may be empty and nested. A brace without its other half stands
for itself, and so does what follows a backslash or stands in brackets. statsapi/ingest/globs.py compares globs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.core.exceptions import ValidationError

from projects.lines import lines_of

MOST_GLOBS = 500
LONGEST_GLOB = 500
"""The most globs of a list, and the most characters of a glob. Every event is compared with all of them, within a bound
of work (statsapi/ingest/globs.py). So the more globs there are, the less of a long message is compared."""

_PIECES = re.compile(r"(?:\\.|\[!?+\]?+[^\]]*+\]|[^{},])++|[{},]", re.DOTALL)


def alternatives(glob: str, most: int = MOST_GLOBS) -> list[str] | None:
    """Return the globs without alternatives that a glob stands for.

    Return None if they are more than `most`, or if a glob with alternatives is longer than LONGEST_GLOB.
    """
    pieces: list[str] = _PIECES.findall(glob)
    halves = _halves(pieces)
    if not halves:
        return [glob]
    if len(glob) > LONGEST_GLOB:
        return None
    outer: list[tuple[list[str], list[str]]] = []  # of each open brace: what stands before it, and alternatives there
    texts, finished, plain = [""], list[str](), ""
    for number, piece in enumerate(pieces):
        if number not in halves and not (piece == "," and outer):
            plain += piece
            continue
        texts, plain = [text + plain for text in texts], ""
        if piece == "{":
            outer.append((texts, finished))
            texts, finished = [""], []
        elif piece == ",":
            finished = finished + texts
            texts = [""]
        else:
            inner = finished + texts
            before, finished = outer.pop()
            if len(before) * len(inner) > most:
                return None
            texts = [start + end for start in before for end in inner]
        if len(texts) + len(finished) > most:
            return None
    return [text + plain for text in texts]


def without_alternatives(globs: Iterable[str]) -> tuple[str, ...]:
    """Return globs that match what these do. Up to MOST_GLOBS come of alternatives; a glob of more is left out."""
    found: list[str] = []
    left = MOST_GLOBS
    for glob in globs:
        spelled = alternatives(glob, max(1, left)) or []
        if len(spelled) > 1:
            left -= len(spelled)
        found += spelled
    return tuple(found)


def _halves(pieces: list[str]) -> set[int]:
    """Return the positions of the braces that have their other half."""
    open_braces, found = list[int](), set[int]()
    for number, piece in enumerate(pieces):
        if piece == "{":
            open_braces.append(number)
        elif piece == "}" and open_braces:
            found |= {open_braces.pop(), number}
    return found


def check_globs(lists: dict[str, str]) -> None:
    """Raise ValidationError if a list has too many globs or too long ones. `lists` maps a field's name to its text."""
    errors = {}
    for field, text in lists.items():
        globs = lines_of(text)
        longest = max(globs, key=len, default="")
        if len(longest) > LONGEST_GLOB:
            errors[field] = f"Keep each glob to {LONGEST_GLOB} characters: “{longest[:20]}…” has {len(longest)}."
            continue
        count = 0
        for glob in globs:
            spelled = alternatives(glob)
            if spelled is None:
                errors[field] = f"“{glob[:20]}…” has too many alternatives. Keep to {MOST_GLOBS}."
                break
            count += len(spelled)
        else:
            if count > MOST_GLOBS:
                errors[field] = (
                    f"Keep to {MOST_GLOBS} globs, of which one may match what several do: these are {count}."
                )
    if errors:
        raise ValidationError(errors)
