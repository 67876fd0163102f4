"""Crawlers and browsers that are out of support, recognized by the User-Agent header.

Crawlers are those of Sentry's filter, by its own rules, which are the tables below. Browsers are named by ua-parser
1.0.2 (Apache 2.0) with the rules of ua-parser-builtins 202610.

The first look at a header takes 6 µs for crawlers, 50 at most, and 250 µs for browsers. The results are kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, lru_cache

from ua_parser import BasicResolver, Domain, load_lazy_builtins

from projects.legacy_browsers import LEGACY_BROWSERS

LONGEST_USER_AGENT = 512  # matching takes time by its length; those of browsers and crawlers are under 400
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

# A crawler names itself with one of these words, in any case.
_CRAWLERS = (
    # search engines
    "googlebot",
    "adsbot-google",
    "feedfetcher-google",
    "mediapartners-google",
    "storebot-google",
    "calypso appcrawler",
    "bingbot",
    "bingpreview",
    "applebot",
    "baiduspider",
    "duckduckbot",
    "sogou",
    "slurp",
    "naver.me/spd",
    # previews and social networks
    "facebook",
    "meta-",
    "slack",
    # readers for language models
    "bytespider",
    "ccbot",
    "claudebot",
    "gptbot",
    "oai-searchbot",
    "perplexitybot",
    # monitors
    "better uptime",
    "cloudflare-healthchecks",
    "elb-healthchecker",
    "gtmetrix",
    "pingdom",
    # others
    "aws security scanner",
    "brightedgeoncrawl",
    "hubspot crawler",
    "ia_archiver",
    "lyticsbot",
)
_ANY_CRAWLER = re.compile(r"(?:bots?|spider)(?:[/\s;)]|\Z)")
# These are let through: somebody asked for the page, or a monitor of Sentry's did.
_NO_CRAWLER = re.compile(r"slackbot\s1\.[0-9]|sentryuptimebot|chatgpt-user")


def is_crawler(user_agent: str) -> bool:
    """Return whether the header names a known crawler."""
    return _is_crawler(_cut(user_agent))


def is_legacy_browser(user_agent: str, subfilters: Iterable[str] = LEGACY_BROWSERS) -> bool:
    """Return whether one of the subfilters catches the browser. An unknown browser is caught by none."""
    family, major = _browser(_cut(user_agent))
    return any(family == old and major in versions for old, versions in map(_LEGACY.__getitem__, subfilters))


def _cut(user_agent: str) -> str:
    """Return as much of the header as is looked at. A mark stands for the rest, so that no word ends at the cut."""
    return user_agent if len(user_agent) <= LONGEST_USER_AGENT else f"{user_agent[:LONGEST_USER_AGENT]}…"


@lru_cache(maxsize=KEPT_VERDICTS)
def _is_crawler(user_agent: str) -> bool:
    text = user_agent.lower()
    if not any(word in text for word in _CRAWLERS) and not _ANY_CRAWLER.search(text):
        return False
    return not _NO_CRAWLER.search(text)


@lru_cache(maxsize=KEPT_VERDICTS)
def _browser(user_agent: str) -> tuple[str, int]:
    """Return the name and the major version of the browser, or ("", -1)."""
    browser = _browsers()(user_agent, Domain.USER_AGENT).user_agent
    if browser is None or not (browser.major and browser.major.isdecimal()):
        return "", -1
    return _SAME.get(browser.family, browser.family), int(browser.major)


@cache
def _browsers() -> BasicResolver:
    return BasicResolver(load_lazy_builtins())
