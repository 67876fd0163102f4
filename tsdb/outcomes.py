"""The closed lists of words: outcomes, categories and reasons, and the stats that are sums of outcomes."""

from __future__ import annotations

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
    """The kinds of data that are counted, as Sentry's SDKs and client reports name them."""

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


CATEGORY_NAMES: dict[str, Category] = {
    **{category.value: category for category in Category},
    "default": Category.ERROR,
    "security": Category.ERROR,
    "crash": Category.ERROR,
    "statsd": Category.METRIC_BUCKET,
    "user_report": Category.FEEDBACK,
}
"""All names that a sender or a reader may use for a category.

Events and security reports are both of the category error (docs/contract.md#categories-and-reasons). `default` and
`security`, which SDKs still name in rate limits and client reports, are other words for it.
"""


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
"""The known reasons. Any other is counted as `other`, so that the series of a project stay few."""


def known_reason(reason: str | None) -> str:
    """Return the reason if it is known, `none` if there is no reason, and `other` for any other text."""
    if not reason:
        return NO_REASON
    return reason if reason in REASONS else OTHER_REASON


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
