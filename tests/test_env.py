"""Every reader of the environment refuses a value that it does not understand, and names the variable."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from statsapi import env

pytestmark = pytest.mark.once

NAME = "STATSAPI_TESTS_VARIABLE"


@pytest.fixture(autouse=True)
def _names_are_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env, "NAMES", [])
    monkeypatch.delenv(NAME, raising=False)
    monkeypatch.delenv(f"{NAME}_FILE", raising=False)


def integer() -> int:
    return env.integer(NAME, 7, minimum=-5, maximum=65535)


def seconds() -> float:
    return env.seconds(NAME, 0.8, minimum=0.01, maximum=60)


def boolean() -> bool:
    return env.boolean(NAME, True)


def choice() -> str:
    return env.choice(NAME, "INFO", ("INFO", "ERROR"))


def listing() -> list[str]:
    return env.listing(NAME, ["a"])


def rate() -> tuple[int, int] | None:
    return env.rate(NAME)


def url() -> str:
    return env.url(NAME, "redis://here", schemes=("redis", "redis+cluster", "http"))


def path() -> Path:
    return env.path(NAME, Path("/somewhere"))


def text() -> str:
    return env.text(NAME, "a text")


READERS: dict[Callable[[], Any], Any] = {
    integer: 7,
    seconds: 0.8,
    boolean: True,
    choice: "INFO",
    listing: ["a"],
    rate: None,
    url: "redis://here",
    path: Path("/somewhere"),
    text: "a text",
    lambda: env.secret(NAME): None,
}
"""Each reader and its default."""


@pytest.mark.parametrize("unset", [None, "", "  "])
@pytest.mark.parametrize(("read", "default"), READERS.items())
def test_an_empty_variable_is_as_none(
    read: Callable[[], Any], default: Any, unset: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if unset is not None:
        monkeypatch.setenv(NAME, unset)
    assert read() == default
    assert NAME in env.NAMES


@pytest.mark.parametrize(
    ("read", "raw", "value"),
    [
        (integer, "0", 0),
        (integer, "-5", -5),
        (integer, " 65535 ", 65535),
        (seconds, "0.01", 0.01),
        (seconds, "60", 60.0),
        (seconds, ".5", 0.5),
        *((boolean, raw, True) for raw in ("1", "true", "Yes", "ON")),
        *((boolean, raw, False) for raw in ("0", "false", "No", "OFF")),
        (choice, "ERROR", "ERROR"),
        (listing, "a, b ,,c", ["a", "b", "c"]),
        (listing, ",", []),
        (rate, "5/1", (5, 1)),
        (url, "http://user:password@host:1/x", "http://user:password@host:1/x"),
        (url, "redis+cluster://user:a,b@one:1,two", "redis+cluster://user:a,b@one:1,two"),
        (path, "/a/../b", Path("/b")),
        (path, "~", Path.home().resolve()),
        (text, " as it is ", "as it is"),
    ],
)
def test_it_reads(read: Callable[[], Any], raw: str, value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, raw)
    assert read() == value


@pytest.mark.parametrize(
    ("read", "raw"),
    [
        *(
            (integer, raw)
            for raw in ("-6", "65536", "1.0", "1e3", "+1", "1_0", "0x1", "١", "--1", "-", "a", "9" * 5000)
        ),
        *((seconds, raw) for raw in ("0", "61", "nan", "inf", "-1", "1_0", "١", "1e1", "1s", ".", "1.1.1", "9" * 5000)),
        *((boolean, raw) for raw in ("2", "maybe", "t", "None")),
        *((choice, raw) for raw in ("info", "LOUD")),
        *(
            (rate, raw)
            for raw in ("5", "5/", "0/1", "5/0", "-5/1", "1_0/1", "٥/1", "5/1/1", "5 / 1", "5.0/1", "9" * 5000)
        ),
        *((url, raw) for raw in ("here", "ftp://here", "http://", "http://[::1", "://here", "REDIS//here")),
        *((url, raw) for raw in ("redis://here:x", "redis://here:65536", "redis+cluster://", "redis+cluster://a:1,:2")),
        *((url, raw) for raw in ("redis://a:1,b:2", "redis+cluster://a:1/1", "redis+cluster://[::1]:1,[::1:2")),
        (path, "~nobody-of-this-name/var"),
    ],
)
def test_it_refuses_nonsense_and_names_the_variable(
    read: Callable[[], Any], raw: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NAME, raw)
    with pytest.raises(ImproperlyConfigured, match=NAME):
        read()


@pytest.mark.parametrize(
    "raw",
    [
        "ftp://user:password@host",
        "http://user:password@[",
        "http://user:password@",
        "redis://x:pass/word@host",
        "redis://:[pass]@host:1",
    ],
)
def test_a_refused_url_does_not_show_its_password(raw: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, raw)
    with pytest.raises(ImproperlyConfigured) as refused:
        url()
    assert "pass" not in str(refused.value)


def test_a_secret_comes_from_the_variable_or_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(NAME, "direct")
    assert env.secret(NAME) == "direct"
    monkeypatch.delenv(NAME)
    file = tmp_path / "secret"
    file.write_text(" from a file\n")
    monkeypatch.setenv(f"{NAME}_FILE", str(file))
    assert env.secret(NAME) == "from a file"
    assert set(env.NAMES) == {NAME, f"{NAME}_FILE"}


def test_a_secret_from_two_places_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(NAME, "direct")
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path))
    with pytest.raises(ImproperlyConfigured, match=f"{NAME} or {NAME}_FILE, not both"):
        env.secret(NAME)


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe"])
def test_a_file_that_gives_no_secret_is_refused_by_name(
    content: bytes | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv(f"{NAME}_FILE", str(file))
    with pytest.raises(ImproperlyConfigured, match=f"{NAME}_FILE"):
        env.secret(NAME)


@pytest.mark.parametrize(
    ("raw", "bytes_"), [("", 7), ("0", 0), ("16777216", 2**24), ("16384kb", 2**24), ("512MB", 2**29), ("4gb", 2**32)]
)
def test_a_size_is_bytes_or_has_a_unit(monkeypatch: pytest.MonkeyPatch, raw: str, bytes_: int) -> None:
    monkeypatch.setenv(NAME, raw)
    assert env.size(NAME, 7, minimum=2**24) == bytes_


@pytest.mark.parametrize("raw", ["16mb ram", "-1", "1.5gb", "15mb", "half", "٣gb", "1tb", "1 gb"])
def test_a_size_that_is_none_or_too_small_is_refused(monkeypatch: pytest.MonkeyPatch, raw: str) -> None:
    monkeypatch.setenv(NAME, raw)
    with pytest.raises(ImproperlyConfigured, match=f"{NAME} must be 0 or at least 16mb, as 512mb or 4gb is, not "):
        env.size(NAME, 7, minimum=2**24)


def test_the_memory_is_what_this_machine_has() -> None:
    assert 2**26 < env.memory() < 2**50
