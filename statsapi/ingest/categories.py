"""The categories of the items of an envelope.

Source: Sentry's developer documentation, "Envelope Items" and the definitions in "Rate Limiting".
"""

from __future__ import annotations

from tsdb.outcomes import Category

# Item type -> category. None means that the type is known, and not counted by itself. A client report carries counts of
# other items, a replay recording always comes with the replay event of its segment, and form data belongs to its event.
ITEM_CATEGORIES: dict[str, Category | None] = {
    "event": Category.ERROR,
    "security": Category.ERROR,
    "raw_security": Category.ERROR,
    "unreal_report": Category.ERROR,
    "transaction": Category.TRANSACTION,
    "attachment": Category.ATTACHMENT,
    "session": Category.SESSION,
    "sessions": Category.SESSION,
    "profile": Category.PROFILE,
    "profile_chunk": Category.PROFILE_CHUNK,
    "replay_event": Category.REPLAY,
    "replay_video": Category.REPLAY,
    "replay_recording": None,
    "check_in": Category.MONITOR,
    "feedback": Category.FEEDBACK,
    "user_report": Category.FEEDBACK,
    "span": Category.SPAN,
    "otel_span": Category.SPAN,
    "log": Category.LOG_ITEM,
    "otel_log": Category.LOG_ITEM,
    "nel": Category.LOG_ITEM,
    "statsd": Category.METRIC_BUCKET,
    "metric_buckets": Category.METRIC_BUCKET,
    "trace_metric": Category.TRACE_METRIC,
    "client_report": None,
    "form_data": None,
}

# Item types whose payload holds several things. The item header `item_count` says how many.
COUNTED_TYPES = frozenset({"log", "span", "trace_metric"})

# What the item header `platform` of a profile chunk says if it is of a user interface, which is a category of its own.
UI_PLATFORMS = frozenset({"cocoa", "android", "javascript"})

# Item types whose payload is read, and must have a size that can be. All others are only counted.
READ_TYPES = frozenset({"event", "security", "raw_security", "transaction", "client_report"})

# What an attachment says it is (`attachment_type` in its headers) if it is a crash, or part of an event that a crashed
# process left behind. Without an event beside it, an error is made from it.
ERROR_ATTACHMENTS = frozenset(
    {
        "event.minidump",
        "event.applecrashreport",
        "event.payload",
        "event.breadcrumbs",
        "playstation.prosperodump",
    }
)


def category_of_item(kind: str, platform: object) -> Category | None:
    """Return the category of an item of this type, whose headers name this platform, or None if it is not counted."""
    if kind == "profile_chunk" and isinstance(platform, str) and platform in UI_PLATFORMS:
        return Category.PROFILE_CHUNK_UI
    return ITEM_CATEGORIES.get(kind)
