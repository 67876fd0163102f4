"""Why something was not accepted: a name and a sentence for each reason, in plain words."""

from __future__ import annotations

from typing import NamedTuple

from tsdb.outcomes import NO_REASON, OTHER_REASON, Outcome


class Why(NamedTuple):
    """The name of a reason, and a sentence about it."""

    name: str
    sentence: str


_FILTERED = {
    "localhost": Why("Filter: localhost", "They came from 127.0.0.1, ::1 or a page on localhost."),
    "web-crawlers": Why("Filter: web crawlers", "The page was visited by a known crawler, such as Googlebot."),
    "legacy-browsers": Why("Filter: legacy browsers", "The browser is out of support."),
    "browser-extensions": Why("Filter: browser extensions", "A browser extension raised the error, not the page."),
    "invalid-csp": Why("Filter: invalid CSP", "The CSP report was caused by an extension or a local page."),
    "ip-address": Why("Filter: IP addresses", "The sender's address is on the project's list."),
    "release-version": Why("Filter: releases", "The release matches the project's list."),
    "error-message": Why("Filter: error messages", "The message matches the project's list."),
    "cors": Why("Filter: origins", "The page's origin may not send to this project."),
    "discarded-hash": Why("Filter: discarded groups", "They belong to a group that is to be discarded."),
    NO_REASON: Why("Filtered", "They were filtered, and no filter was named."),
    OTHER_REASON: Why("Filtered, other", "They were filtered for a reason that is not told apart here."),
}

_RATE_LIMITED = {
    "key_quota": Why("Quota of a key", "The key had used up its quota, so the service answered 429."),
    "project_quota": Why("Budget of the project", "A budget of the project was used up, so the service answered 429."),
    "org_quota": Why("Quota of the organization", "The organization had used up its quota."),
    "global_quota": Why("Quota of the service", "The whole service was at its limit."),
    NO_REASON: Why("Rate limited", "They were over a limit that was not named."),
    OTHER_REASON: Why("Rate limited, other", "They were over a limit that is not told apart here."),
}

_CLIENT_DISCARD = {
    "ratelimit_backoff": Why(
        "SDK: silent after a 429", "After a 429 the SDK stays silent until the limit is over. These were never sent."
    ),
    "sample_rate": Why("SDK: sampling", "The SDK's sample rate left them out on purpose."),
    "before_send": Why("SDK: before_send", "The application's own before_send hook returned nothing."),
    "event_processor": Why(
        "SDK: event processor", "An event processor of the application or an integration dropped them."
    ),
    "ignored": Why("SDK: ignored", "The SDK's list of what to ignore matched."),
    "queue_overflow": Why("SDK: queue full", "They were made faster than the SDK could send them."),
    "cache_overflow": Why("SDK: cache full", "The SDK's cache on disk was full, for example while it was offline."),
    "buffer_overflow": Why("SDK: buffer full", "The SDK's buffer was full."),
    "backpressure": Why("SDK: under load", "The SDK sent less, because the application was under load."),
    "network_error": Why("SDK: no network", "The request failed, so the SDK gave up. Check proxies and DNS."),
    "send_error": Why("SDK: refused", "The service, or a proxy before it, refused the request."),
    "internal_sdk_error": Why("SDK: an error of its own", "The SDK itself failed. A newer version may help."),
    "insufficient_data": Why(
        "SDK: not enough data", "There was too little in them to be of use, as in a short profile."
    ),
    "no_parent_span": Why("SDK: no parent span", "A span had no parent, and the SDK sends only those with one."),
    "invalid": Why("SDK: not valid", "The SDK found that they were not valid."),
    "too_big": Why("SDK: too big", "They were larger than the SDK sends."),
    NO_REASON: Why("SDK: no reason given", "The SDK dropped them and gave no reason."),
    OTHER_REASON: Why("SDK: other", "The SDK gave a reason that is not told apart here."),
}

_INVALID = {
    "invalid_json": Why("Not JSON", "The body was no JSON."),
    "invalid_envelope": Why("No envelope", "The body was no envelope that could be read."),
    "invalid_event_id": Why("Bad event id", "The event's id is not 32 hexadecimal digits."),
    "empty": Why("Empty", "The body was empty."),
    "invalid_body": Why("Unreadable", "The body could not be unpacked, or was cut short."),
    "too_large": Why("Too large", "The body was larger than the service takes."),
    NO_REASON: Why("Not valid", "They could not be read, and no reason was given."),
    OTHER_REASON: Why("Not valid, other", "They could not be read, for a reason that is not told apart here."),
}

_TABLES = {
    Outcome.FILTERED: _FILTERED,
    Outcome.RATE_LIMITED: _RATE_LIMITED,
    Outcome.CLIENT_DISCARD: _CLIENT_DISCARD,
    Outcome.INVALID: _INVALID,
}

_OUTCOMES = {
    Outcome.FILTERED: "They were filtered.",
    Outcome.RATE_LIMITED: "They were over a limit.",
    Outcome.CLIENT_DISCARD: "The SDK held them back.",
    Outcome.INVALID: "They were not valid.",
    Outcome.ABUSE: "They were refused as abuse.",
    Outcome.CARDINALITY_LIMITED: "They had too many different values.",
    Outcome.ACCEPTED: "They were counted.",
}
"""A sentence for each outcome, for a reason that has none of its own there. Senders of counts choose reasons freely."""


def why(outcome: Outcome, reason: str) -> Why:
    """Return the name and the sentence of a reason. One that is not known is named as it is: any text."""
    known = _TABLES.get(outcome, {}).get(reason)
    if known:
        return known
    name = "SDK" if outcome is Outcome.CLIENT_DISCARD else outcome.value.replace("_", " ").capitalize()
    return Why(name if reason == NO_REASON else f"{name}: {reason}", _OUTCOMES[outcome])
