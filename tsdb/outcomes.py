"""The words for what is counted: outcomes, categories and reasons, and the stats that are sums of outcomes.

Outcomes are a closed list, because the stats are sums of them. Categories and reasons are open: SDKs make up new ones,
and those are counted under their own names. A project has room for so many words that are not known (tsdb/room.py).
"""

from __future__ import annotations

import re
from enum import StrEnum


class Outcome(StrEnum):
    """What became of an event. Every event ends in exactly one outcome."""

    ACCEPTED = "accepted"
    FILTERED = "filtered"
    RATE_LIMITED = "rate_limited"
    INVALID = "invalid"
    ABUSE = "abuse"
    CLIENT_DISCARD = "client_discard"
    CARDINALITY_LIMITED = "cardinality_limited"


class Category(StrEnum):
    """The categories that this service counts by itself, and those that were known from the beginning.

    CATEGORY_NAMES has those that only clients name, and a client report may name any other.
    """

    ERROR = "error"
    TRANSACTION = "transaction"
    ATTACHMENT = "attachment"
    SESSION = "session"
    PROFILE = "profile"
    PROFILE_CHUNK = "profile_chunk"
    REPLAY = "replay"
    MONITOR = "monitor"
    SPAN = "span"
    FEEDBACK = "feedback"
    METRIC_BUCKET = "metric_bucket"
    TRACE_METRIC = "trace_metric"
    LOG_ITEM = "log_item"
    LOG_BYTE = "log_byte"
    ATTACHMENT_ITEM = "attachment_item"
    PROFILE_CHUNK_UI = "profile_chunk_ui"
    SPAN_INDEXED = "span_indexed"
    TRACE_METRIC_BYTE = "trace_metric_byte"
    TRANSACTION_INDEXED = "transaction_indexed"


OTHER_CATEGORY = "other"
"""The category of what has no readable one, or one that the project has no room for."""

CATEGORY_NAMES: dict[str, str] = {
    **{category.value: category for category in Category},
    **{
        name: name
        for name in (
            "transaction_processed", "profile_indexed", "profile_duration", "profile_duration_ui", "profile_backend",
            "profile_ui", "monitor_seat", "metric_second", "replay_video", "uptime", "seer_autofix", "seer_scanner",
            "seer_user", "prevent_user", "prevent_review", "size_analysis", "installable_build", "snapshot_image",
            OTHER_CATEGORY,
        )
    },
    "default": Category.ERROR,
    "security": Category.ERROR,
    "crash": Category.ERROR,
    "statsd": Category.METRIC_BUCKET,
    "user_report": Category.FEEDBACK,
    "user_report_v2": Category.FEEDBACK,
}  # fmt: skip
"""All names that are known for a category, and the category that each of them means.

They are those of Sentry's relay, and the item types that old SDKs write into their reports. Events and security
reports are both of the category error (docs/contract.md#categories-and-reasons). `default` and `security`, which SDKs
still name in rate limits and client reports, are other words for it.
"""

CATEGORIES = frozenset(CATEGORY_NAMES.values())
"""The known categories."""

LONGEST_CATEGORY, LONGEST_REASON = 64, 200
"""The most bytes of UTF-8 of a category or a reason that is not known."""

MOST_CATEGORIES, MOST_REASONS = 50, 100
"""How many different categories and reasons that are not known a project has room for."""

UNKNOWN_SHARE = 4
"""A new fact with such a word has room while the project has fewer than this part of its most series. So whoever has
the DSN cannot fill the project with words that they make up."""

LARGEST_QUANTITY = 10**9
"""The most events that one row of a client report or of `outcomes/` can stand for."""

NO_REASON = "none"
OTHER_REASON = "other"

FILTERS = (
    "ip-address",
    "release-version",
    "error-message",
    "browser-extensions",
    "legacy-browsers",
    "localhost",
    "web-crawlers",
    "invalid-csp",
    "cors",
    "discarded-hash",
)
"""The inbound filters. Each name is also a reason of the outcome `filtered`, and a stat."""

REASONS = frozenset(
    (
        NO_REASON,
        OTHER_REASON,
        *FILTERS,
        "key_quota", "org_quota", "project_quota", "global_quota",
        # reasons of `invalid`, given by intake
        "invalid_json", "invalid_envelope", "invalid_event_id", "empty", "invalid_body", "too_large",
        # reasons of `client_discard`, given by SDKs
        "queue_overflow", "cache_overflow", "buffer_overflow", "ratelimit_backoff", "network_error",
        "sample_rate", "before_send", "event_processor", "send_error", "internal_sdk_error",
        "insufficient_data", "backpressure", "no_parent_span", "ignored", "invalid", "too_big",
    )
)  # fmt: skip
"""The known reasons."""

_WORD = re.compile(r"[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*")
"""A text that is not blank and has no control characters."""


def category_of(name: str) -> str:
    """Return the category that the name means: the known one, else the name itself, or `other` if it is no word.

    A word is a text of at most LONGEST_CATEGORY bytes that is not blank and has no control characters.
    """
    return CATEGORY_NAMES.get(name) or (name if _is_word(name, LONGEST_CATEGORY) else OTHER_CATEGORY)


def reason_of(text: str | None) -> str:
    """Return the reason as it is; `none` if there is none, and `other` if it is no word.

    A word is as in category_of, of at most LONGEST_REASON bytes.
    """
    if not text:
        return NO_REASON
    return text if text in REASONS or _is_word(text, LONGEST_REASON) else OTHER_REASON


def _is_word(text: str, longest: int) -> bool:
    if len(text) > longest or not _WORD.fullmatch(text):
        return False
    try:
        return len(text.encode()) <= longest
    except UnicodeEncodeError:  # half of a surrogate pair
        return False


RECEIVED = (Outcome.ACCEPTED, Outcome.FILTERED, Outcome.RATE_LIMITED)
"""The outcomes of the stat `received`. It is not stored but added up, so that received = generated + blacklisted +
rejected always holds."""

STATS: dict[str, tuple[Outcome, ...]] = {
    "received": RECEIVED,
    "rejected": (Outcome.RATE_LIMITED,),
    "blacklisted": (Outcome.FILTERED,),
    "generated": (Outcome.ACCEPTED,),
}
"""The outcomes that make up each stat. A filter's name is a stat as well: `filtered` for that reason."""
