"""Helpers of the tests of the admin: URLs, actions, forms, and the messages of a page."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse


def url(model: str, page: str, *args: Any) -> str:
    """Return the URL of an admin page, such as the "changelist" of "project"."""
    return reverse(f"admin:projects_{model}_{page}", args=args)


def act(client: Client, model: str, action: str, *ids: int, **more: str) -> Any:
    """Run an action on the rows with these ids, as on the page of a list, and follow the redirect."""
    data = {"action": action, "_selected_action": [str(number) for number in ids], **more}
    if "post" not in more:
        data["index"] = "0"
    return client.post(url(model, "changelist"), data, follow=True)


def inline(prefix: str, *rows: dict[str, Any], initial: int = 0) -> dict[str, Any]:
    """Return the fields that an inline formset posts. The first `initial` rows exist already."""
    data: dict[str, Any] = {f"{prefix}-TOTAL_FORMS": len(rows), f"{prefix}-INITIAL_FORMS": initial}
    for place, row in enumerate(rows):
        data |= {f"{prefix}-{place}-{field}": value for field, value in row.items()}
    return data


def log_lines() -> list[str]:
    """Return the lines of the admin's log, oldest first."""
    return [f"{entry} ({entry.get_change_message()})" for entry in LogEntry.objects.order_by("pk")]


def said(response: Any) -> str:
    """Return the messages and errors of a page, each on its own line."""
    reader = _Reader()
    reader.feed(response.content.decode())
    return "\n".join(" ".join("".join(parts).split()) for parts in reader.found)


class _Reader(HTMLParser):
    """Collects the items of lists with the class `messagelist` or `errorlist`."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[list[str]] = []
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = (dict(attrs).get("class") or "").split()
        if tag == "ul" and (self._depth or {"messagelist", "errorlist"} & set(classes)):
            self._depth += 1
        if tag == "li" and self._depth:
            self.found.append([])

    def handle_endtag(self, tag: str) -> None:
        if tag == "ul" and self._depth:
            self._depth -= 1

    def handle_data(self, data: str) -> None:
        if self._depth and self.found:
            self.found[-1].append(data)
