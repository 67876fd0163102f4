from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statsapi.http.errors import RequestError
from statsapi.ingest.credentials import (
    NO_PROJECT,
    Credentials,
    credentials_of_envelope,
    credentials_of_request,
    parse_dsn,
    read_project_id,
    required,
)
from tests.ingest.bounds import status_of

KEY = "0123456789abcdef0123456789abcdef"
OTHER = "f" * 32
HEADER = f"Sentry sentry_key={KEY}, sentry_version=7, sentry_client=sentry.python/2.1.0"
MULTIPLE = "multiple authorization payloads detected"
UNPARSABLE = "bad x-sentry-auth header"
REJECTED = "event submission rejected with_reason: ProjectId"


def found(header: str | None = None, authorization: str | None = None, query: str = "") -> Credentials | None:
    return credentials_of_request(header, authorization, query)


def refusal(header: str | None = None, authorization: str | None = None, query: str = "") -> tuple[int, str]:
    with pytest.raises(RequestError) as error:
        found(header, authorization, query)
    return error.value.status, error.value.detail


@pytest.mark.parametrize(
    "credentials",
    [
        found(HEADER),
        found(HEADER.replace(", ", ",")),
        found(HEADER + ", sentry_secret=abc, sentry_timestamp=1541455200.5"),
        found(HEADER.replace("Sentry ", "sentry  ", 1)),
        found(authorization=HEADER),
        found(query=f"sentry_key={KEY}&sentry_version=7&sentry_client=sentry.python%2F2.1.0"),
        found(HEADER.replace("=", " = ")),
        found(HEADER + ", sentry_timestamp=1, sentry_timestamp=2, sentry_signature=a=b"),
        found("", HEADER),
        found(" ", query=f"sentry_key={KEY}&sentry_client=sentry.python/2.1.0"),
        found(authorization="Bearer sta_token", query=f"a=b&sentry_client=sentry.python/2.1.0&sentry_key={KEY}"),
    ],
)
def test_it_finds_the_same_key_in_each_of_the_places(credentials: Credentials | None) -> None:
    assert credentials == Credentials(KEY, 7, "sentry.python/2.1.0")


def test_it_finds_none_where_there_is_none() -> None:
    assert found() is None
    assert found(authorization="Bearer abc", query="a=1&key=2") is None


def test_none_at_all_is_401() -> None:
    with pytest.raises(RequestError) as error:
        required(None)
    assert (error.value.status, error.value.body()) == (401, {"detail": "missing authorization information"})


def test_two_places_are_401_even_with_the_same_key() -> None:
    query = f"sentry_key={KEY}"
    assert refusal(HEADER, HEADER) == (401, MULTIPLE)
    assert refusal(HEADER, query=query) == (401, MULTIPLE)
    assert refusal(authorization=HEADER, query=query) == (401, MULTIPLE)
    assert refusal(query=f"{query}&{query}") == (401, MULTIPLE)


@pytest.mark.parametrize("versions", [(7, 7), (7, 8), (8, 7)])
def test_a_repeated_version_is_401_in_a_header_and_in_a_query(versions: tuple[int, int]) -> None:
    first, last = (f"sentry_version={version}" for version in versions)
    assert refusal(f"Sentry {first}, sentry_key={KEY}, {last}") == (401, UNPARSABLE)
    assert refusal(query=f"{first}&sentry_key={KEY}&{last}") == (401, UNPARSABLE)


@pytest.mark.parametrize(
    "header",
    [
        "Sentry",
        "Sentry ",
        f"Bearer sentry_key={KEY}",
        f"sentry_key={KEY}",
        "Sentry sentry_version=7",
        "Sentry sentry_key=, sentry_version=7",
        "Sentry sentry_key",
        f"Sentry sentry_key={KEY}, sentry_version=seven",
        f"Sentry sentry_key={KEY}, sentry_version=.7",
        f"Sentry raven, sentry_key={KEY}",
        f"Sentry sentry_key={KEY}, sentry_version=-7",
        f"Sentry sentry_key={KEY}, sentry_version=٧",
        f"Sentry sentry_key={KEY}, sentry_key={KEY}",
    ],
)
def test_a_header_that_cannot_be_parsed_is_401(header: str) -> None:
    assert refusal(header) == (401, UNPARSABLE)


@pytest.mark.parametrize("header", ["", " ", "\t"])
def test_an_empty_header_is_none(header: str) -> None:
    assert found(header) is None
    assert found(header, query=f"sentry_key={KEY}") == Credentials(KEY, 7, "")


@pytest.mark.parametrize(
    ("client", "read"),
    [
        ("raven-node, something/1.0", "raven-node, something/1.0"),
        ("raven-node,something/1.0, and more", "raven-node, something/1.0, and more"),
        ("a/1,", "a/1"),
        ("a/1 (b; c=d, e)", "a/1 (b; c=d, e)"),
    ],
)
def test_a_comma_in_the_name_of_a_client_is_a_part_of_it(client: str, read: str) -> None:
    for header in (
        f"Sentry sentry_version=5, sentry_client={client}, sentry_key={KEY}",
        f"Sentry sentry_key={KEY}, sentry_version=5, sentry_client={client}",
    ):
        assert found(header) == Credentials(KEY, 5, read)


def test_a_comma_in_a_key_makes_another_key() -> None:
    assert refusal(f"Sentry sentry_key={KEY},x") == (403, REJECTED)


def test_a_header_that_was_sent_twice_is_two_places() -> None:
    assert refusal(f"{HEADER},{HEADER}") == (401, MULTIPLE)
    assert refusal(f"Sentry sentry_key={KEY},Sentry sentry_key={KEY}") == (401, MULTIPLE)


def test_a_header_that_is_longer_than_any_is_401() -> None:
    assert found(HEADER + ", sentry_timestamp=" + "1" * 3900) is not None
    assert refusal(HEADER + "," * 4096) == (401, UNPARSABLE)


def test_a_query_of_too_many_fields_is_401() -> None:
    assert refusal(query=f"sentry_key={KEY}" + "&a=b" * 100) == (401, UNPARSABLE)


def test_an_authorization_of_the_scheme_alone_is_ours_and_bad() -> None:
    assert refusal(authorization="Sentry") == (401, UNPARSABLE)


@pytest.mark.parametrize("version", range(2, 8))
def test_versions_two_to_seven_are_taken(version: int) -> None:
    credentials = found(f"Sentry sentry_key={KEY}, sentry_version={version}")
    assert credentials is not None
    assert credentials.version == version


@pytest.mark.parametrize(
    ("version", "number"), [("2.0", 2), ("7.0", 7), ("6.2", 6), ("07", 7), ("7.0.0", 7), ("7.", 7), ("2.1-beta", 2)]
)
def test_a_version_with_a_point_is_the_number_before_it(version: str, number: int) -> None:
    assert found(f"Sentry sentry_key={KEY}, sentry_version={version}") == Credentials(KEY, number, "")
    assert found(query=f"sentry_version={version}&sentry_key={KEY}") == Credentials(KEY, number, "")


@pytest.mark.parametrize("version", [0, 1, 8, 999999])
def test_other_versions_are_400(version: int) -> None:
    expected = (400, f"unsupported protocol version ({version})")
    assert refusal(f"Sentry sentry_key={KEY}, sentry_version={version}") == expected


def test_a_missing_version_is_the_newest() -> None:
    assert found(query=f"sentry_key={KEY}") == Credentials(KEY, 7, "")


@pytest.mark.parametrize("key", ["abc", "g" * 32, KEY + "0", "%00" * 32, KEY[:-1] + "٣"])
def test_a_key_that_cannot_exist_is_refused_as_an_unknown_one(key: str) -> None:
    assert refusal(query=f"sentry_key={key}") == (403, REJECTED)


def test_a_client_name_with_a_newline_is_forgotten() -> None:
    assert found(query=f"sentry_key={KEY}&sentry_client=a%0aforged") == Credentials(KEY, 7, "")


def test_an_envelope_can_bring_its_own_credentials() -> None:
    dsn = f"https://{KEY}@stats.example.com:8000/a/path/42"
    assert credentials_of_envelope(None, dsn, 42).public_key == KEY


def test_an_envelope_for_another_project_is_403() -> None:
    with pytest.raises(RequestError) as error:
        credentials_of_envelope(None, f"https://{KEY}@stats.example.com/42", 43)
    assert (error.value.status, error.value.detail) == (403, REJECTED)


def test_an_envelope_may_repeat_the_credentials_of_its_request() -> None:
    credentials = found(HEADER)
    assert credentials_of_envelope(credentials, f"http://{KEY}:secret@localhost/42/", 42) is credentials
    assert credentials_of_envelope(credentials, None, 42) is credentials


@pytest.mark.parametrize("dsn", [f"https://{OTHER}@localhost/42", f"https://{KEY}@localhost/43"])
def test_an_envelope_that_contradicts_its_request_is_401(dsn: str) -> None:
    with pytest.raises(RequestError) as error:
        credentials_of_envelope(found(HEADER), dsn, 42)
    assert (error.value.status, error.value.detail) == (401, MULTIPLE)


@pytest.mark.parametrize(
    "dsn",
    ["", "x", "https://localhost/1", f"https://{KEY}@localhost/", f"ftp://{KEY}@localhost/1", "https://[::1/1"]
    + [f"https://{KEY}@localhost/one", f"https://{KEY}@localhost/١"],
)
def test_a_dsn_that_is_none_is_401(dsn: str) -> None:
    with pytest.raises(RequestError) as error:
        parse_dsn(dsn)
    assert (error.value.status, error.value.detail) == (401, UNPARSABLE)


@pytest.mark.parametrize("text", ["", "web", "-1", "1.0", "1e3", " 1", "١", "1%00", "0x1"])
def test_a_project_that_is_not_a_number_is_400(text: str) -> None:
    with pytest.raises(RequestError) as error:
        read_project_id(text)
    assert (error.value.status, error.value.detail) == (400, "bad project path parameter")


def test_a_project_number_beyond_all_is_that_of_no_project() -> None:
    assert read_project_id(str(2**63 - 1)) == 2**63 - 1
    assert {read_project_id(text) for text in (str(2**63), "9" * 5000)} == {NO_PROJECT}


@given(st.text() | st.text().map("Sentry ".__add__), st.text() | st.text().map("sentry_key=".__add__), st.text())
def test_any_text_raises_nothing_but_the_one_error(header: str, query: str, dsn: str) -> None:
    for attempt in (
        lambda: credentials_of_request(header, None, ""),
        lambda: credentials_of_request(None, header, ""),
        lambda: credentials_of_request(None, None, query),
        lambda: credentials_of_envelope(None, dsn, 1),
        lambda: read_project_id(dsn),
    ):
        assert status_of(attempt) in {200, 400, 401, 403}
