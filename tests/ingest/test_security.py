from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from statsapi.ingest.attributes import EventAttributes
from statsapi.ingest.filters import FilterConfig, first_match
from statsapi.ingest.security import SecurityReport, parse_security_reports, read_query, security_attributes
from tests.ingest.bounds import ITEMS, status_of


def parse(value: object) -> tuple[SecurityReport, ...]:
    return parse_security_reports(json.dumps(value).encode(), ITEMS)


def test_a_level_2_report_names_page_blocked_and_source() -> None:
    report = {
        "document-uri": "https://example.com/a",
        "violated-directive": "script-src",
        "blocked-uri": "https://cdn.example.net",
        "source-file": "chrome-extension",
    }
    assert parse({"csp-report": report}) == (
        SecurityReport("csp", "https://example.com/a", "https://cdn.example.net", "chrome-extension"),
    )


def test_the_reporting_api_may_bring_several_reports_among_others() -> None:
    body = {"documentURL": "https://example.com/a", "effectiveDirective": "img-src", "blockedURL": "data"}
    violation = {"type": "csp-violation", "url": "https://example.com/", "body": body}
    bare = {"type": "csp-violation", "url": "https://example.com/", "body": {"effectiveDirective": "img-src"}}
    assert parse([violation, {"type": "deprecation"}, 7, bare]) == (
        SecurityReport("csp", "https://example.com/a", "data"),
        SecurityReport("csp", "https://example.com/"),
    )


def test_the_facts_of_a_report_are_what_the_filters_ask_for() -> None:
    report = SecurityReport("csp", "http://localhost/", "about", "")
    query = "sentry_key=abc&sentry_release=web%401.0&sentry_environment=staging"
    facts = security_attributes(report, read_query(query), client_ip="192.0.2.1", user_agent="Firefox")
    assert facts == EventAttributes(
        client_ip="192.0.2.1",
        user_ip="192.0.2.1",
        user_agent="Firefox",
        page_url="http://localhost/",
        release="web@1.0",
        csp_sources=("about",),
        environment="staging",
    )
    assert first_match(FilterConfig(invalid_csp=True), facts) == "invalid-csp"
    assert first_match(FilterConfig(localhost=True), facts) == "localhost"


def test_a_report_of_a_host_has_it_as_its_page() -> None:
    (report,) = parse({"expect-ct-report": {"hostname": "localhost"}})
    facts = security_attributes(report, {}, client_ip="", user_agent="")
    assert first_match(FilterConfig(localhost=True), facts) == "localhost"


def test_a_query_that_cannot_be_read_gives_no_facts() -> None:
    facts = security_attributes(SecurityReport("csp"), read_query("&a=b" * 1000), client_ip="", user_agent="")
    assert facts == EventAttributes()


KEYS = st.sampled_from(
    ["csp-report", "expect-ct-report", "known-pins", "hostname", "type", "body", "violated-directive", "csp-violation"]
)
JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=9) | KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=15,
)


@given(JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60))
def test_any_body_raises_nothing_but_the_one_error(body: bytes) -> None:
    assert status_of(lambda: parse_security_reports(body, ITEMS)) in {200, 400, 413}
