"""The names of categories in plain words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from tsdb.outcomes import CATEGORY_NAMES, OTHER_CATEGORY, Category

_PLURALS: dict[str, str] = {
    Category.ERROR: "Errors",
    Category.ATTACHMENT: "Attachments (bytes)",
    Category.ATTACHMENT_ITEM: "Attachments",
    Category.REPLAY: "Replays",
    Category.FEEDBACK: "Feedback",
    Category.MONITOR: "Check-ins",
    Category.LOG_ITEM: "Logs",
    Category.LOG_BYTE: "Logs (bytes)",
    Category.TRACE_METRIC_BYTE: "Trace metrics (bytes)",
    Category.METRIC_BUCKET: "Metric buckets",
    Category.PROFILE_CHUNK_UI: "Profile chunks (UI)",
    Category.SPAN_INDEXED: "Spans (indexed)",
    Category.TRANSACTION_INDEXED: "Transactions (indexed)",
    "transaction_processed": "Transactions (processed)",
    "profile_indexed": "Profiles (indexed)",
    "profile_duration": "Profile duration (ms)",
    "profile_duration_ui": "Profile duration (UI, ms)",
    "profile_backend": "Profiles (backend)",
    "profile_ui": "Profiles (UI)",
    "uptime": "Uptime checks",
    "seer_autofix": "Seer autofixes",
    "seer_scanner": "Seer scans",
    "size_analysis": "Size analyses",
    OTHER_CATEGORY: "Other",
}

_NAMES = {
    category: _PLURALS.get(category) or f"{category.replace('_', ' ').capitalize()}s"
    for category in dict.fromkeys(map(str, CATEGORY_NAMES.values()))
}
"""The name of each known category, for what is chosen and for rows, in the order in which they are listed."""


def category_name(category: str) -> str:
    """Return the name of a category. One that is not known is named as it is: any text that a client sent."""
    return _NAMES.get(category, category)


def in_order(categories: Iterable[str]) -> list[str]:
    """Return each of the categories once, first those that are known."""
    found = set(categories)
    return [*(category for category in _NAMES if category in found), *sorted(found - _NAMES.keys())]


def find_category(text: str, counted: Callable[[], Collection[str]]) -> str | None:
    """Return the category that a text in an address means; None if it means none.

    `counted` returns the categories that can be asked for beside the known ones.
    """
    return CATEGORY_NAMES.get(text) or (text if text and text in counted() else None)
