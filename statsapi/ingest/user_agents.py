"""Crawlers and browsers that are out of support, recognized by the User-Agent header.

The lists come from packages, which are kept up to date by others:
- crawlers: the list of the package crawler-user-agents 1.67.0 (MIT), 1460 patterns, without those with the tag
  `http-library`. curl or okhttp is a program that somebody runs, and its errors are real.
- browsers: ua-parser 1.0.2 (Apache 2.0) with the rules of ua-parser-builtins 202610.

The first look at a header takes 80 µs for crawlers and 250 µs for browsers. The results are kept.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

import crawleruseragents  # type: ignore[import-untyped]
from ua_parser import BasicResolver, Domain, load_lazy_builtins

LONGEST_USER_AGENT = 512  # matching takes time by its length; the longest known one of a crawler is under 400
KEPT_VERDICTS = 2048

# The first version that is supported, by ua-parser's name of the browser. The limits are those of Sentry's filter since
# 2024, as its API documentation lists them.
_FIRST_MODERN = {
    "IE": 12,
    "IE Mobile": 12,
    "Edge": 79,
    "Edge Mobile": 79,
    "Safari": 12,
    "Mobile Safari": 12,
    "Firefox": 67,
    "Firefox Mobile": 67,
    "Chrome": 63,
    "Chrome Mobile": 63,
    "Opera": 51,
    "Opera Mobile": 51,
    "Opera Mini": 35,
    "Android": 4,
}

_CHUNK = 25  # one alternation of all patterns takes twice as long as chunks of 25 do


def is_crawler(user_agent: str) -> bool:
    """Return whether the header names a known crawler."""
    return _is_crawler(user_agent[:LONGEST_USER_AGENT])


def is_legacy_browser(user_agent: str) -> bool:
    """Return whether the header names a browser that is out of support. An unknown browser is not."""
    return _is_legacy_browser(user_agent[:LONGEST_USER_AGENT])


@lru_cache(maxsize=KEPT_VERDICTS)
def _is_crawler(user_agent: str) -> bool:
    return any(pattern.search(user_agent) for pattern in _crawler_patterns())


@lru_cache(maxsize=KEPT_VERDICTS)
def _is_legacy_browser(user_agent: str) -> bool:
    browser = _browsers()(user_agent, Domain.USER_AGENT).user_agent
    if browser is None or not (browser.major and browser.major.isdecimal()):
        return False
    return int(browser.major) < _FIRST_MODERN.get(browser.family, 0)


@cache
def _crawler_patterns() -> list[re.Pattern[str]]:
    patterns = [
        entry["pattern"]
        for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA
        if "http-library" not in entry.get("tags", ())
    ]
    return [re.compile("|".join(patterns[i : i + _CHUNK])) for i in range(0, len(patterns), _CHUNK)]


@cache
def _browsers() -> BasicResolver:
    return BasicResolver(load_lazy_builtins())
