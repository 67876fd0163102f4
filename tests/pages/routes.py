"""The pages, found in the URL configuration, so that a new page is tested as soon as it is added."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from django.urls import URLPattern, URLResolver

from statsapi.pages.urls import urlpatterns

_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


class Route(NamedTuple):
    """A page: its name, and its path with parameters, such as `/o/<str:organization>/`."""

    name: str
    path: str

    @property
    def parameters(self) -> list[str]:
        """The names of the parameters, in their order."""
        return _PARAMETER.findall(self.path)

    def url(self, names: Mapping[str, str]) -> str:
        """Return the path with its parameters filled in.

        `names` has them by their name, or by `<name of the route>.<parameter>`, which goes first.
        """

        def fill(found: re.Match[str]) -> str:
            for name in (f"{self.name}.{found[1]}", found[1]):
                if name in names:
                    return names[name]
            raise AssertionError(f"{self.path}: the test needs an object for “{found[1]}”")

        return _PARAMETER.sub(fill, self.path)


def routes() -> list[Route]:
    """Return every page, in the order of the URL configuration."""
    return list(_walk(urlpatterns, "/"))


def _walk(patterns: Iterable[object], prefix: str) -> Iterator[Route]:
    for pattern in patterns:
        assert isinstance(pattern, URLPattern | URLResolver)
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, path)
        else:
            assert pattern.name, f"{path} has no name"
            yield Route(pattern.name, path)
