"""What the items of an envelope count as.

Source: Sentry's developer documentation, "Envelope Items" and the definitions in "Rate Limiting".
"""

from __future__ import annotations

from tsdb.outcomes import Category

# Item type -> category. None: known, and not counted by itself. A client report carries counts of others, a
# replay recording always comes with the replay event of its segment, form data belongs to its event.
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
    "statsd": Category.METRIC_BUCKET,
    "metric_buckets": Category.METRIC_BUCKET,
    "trace_metric": Category.TRACE_METRIC,
    "client_report": None,
    "form_data": None,
}

# Item types that hold several things in one payload and say how many in the item header `item_count`.
COUNTED_TYPES = frozenset({"log", "span", "trace_metric"})
