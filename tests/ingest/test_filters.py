from __future__ import annotations

import fnmatch
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projects.legacy_browsers import LEGACY_BROWSERS
from projects.models import ProjectFilters
from statsapi.ingest.attributes import EventAttributes
from statsapi.ingest.config import _filters
from statsapi.ingest.filters import _FILTERS, FilterConfig, first_match, matches_release
from tsdb.outcomes import FILTERS

ALL_ON = FilterConfig(
    localhost=True,
    ip_addresses=("192.0.2.0/24",),
    release_versions=("web@1.*",),
    error_messages=("*boom*",),
    browser_extensions=True,
    legacy_browsers=("ie",),
    web_crawlers=True,
    invalid_csp=True,
)
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
IE9 = "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0)"
CAUGHT = {
    "ip-address": EventAttributes(client_ip="192.0.2.77"),
    "localhost": EventAttributes(page_url="http://localhost:3000/"),
    "invalid-csp": EventAttributes(csp_sources=("chrome-extension",)),
    "browser-extensions": EventAttributes(source="moz-extension://abc/a.js"),
    "release-version": EventAttributes(release="web@1.2.3"),
    "error-message": EventAttributes(messages=("Error: boom!",)),
    "legacy-browsers": EventAttributes(user_agent=IE9),
    "web-crawlers": EventAttributes(user_agent=GOOGLEBOT),
}
GOOD = EventAttributes(
    client_ip="198.51.100.7",
    user_ip="10.0.0.1",
    user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
    page_url="https://example.com/localhost",
    release="web@2.0.0",
    messages=("Error: bang",),
    hosts=("example.com:443", "localhost.example.com"),
    exception_value="bang",
    source="https://example.com/app.js",
    csp_sources=("https://cdn.example.com/x.js", "inline", "data", "blob"),
)


@pytest.mark.parametrize("name", CAUGHT)
def test_each_filter_catches_its_own(name: str) -> None:
    assert name in FILTERS
    assert first_match(ALL_ON, CAUGHT[name]) == name


@pytest.mark.parametrize("name", CAUGHT)
def test_a_filter_that_is_off_catches_nothing(name: str) -> None:
    assert first_match(FilterConfig(), CAUGHT[name]) is None


def test_a_good_event_passes_all() -> None:
    assert first_match(ALL_ON, GOOD) is None


def test_an_event_without_any_facts_passes_all() -> None:
    assert first_match(ALL_ON, EventAttributes()) is None


NEEDED = {
    "localhost": True,
    "ip_addresses": False,
    "release_versions": True,
    "error_messages": True,
    "browser_extensions": True,
    "legacy_browsers": True,
    "web_crawlers": True,
    "invalid_csp": False,
}
"""By the field of a filter: whether it looks into the payload."""


@pytest.mark.parametrize("field", NEEDED)
def test_it_knows_when_the_payload_is_needed(field: str) -> None:
    assert FilterConfig().needs_payload is False
    assert replace(FilterConfig(), **{field: getattr(ALL_ON, field)}).needs_payload is NEEDED[field]


def test_every_filter_stands_in_the_lists_above() -> None:
    names = [field.name for field in fields(FilterConfig)]
    assert [name for name in names if not getattr(ALL_ON, name)] == []
    assert sorted(NEEDED) == sorted(names)
    assert sorted(CAUGHT) == sorted(name for name, _ in _FILTERS)


def test_every_field_of_a_projects_filters_is_handed_on() -> None:
    """Each field of the model, set alone, sets the field of the same name."""
    names = [field.name for field in ProjectFilters._meta.get_fields() if field.name != "project"]
    names.remove("legacy_browser_subfilters")  # the next test has it
    assert sorted(names) == sorted(field.name for field in fields(FilterConfig))
    for name in names:
        is_flag = isinstance(getattr(ProjectFilters(), name), bool)
        given: dict[str, Any] = {name: True if is_flag else "x"}
        expected: dict[str, Any] = {name: True if is_flag else ("x",)}
        if name == "legacy_browsers":
            expected[name] = LEGACY_BROWSERS
        assert _filters(ProjectFilters(**given)) == FilterConfig(**expected)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ("", LEGACY_BROWSERS),
        (" \n", LEGACY_BROWSERS),
        ("ie9\n ie \n", ("ie", "ie9")),
        ("of_a_later_version\nie9", ("ie9",)),
        ("of_a_later_version", ()),
    ],
)
def test_legacy_browsers_are_those_that_are_chosen(chosen: str, expected: tuple[str, ...]) -> None:
    row = ProjectFilters(legacy_browsers=True, legacy_browser_subfilters=chosen)
    assert _filters(row) == FilterConfig(legacy_browsers=expected)
    row.legacy_browsers = False
    assert _filters(row) == FilterConfig()


def test_a_subfilter_that_is_off_catches_nothing() -> None:
    assert first_match(FilterConfig(legacy_browsers=("ie9",)), EventAttributes(user_agent=IE9)) == "legacy-browsers"
    assert first_match(FilterConfig(legacy_browsers=("ie10", "edge")), EventAttributes(user_agent=IE9)) is None


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_localhost_knows_a_client_or_user_on_this_machine(address: str) -> None:
    config = FilterConfig(localhost=True)
    assert first_match(config, EventAttributes(client_ip=address)) == "localhost"
    assert first_match(config, EventAttributes(user_ip=address)) == "localhost"


@pytest.mark.parametrize(
    ("url", "caught"),
    [
        ("http://localhost/", True),
        ("https://LOCALHOST:8000/a?b", True),
        ("http://app.localhost/", True),
        ("http://127.0.0.1:3000", True),
        ("http://[::1]:3000/", True),
        ("file:///home/user/index.html", True),
        ("http://localhost.example.com/", False),
        ("http://mylocalhost/", False),
        ("http://example.com/?next=http://localhost/", False),
        ("http://127.0.0.1.example.com/", False),
        ("http://[broken", False),
        ("", False),
    ],
)
def test_localhost_knows_a_page_on_this_machine(url: str, caught: bool) -> None:
    found = first_match(FilterConfig(localhost=True), EventAttributes(page_url=url))
    assert found == ("localhost" if caught else None)


@pytest.mark.parametrize(
    ("entries", "address", "caught"),
    [
        (("192.0.2.1",), "192.0.2.1", True),
        (("192.0.2.1",), "192.0.2.2", False),
        (("10.0.0.0/8", "192.0.2.0/24"), "192.0.2.255", True),
        (("192.0.2.9/24",), "192.0.2.1", True),
        (("192.0.2.0/24",), "::ffff:192.0.2.1", True),
        (("2001:db8::/32",), "2001:db8::5", True),
        (("2001:db8::/32",), "192.0.2.1", False),
        (("nonsense", " 192.0.2.1 "), "192.0.2.1", True),
        (("0.0.0.0/0",), "not an address", False),
        (("0.0.0.0/0",), "", False),
    ],
)
def test_addresses_match_exactly_or_by_network(entries: tuple[str, ...], address: str, caught: bool) -> None:
    found = first_match(FilterConfig(ip_addresses=entries), EventAttributes(client_ip=address))
    assert found == ("ip-address" if caught else None)


@pytest.mark.parametrize(
    ("glob", "text", "caught"),
    [
        ("TypeError: x", "TypeError: x", True),
        ("typeerror: X", "TypeError: x", True),
        ("TypeError", "TypeError: x", False),
        ("TypeError*", "TypeError: x", True),
        ("*x", "TypeError: x\ny: x", True),
        ("*: ?", "TypeError: x", True),
        ("*: ?", "TypeError: xy", False),
        ("*[0-9]", "chunk 7", True),
        ("*[!0-9]", "chunk 7", False),
        (r"a\*b", "a*b", True),
        (r"a\*b", "aXb", False),
        (r"a\?\[b]", "a?[b]", True),
        (r"a\\b", r"a\b", True),
        ("a\\", "a\\", True),
        ("[", "[", True),
        ("", "anything", False),
        ("", "", False),
    ],
)
def test_globs_match_the_whole_text_in_any_case(glob: str, text: str, caught: bool) -> None:
    messages = first_match(FilterConfig(error_messages=(glob,)), EventAttributes(messages=(text,)))
    releases = first_match(FilterConfig(release_versions=("other", glob)), EventAttributes(release=text))
    assert messages == ("error-message" if caught else None)
    assert releases == ("release-version" if caught else None)


@pytest.mark.parametrize(
    ("glob", "text", "caught"),
    [
        ("1.{3,4}.*", "1.3.9", True),
        ("1.{3,4}.*", "1.4.0", True),
        ("1.{3,4}.*", "1.5.0", False),
        ("1.{3,4}.*", "1.{3,4}.0", False),
        (r"1.\{3,4\}.*", "1.{3,4}.0", True),
        ("*?invariant={418,423}*", "React error; visit https://reactjs.org/?invariant=423 for more", True),
        ("{Type,Reference}Error: *", "referenceerror: x", True),
        ("{a,b}" * 100, "ab" * 50, False),
    ],
)
def test_a_glob_may_have_alternatives(glob: str, text: str, caught: bool) -> None:
    config = _filters(ProjectFilters(error_messages=glob, release_versions=f"other\n{glob}"))
    assert (first_match(config, EventAttributes(messages=(text,))) == "error-message") is caught
    assert matches_release(config, text) is caught


def test_a_release_is_matched_by_itself() -> None:
    config = FilterConfig(release_versions=("web@1.*",))
    assert matches_release(config, "WEB@1.2.3")
    assert matches_release(config, " web@1.2.3\n")
    assert not matches_release(config, "web@2.0.0")
    assert not matches_release(config, "")
    assert not matches_release(FilterConfig(), "web@1.2.3")


def test_a_glob_of_many_stars_does_not_search_for_ever() -> None:
    # A pattern that backtracks would need 10^20 steps here.
    config = FilterConfig(error_messages=("*a" * 30 + "b",))
    assert first_match(config, EventAttributes(messages=("a" * 8192,))) is None


@pytest.mark.parametrize(
    ("host", "caught"),
    [
        ("localhost", True),
        ("LOCALHOST:3000", True),
        ("127.0.0.1:8080", True),
        ("localhost.example.com:3000", False),
        ("app.localhost", False),
        ("127.0.0.11", False),
        ("", False),
    ],
)
def test_localhost_knows_the_host_that_a_page_was_asked_for(host: str, caught: bool) -> None:
    found = first_match(FilterConfig(localhost=True), EventAttributes(hosts=("example.com", host)))
    assert found == ("localhost" if caught else None)


@given(st.text(), st.text())
def test_any_glob_against_any_text_answers(glob: str, text: str) -> None:
    config = FilterConfig(error_messages=(glob,), invalid_csp=True, ip_addresses=(glob,), localhost=True)
    first_match(config, EventAttributes(text, text, "", text, (text,), text, (text,), text, text, (text,)))


@given(st.text(alphabet="ab*?"), st.text(alphabet="ab", max_size=8))
def test_a_glob_without_escapes_is_what_fnmatch_says(glob: str, text: str) -> None:
    found = first_match(FilterConfig(error_messages=(glob,)), EventAttributes(messages=(text,)))
    assert found == ("error-message" if glob and fnmatch.fnmatchcase(text, glob) else None)
