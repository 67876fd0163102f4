"""Crawlers and browsers that are out of support, recognized by the User-Agent header.

The lists come from packages, which are kept up to date by others:
- crawlers: the list of the package crawler-user-agents 1.67.0 (MIT), 1460 patterns, without those with the tag
  `http-library`. curl or okhttp is a program that somebody runs, and its errors are real.
- browsers: ua-parser 1.0.2 (Apache 2.0) with the rules of ua-parser-builtins 202610.

The first look at a header takes 80 µs for crawlers and 250 µs for browsers. The results are kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, lru_cache

import crawleruseragents  # type: ignore[import-untyped]
from ua_parser import BasicResolver, Domain, load_lazy_builtins

from projects.legacy_browsers import LEGACY_BROWSERS as LEGACY_BROWSERS

LONGEST_USER_AGENT = 512  # matching takes time by its length; the longest known one of a crawler is under 400
KEPT_VERDICTS = 2048

# What each subfilter catches: ua-parser's name of the browser, and major versions. The limits are those that Sentry's
# API documentation has listed since the end of 2025.
_LEGACY = {
    "ie": ("IE", range(12)),
    "edge": ("Edge", range(111)),
    "safari": ("Safari", range(16)),
    "firefox": ("Firefox", range(111)),
    "chrome": ("Chrome", range(111)),
    "opera": ("Opera", range(100)),
    "android": ("Android", range(4)),
    "opera_mini": ("Opera Mini", range(35)),
    "ie_pre_9": ("IE", range(9)),
    "ie9": ("IE", range(9, 10)),
    "ie10": ("IE", range(10, 11)),
    "ie11": ("IE", range(11, 12)),
    "opera_pre_15": ("Opera", range(15)),
    "opera_mini_pre_8": ("Opera Mini", range(8)),
    "android_pre_4": ("Android", range(4)),
    "safari_pre_6": ("Safari", range(6)),
    "edge_pre_79": ("Edge", range(79)),
}
_SAME = {"IE Mobile": "IE"}  # Sentry takes the other mobile browsers for none of these

_CHUNK = 25  # one alternation of all patterns takes twice as long as chunks of 25 do


def is_crawler(user_agent: str) -> bool:
    """Return whether the header names a known crawler."""
    return _is_crawler(user_agent[:LONGEST_USER_AGENT])


def is_legacy_browser(user_agent: str, subfilters: Iterable[str] = LEGACY_BROWSERS) -> bool:
    """Return whether one of the subfilters catches the browser. An unknown browser is caught by none."""
    family, major = _browser(user_agent[:LONGEST_USER_AGENT])
    return any(family == old and major in versions for old, versions in map(_LEGACY.__getitem__, subfilters))


@lru_cache(maxsize=KEPT_VERDICTS)
def _is_crawler(user_agent: str) -> bool:
    return any(pattern.search(user_agent) for pattern in _crawler_patterns())


@lru_cache(maxsize=KEPT_VERDICTS)
def _browser(user_agent: str) -> tuple[str, int]:
    """Return the name and the major version of the browser, or ("", -1)."""
    browser = _browsers()(user_agent, Domain.USER_AGENT).user_agent
    if browser is None or not (browser.major and browser.major.isdecimal()):
        return "", -1
    return _SAME.get(browser.family, browser.family), int(browser.major)


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
