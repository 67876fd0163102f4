from __future__ import annotations

import pytest

from statsapi.ingest.user_agents import LONGEST_USER_AGENT, is_crawler, is_legacy_browser

pytestmark = pytest.mark.once

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 9_3 like Mac OS X) AppleWebKit/601.1 (KHTML, like Gecko)"
MODERN = [
    f"{WINDOWS} {WEBKIT} Chrome/126.0.0.0 Safari/537.36",
    f"{WINDOWS} {WEBKIT} Chrome/63.0.3239.84 Safari/537.36",
    f"{WINDOWS} {WEBKIT} Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
    f"{WINDOWS} {WEBKIT} Chrome/126.0.0.0 Safari/537.36 OPR/112.0.0.0",
    f"{MAC} Version/17.4 Safari/605.1.15",
    f"{MAC} Version/12.0 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:67.0) Gecko/20100101 Firefox/67.0",
    f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {WEBKIT} Chrome/126.0.0.0 Mobile Safari/537.36",
]
LEGACY = [
    "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.0; Trident/4.0)",
    "Mozilla/5.0 (Windows NT 6.3; Trident/7.0; rv:11.0) like Gecko",
    "Mozilla/5.0 (compatible; MSIE 10.0; Windows Phone 8.0; Trident/6.0; IEMobile/10.0; ARM; Touch; NOKIA; Lumia 520)",
    f"{WINDOWS} {WEBKIT} Chrome/64.0.3282.140 Safari/537.36 Edge/18.17763",
    f"{WINDOWS} {WEBKIT} Chrome/62.0.3202.94 Safari/537.36",
    f"{WINDOWS} {WEBKIT} Chrome/63.0.3239.84 Safari/537.36 OPR/50.0.2762.45",
    f"{MAC} Version/11.1 Safari/605.1.15",
    f"{IPHONE} Version/9.0 Mobile/13E188a Safari/601.1",
    "Mozilla/5.0 (Windows NT 6.1; rv:66.0) Gecko/20100101 Firefox/66.0",
    "Opera/9.80 (J2ME/MIDP; Opera Mini/7.0.32796/59.323; U; fr) Presto/2.12.423 Version/12.16",
    "Mozilla/5.0 (Linux; U; Android 2.3.5; en-us) AppleWebKit/533.1 (KHTML, like Gecko) Version/4.0 Safari/533.1",
]
CRAWLERS = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
    f"Mozilla/5.0 {WEBKIT} (compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
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


@pytest.mark.parametrize("user_agent", MODERN + CRAWLERS + NEITHER)
def test_what_is_not_an_old_browser_is_not_legacy(user_agent: str) -> None:
    assert not is_legacy_browser(user_agent)


@pytest.mark.parametrize("user_agent", CRAWLERS)
def test_a_crawler_is_known(user_agent: str) -> None:
    assert is_crawler(user_agent)


@pytest.mark.parametrize("user_agent", MODERN + LEGACY + NEITHER)
def test_a_browser_or_a_program_is_no_crawler(user_agent: str) -> None:
    assert not is_crawler(user_agent)


def test_what_comes_after_the_longest_user_agent_is_not_looked_at() -> None:
    assert not is_crawler("x" * LONGEST_USER_AGENT + CRAWLERS[0])
