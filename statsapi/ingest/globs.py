"""Comparing texts with the lists of globs of the inbound filters, in bounded time.

A glob matches the whole text and ignores case, as fnmatch and re.IGNORECASE do. It knows `*`, `?`, `[a-z]`, `[!a-z]`,
and `\\` before a character that stands for itself. Alternatives in braces were spelled out before (projects/globs.py).

The sender chooses the texts, and a list may hold hundreds of globs. So each glob has a needle, a few letters that every
matching text contains, and most globs are ruled out by it. Comparing the others costs work, which is bounded for each
event. All figures of work are nanoseconds, measured with the slowest texts and globs that were found, so that the bound
holds for any.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from functools import cached_property, lru_cache

MOST_WORK = 24_000_000
"""The most work for one list and one event.

With 500 globs it is enough for some 7000 characters of messages, and with 100 globs for some 36 000.
"""

_NEEDLE_WORK = 5  # to look for a needle, by each character of the text
_NEEDLE_CHARACTERS = 12  # the time to look for one grows with it
_CALL_WORK = 200

_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_RANGES = re.compile(r"(?=(.)-(.))", re.DOTALL)
_TOKENS = re.compile(r"\*|\?|\[!?+\]?+[^\]]*+\]|.", re.DOTALL)


def any_matches(globs: tuple[str, ...], texts: Iterable[str]) -> bool:
    """Return whether one of the texts matches one of the globs, as far as the work is enough.

    The shortest texts come first. A text that is too much work is cut, and a glob that is too much work is skipped.
    """
    compiled = _compiled(globs)
    left = MOST_WORK
    for text in sorted(texts, key=len):
        # A quarter of the work is kept for globs whose needle is found.
        most = (left * 3 // 4 // max(1, len(compiled)) - _CALL_WORK) // _NEEDLE_WORK
        if most <= 0:
            return False
        text = text[:most]
        left -= len(compiled) * (_CALL_WORK + _NEEDLE_WORK * len(text))
        folded = _folded(text)
        for glob in compiled:
            if glob.needle in folded and (work := glob.work(len(text))) <= left:
                left -= work
                if glob.pattern.match(text):
                    return True
    return False


class _Glob:
    """A glob, its needle, and what comparing it costs."""

    def __init__(self, text: str) -> None:
        self._text = _ESCAPED.sub(_literal, text)
        stretches = [""]  # of letters that a text must hold in sequence
        tokens = _TOKENS.findall(self._text)
        for token in tokens:
            letter = token[1] if len(token) == 3 else token
            if letter.isascii() and len(letter) == 1 and token not in ("*", "?"):
                stretches[-1] += letter.lower()
            else:
                stretches.append("")
        self.needle = max(stretches, key=len)[-_NEEDLE_CHARACTERS:]
        self._classes = [token for token in tokens if len(token) > 1]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The compiled glob. fnmatch writes each `*` as an atomic group, so that matching never backtracks."""
        return re.compile(fnmatch.translate(self._text), re.IGNORECASE)

    def work(self, characters: int) -> int:
        """Return the work, in nanoseconds, of comparing a text with this many characters.

        Each character may be the start of what is between two stars.
        """
        pieces = self._text.split("*")
        tries = characters if len(pieces) > 1 else 1
        comparing = 2_000 + tries * 10 * (1 + max(map(len, pieces)))
        if "pattern" in vars(self):
            return comparing
        # To ignore case, re looks at every letter of a range when it compiles.
        ranges = (ends for one in self._classes for ends in _RANGES.findall(one))
        letters = sum(max(0, ord(last) - ord(first)) for first, last in ranges)
        classes = 250_000 * len(self._classes) + 400 * letters
        return comparing + 100_000 + 5_000 * len(self._text) + 25_000 * len(pieces) + classes


@lru_cache(maxsize=256)
def _compiled(globs: tuple[str, ...]) -> tuple[_Glob, ...]:
    return tuple(_Glob(glob) for glob in dict.fromkeys(globs) if glob)


def _literal(escaped: re.Match[str]) -> str:
    return f"[{escaped[1]}]" if escaped[1] in "*?[" else escaped[1]


def _folded(text: str) -> str:
    """Return a text of the same length, with ASCII letters in lower case wherever re.IGNORECASE matches them."""
    if not text.isascii():
        text = text.replace("\u0130", "i").replace("\u0131", "i").replace("\u017f", "s")
    return text.lower()
