"""The names of categories in plain words."""

from __future__ import annotations

from tsdb.outcomes import Category

_PLURALS = {
    Category.ERROR: "Errors",
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
}

CATEGORIES = {
    category: _PLURALS.get(category) or f"{category.value.replace('_', ' ').capitalize()}s" for category in Category
}
"""The name of each category, for what is chosen and for rows."""
