"""What to paste into a README, a wiki or a page, to show a public link there."""

from __future__ import annotations

from html import escape
from typing import NamedTuple

from django.conf import settings
from django.urls import reverse

_IN_MARKDOWN = str.maketrans({character: f"\\{character}" for character in "\\`*_[]<>!"})


class Snippets(NamedTuple):
    """The addresses of a link, and what to paste. `frame` is empty if the link names no site that may show it so."""

    page: str
    picture: str
    markdown: str
    html: str
    frame: str


def snippets(secret: str, name: str, *, framed: bool) -> Snippets:
    """Return the snippets of a link to the project of this name."""
    page = settings.PUBLIC_URL + reverse("share", args=[secret])
    picture = settings.PUBLIC_URL + reverse("share-picture", args=[secret])
    words = " ".join(f"Errors of {name} in 7 days".split())
    said = escape(words)
    frame = f'<iframe src="{page}" title="{said}" width="100%" height="640" loading="lazy"></iframe>'
    return Snippets(
        page,
        picture,
        f"[![{words.translate(_IN_MARKDOWN)}]({picture})]({page})",
        f'<a href="{page}"><img src="{picture}" alt="{said}"></a>',
        frame if framed else "",
    )
