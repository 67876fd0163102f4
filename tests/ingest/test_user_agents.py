from __future__ import annotations

import timeit

import pytest

from projects.legacy_browsers import LEGACY_BROWSERS
from statsapi.ingest.user_agents import (
    _LEGACY,
    LONGEST_USER_AGENT,
    _is_crawler,
    is_crawler,
    is_legacy_browser,
)

pytestmark = pytest.mark.once

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 9_3 like Mac OS X) AppleWebKit/601.1 (KHTML, like Gecko)"
NEWEST_LEGACY = {
    "ie": "Mozilla/5.0 (Windows NT 6.3; Trident/7.0; rv:11.0) like Gecko",
    "edge": f"{WINDOWS} {WEBKIT} Chrome/110.0.0.0 Safari/537.36 Edg/110.0.1587.41",
    "safari": f"{MAC} Version/15.6.1 Safari/605.1.15",
    "firefox": "Mozilla/5.0 (X11; Linux x86_64; rv:110.0) Gecko/20100101 Firefox/110.0",
    "chrome": f"{WINDOWS} {WEBKIT} Chrome/110.0.0.0 Safari/537.36",
    "opera": f"{WINDOWS} {WEBKIT} Chrome/113.0.0.0 Safari/537.36 OPR/99.0.0.0",
    "android": (
        "Mozilla/5.0 (Linux; U; Android 3.2; nl-nl; GT-P6800 Build/HTJ85B) AppleWebKit/534.13 (KHTML, like Gecko) "
        "Version/4.0 Safari/534.13"
    ),
    "opera_mini": "Opera/9.80 (Android; Opera Mini/34.0.2254/189.283; U; en) Presto/2.12.423 Version/12.16",
    "ie_pre_9": "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.0; Trident/4.0)",
    "ie9": "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0)",
    "ie10": "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.1; Trident/6.0)",
    "ie11": "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
    "opera_pre_15": "Opera/9.80 (X11; Linux i686; Ubuntu/14.10) Presto/2.12.388 Version/12.16",
    "opera_mini_pre_8": ("Opera/9.80 (J2ME/MIDP; Opera Mini/7.0.32796/59.323; U; fr) Presto/2.12.423 Version/12.16"),
    "android_pre_4": (
        "Mozilla/5.0 (Linux; U; Android 2.3.5; en-us; HTC Vision Build/GRI40) AppleWebKit/533.1 "
        "(KHTML, like Gecko) Version/4.0 Mobile Safari/533.1"
    ),
    "safari_pre_6": (
        "Mozilla/5.0 (Windows; U; Windows NT 6.1; zh-HK) AppleWebKit/533.18.1 (KHTML, like Gecko) "
        "Version/5.0.2 Safari/533.18.5"
    ),
    "edge_pre_79": f"{WINDOWS} {WEBKIT} Chrome/64.0.3282.140 Safari/537.36 Edge/18.17763",
}
"""By the subfilter: the newest browser that it catches."""
OLDEST_MODERN = {
    "edge": f"{WINDOWS} {WEBKIT} Chrome/111.0.0.0 Safari/537.36 Edg/111.0.1661.41",
    "safari": f"{MAC} Version/16.0 Safari/605.1.15",
    "firefox": "Mozilla/5.0 (X11; Linux x86_64; rv:111.0) Gecko/20100101 Firefox/111.0",
    "chrome": f"{WINDOWS} {WEBKIT} Chrome/111.0.0.0 Safari/537.36",
    "opera": f"{WINDOWS} {WEBKIT} Chrome/114.0.0.0 Safari/537.36 OPR/100.0.0.0",
    "android": (
        "Mozilla/5.0 (Linux; U; Android 4.1.1; en-gb; Build/KLP) AppleWebKit/534.30 (KHTML, like Gecko) "
        "Version/4.0 Safari/534.30"
    ),
    "opera_mini": "Opera/9.80 (Android; Opera Mini/35.3.2254/214.283; U; en) Presto/2.12.423 Version/12.16",
    "ie_pre_9": NEWEST_LEGACY["ie9"],
    "ie9": NEWEST_LEGACY["ie10"],
    "ie10": NEWEST_LEGACY["ie11"],
    "ie11": NEWEST_LEGACY["ie10"],
    "opera_pre_15": f"{WINDOWS} {WEBKIT} Chrome/28.0.1500.45 Safari/537.36 OPR/15.0.1147.61",
    "opera_mini_pre_8": ("Opera/9.80 (J2ME/MIDP; Opera Mini/8.0.35158/36.2534; U; en) Presto/2.12.423 Version/12.16"),
    "safari_pre_6": f"{MAC} Version/6.0 Safari/605.1.5",
    "edge_pre_79": f"{WINDOWS} {WEBKIT} Chrome/79.0.3945.74 Safari/537.36 Edg/79.0.309.43",
}
"""By the subfilter: a browser that it just does not catch."""
IE_MOBILE = (
    "Mozilla/5.0 (compatible; MSIE 10.0; Windows Phone 8.0; Trident/6.0; IEMobile/10.0; ARM; Touch; NOKIA; Lumia 520)"
)
MOBILE = [
    "Mozilla/5.0 (Linux; Android 4.0.4; Galaxy Nexus Build/IMM76B) AppleWebKit/535.19 (KHTML, like Gecko) "
    "Chrome/18.0.1025.133 Mobile Safari/535.19",
    f"{IPHONE} Version/9.0 Mobile/13E188a Safari/601.1",
    "Mozilla/5.0 (Android 4.4; Mobile; rv:41.0) Gecko/41.0 Firefox/41.0",
]
MODERN = [OLDEST_MODERN[name] for name in ("edge", "safari", "firefox", "chrome", "opera", "android", "opera_mini")]
LEGACY = [*NEWEST_LEGACY.values(), IE_MOBILE]
CRAWLERS = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mediapartners-Google",
    "AdsBot-Google (+http://www.google.com/adsbot.html)",
    "FeedFetcher-Google; (+http://www.google.com/feedfetcher.html)",
    f"Mozilla/5.0 (X11; Linux x86_64; Storebot-Google/1.0) {WEBKIT} Chrome/121.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Linux; Android 6.0.1; Calypso AppCrawler Build/MMB30Y; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Version/4.0 Chrome/53.0.2785.124 Mobile Safari/537.36",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    f"Mozilla/5.0 {WEBKIT} Chrome/100.0.4896.127 Safari/537.36 BingPreview/1.0b",
    "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
    "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)",
    "Sogou web spider/4.0(+http://www.sogou.com/docs/help/webmasters.htm#07)",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT[:-1]}; compatible; Yeti/1.1; +https://naver.me/spd) "
    "Chrome/127.0.0.0 Safari/537.36",
    f"{MAC} Version/17.4 Safari/605.1.15 (Applebot/0.1; +http://www.apple.com/go/applebot)",
    "DuckDuckBot/1.1; (+http://duckduckgo.com/duckduckbot.html)",
    "ia_archiver (+http://www.alexa.com/site/help/webmasters; crawler@alexa.com)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "facebookcatalog/1.0",
    "meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)",
    "meta-externalfetcher/1.1",
    "Twitterbot/1.0",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Slack-ImgProxy 0.19 (+https://api.slack.com/robots)",
    f"Mozilla/5.0 {WEBKIT} (compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    f"Mozilla/5.0 {WEBKIT}; compatible; OAI-SearchBot/1.0; +https://openai.com/searchbot",
    f"Mozilla/5.0 {WEBKIT} (compatible; ClaudeBot/1.0; +claudebot@anthropic.com)",
    f"Mozilla/5.0 {WEBKIT} (compatible; PerplexityBot/1.0; +https://perplexity.ai/perplexitybot)",
    "CCBot/2.0 (https://commoncrawl.org/faq/)",
    "Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36 "
    "(compatible; Bytespider; spider-feedback@bytedance.com)",
    "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)",
    f"Better Uptime Bot {WINDOWS} {WEBKIT} Chrome/74.0.3729.169 Safari/537.36",
    "Mozilla/5.0 (compatible;Cloudflare-Healthchecks/1.0;+https://www.cloudflare.com/)",
    f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} Chrome/117.0.0.0 Safari/537.36 GTmetrix",
    "ELB-HealthChecker/2.0",
    "AWS Security Scanner",
    "Mozilla/5.0 (compatible; HubSpot Crawler; web-crawlers@hubspot.com)",
    "Mozilla/5.0 (compatible; BrightEdgeOnCrawl/1.0; +http://www.oncrawl.com)",
    "lyticsbot",
    "Mozilla/5.0 (compatible; SomebodysBot; +https://example.com/)",
    "a small spider",
    "robots (of all kinds)",
]
LET_THROUGH = [
    "Slackbot 1.0(+https://api.slack.com/robots)",
    "SentryUptimeBot/1.0 (+http://docs.sentry.io/product/alerts/uptime-monitoring/)",
    f"Mozilla/5.0 {WEBKIT}; compatible; ChatGPT-User/1.0; +https://openai.com/bot",
    "APIs-Google (+https://developers.google.com/webmasters/APIs-Google.html)",
    "GoogleStackdriverMonitoring-UptimeChecks(https://cloud.google.com/monitoring)",
    "Mozilla/5.0 (Linux; Android 9; Cubot_X19) AppleWebKit/537.36 Chrome/126.0.0.0 Mobile Safari/537.36",
    "Robotics Browser",
    "spiderman",
]
NEITHER = [
    "",
    "sentry.python/2.1.0",
    "curl/8.5.0",
    "okhttp/4.12.0",
    "python-requests/2.31.0",
    "x" * 100_000,
    "\x00",
    "😀",
]


@pytest.mark.parametrize("user_agent", LEGACY)
def test_an_old_browser_is_legacy(user_agent: str) -> None:
    assert is_legacy_browser(user_agent)


@pytest.mark.parametrize("user_agent", MODERN + MOBILE + CRAWLERS + NEITHER)
def test_what_is_not_an_old_browser_is_not_legacy(user_agent: str) -> None:
    assert not is_legacy_browser(user_agent)


@pytest.mark.parametrize("name", LEGACY_BROWSERS)
def test_a_subfilter_catches_up_to_its_newest_version_and_nothing_else(name: str) -> None:
    assert is_legacy_browser(NEWEST_LEGACY[name], [name])
    assert not is_legacy_browser(NEWEST_LEGACY[name], [])
    assert not is_legacy_browser(OLDEST_MODERN.get(name, MODERN[0]), [name])
    of_another_browser = NEWEST_LEGACY["firefox" if name != "firefox" else "chrome"]
    assert not is_legacy_browser(of_another_browser, [name])


def test_an_internet_explorer_of_a_phone_is_one() -> None:
    assert is_legacy_browser(IE_MOBILE, ["ie10"])
    assert not is_legacy_browser(IE_MOBILE, ["ie9", "ie11", "ie_pre_9"])


def test_a_name_among_the_subfilters_is_known_to_all_who_use_it() -> None:
    assert tuple(_LEGACY) == LEGACY_BROWSERS


@pytest.mark.parametrize("user_agent", CRAWLERS)
def test_a_crawler_is_known(user_agent: str) -> None:
    assert is_crawler(user_agent)


@pytest.mark.parametrize("user_agent", MODERN + LEGACY + MOBILE + LET_THROUGH + NEITHER)
def test_a_browser_or_a_program_is_no_crawler(user_agent: str) -> None:
    assert not is_crawler(user_agent)


def test_the_case_of_a_crawlers_name_does_not_matter() -> None:
    assert is_crawler("MOZILLA (GOOGLEBOT)")
    assert not is_crawler("SLACKBOT 1.0")


def test_what_comes_after_the_longest_user_agent_is_not_looked_at() -> None:
    assert not is_crawler("x" * LONGEST_USER_AGENT + CRAWLERS[0])
    assert is_crawler("x" * (LONGEST_USER_AGENT - 3) + "bot")
    assert not is_crawler("x" * (LONGEST_USER_AGENT - 3) + "bottom of the sea")


HOSTILE = ["bot" * 171, "slackbot " * 57, "spide" * 103, "slackbot\t1." * 46, " " * 512, "meta" * 128, "s" * 512]


@pytest.mark.parametrize("user_agent", HOSTILE)
def test_no_user_agent_takes_long_to_look_at(user_agent: str) -> None:
    """A look takes some 10 µs. The bound is far above that, and far below what a pattern that backtracks takes."""
    look = _is_crawler.__wrapped__
    assert min(timeit.repeat(lambda: look(user_agent), number=1, repeat=20)) < 0.001
