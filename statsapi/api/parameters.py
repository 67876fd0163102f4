"""Query parameters: one object both reads a parameter and describes it in the OpenAPI document.

A view passes the parameters that it reads to `describe` (statsapi/api/schema/operations.py).
tests/api/schema/test_parameters.py compares both for every endpoint.

An empty value counts as none. If a parameter that is not a list is repeated, its last value counts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter

from projects.models import SLUG
from statsapi.api.errors import BadQuery

ID_DIGITS = 18
"""The most digits of an id; a 64-bit integer holds any such number."""
ID = f"[0-9]{{1,{ID_DIGITS}}}"
SLUG_OR_ID = f"{ID}|{SLUG}"
"""This and ID are regular expressions for the whole of a text."""


class Parameter(OpenApiParameter):
    """A parameter that is any text. `schema` is the JSON schema of its values."""

    def __init__(
        self, name: str, description: str = "", schema: dict[str, Any] | None = None, *, required: bool = False
    ) -> None:
        super().__init__(
            name, schema or {"type": "string"}, OpenApiParameter.QUERY, required=required, description=description
        )

    def text(self, query: Mapping[str, str]) -> str | None:
        """Return the value as it was sent; None if there is none."""
        return query.get(self.name) or None


class Choice(Parameter):
    """One of a few words."""

    def __init__(self, name: str, description: str, choices: Collection[str], default: str) -> None:
        super().__init__(name, description, {"type": "string", "enum": [*choices], "default": default})
        self._choices, self._default = choices, default

    def read(self, query: Mapping[str, str]) -> str:
        """Return the word. Raises BadQuery."""
        word = self.text(query) or self._default
        if word not in self._choices:
            raise BadQuery(f"Invalid {self.name}: {word}")
        return word


class Pattern(Parameter):
    """A text that a regular expression matches as a whole. It must mean the same in Python and in JavaScript."""

    def __init__(self, name: str, description: str, form: str) -> None:
        super().__init__(name, description, {"type": "string", "pattern": f"^({form})?$"})
        self.form = re.compile(form)


class WholeNumber(Parameter):
    """An integer within bounds."""

    def __init__(self, name: str, description: str, minimum: int, maximum: int, default: int) -> None:
        schema = {"type": "integer", "minimum": minimum, "maximum": maximum, "default": default}
        super().__init__(name, description, schema)
        self._minimum, self._maximum, self._default = minimum, maximum, default

    def read(self, query: Mapping[str, str]) -> int:
        """Return the number. Raises BadQuery."""
        text = self.text(query)
        if not text:
            return self._default
        if not re.fullmatch(r"[0-9]{1,9}", text) or not self._minimum <= int(text) <= self._maximum:
            raise BadQuery(f"Invalid {self.name} value. Must be between {self._minimum} and {self._maximum}.")
        return int(text)


class Texts(Parameter):
    """A list of any texts; the parameter is repeated for each. `items` is the JSON schema of one."""

    def __init__(
        self, name: str, description: str, items: dict[str, Any] | None = None, *, required: bool = False
    ) -> None:
        schema: dict[str, Any] = {"type": "array", "items": items or {"type": "string"}}
        super().__init__(name, description, {**schema, "minItems": 1} if required else schema, required=required)

    def texts(self, query: QueryDict) -> list[str]:
        """Return the values as they were sent."""
        return [text for text in query.getlist(self.name) if text]


class Choices(Texts):
    """A list of words, each one of a few."""

    def __init__(self, name: str, description: str, choices: Collection[str], *, required: bool = False) -> None:
        super().__init__(name, description, {"type": "string", "enum": [*choices]}, required=required)
        self._choices = choices

    def read(self, query: QueryDict) -> tuple[str, ...]:
        """Return each word once, in the order in which they were sent. Raises BadQuery."""
        words = self.texts(query)
        for word in words:
            if word not in self._choices:
                raise BadQuery(f'Invalid {self.name}: "{word}"')
        return tuple(dict.fromkeys(words))


class Patterns(Texts):
    """A list of texts. A regular expression matches each as a whole. `refusal` is the error's message."""

    def __init__(
        self, name: str, description: str, form: str, refusal: str, items: dict[str, Any] | None = None
    ) -> None:
        super().__init__(name, description, items or {"type": "string", "pattern": f"^({form})$"})
        self._form, self._refusal = re.compile(form), refusal

    def read(self, query: QueryDict) -> list[str]:
        """Return the texts. Raises BadQuery."""
        texts = self.texts(query)
        if not all(map(self._form.fullmatch, texts)):
            raise BadQuery(self._refusal)
        return texts
