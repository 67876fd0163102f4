"""Forms as a browser sends them: the fields of a page's form as they were rendered, with what a person changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from django.test import Client


@dataclass
class FoundForm:
    """A form of a page: the path that it is sent to, what it would send, and the boxes that are not ticked."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    unticked: set[str] = field(default_factory=set)

    @property
    def names(self) -> set[str]:
        return self.fields.keys() | self.unticked


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[FoundForm] = []
        self._textarea: str | None = None
        self._select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        name = found.get("name", "")
        if tag == "form":
            self.forms.append(FoundForm(found.get("action", "")))
        elif not self.forms:
            return
        elif tag == "input" and found.get("type") == "checkbox" and "checked" not in found:
            self.forms[-1].unticked.add(name)
        elif tag == "input" and name:
            self.forms[-1].fields[name] = found.get("value", "on" if found.get("type") == "checkbox" else "")
        elif tag == "textarea":
            self.forms[-1].fields[name], self._textarea = "", name
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in found or self._select not in self.forms[-1].fields):
            self.forms[-1].fields[self._select] = found.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._textarea:
            fields = self.forms[-1].fields
            fields[self._textarea] = fields[self._textarea].removeprefix("\n")
            self._textarea = None
        elif tag == "select":
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._textarea is not None:
            self.forms[-1].fields[self._textarea] += data


def forms_of(page: Any) -> list[FoundForm]:
    """Return the forms of a page, without those of the bar on top."""
    parser = _Forms()
    parser.feed(page.content.decode())
    return [form for form in parser.forms if form.action not in ("/theme/", "/logout/")]


def submit(client: Client, path: str, *, action: str = "", **changes: str | None) -> Any:
    """Send the form of the page that has the changed fields and the action, and follow redirects.

    A value of None unticks a box.
    """
    page = client.get(path)
    assert page.status_code == 200, page.status_code
    form = next(form for form in forms_of(page) if changes.keys() <= form.names and form.action.endswith(action))
    sent = {**form.fields, **changes}
    return client.post(
        form.action or path, {name: value for name, value in sent.items() if value is not None}, follow=True
    )


def text_of(page: Any) -> str:
    """Return the words of a page, with single blanks between them."""
    parser = _Words()
    parser.feed(page.content.decode())
    return " ".join("".join(parser.words).split())


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("td", "th", "tr", "p", "li", "div", "dt", "dd", "h1", "h2"):
            self.words.append(" ")

    def handle_data(self, data: str) -> None:
        self.words.append(data)
