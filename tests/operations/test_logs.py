"""Each record is one line, whatever it holds, and no line holds a secret."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from statsapi.operations import logs
from tests import servers
from tests.service import PATIENT

TOKEN = "sta_Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE"
LINK = "shl_Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE"
BREAKS = ["\n", "\r\n", "\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
"""All that str.splitlines() and the programs that show logs may take for the end of a line."""


def line(message: str, *arguments: object, exception: BaseException | None = None, **extra: object) -> str:
    """Return the line of a record of the standard library."""
    settings = dict(logs.configuration("INFO")["formatters"]["line"])
    formatter = settings.pop("()")(**settings)
    trace = (type(exception), exception, exception.__traceback__) if exception else None
    record = logging.LogRecord("some.logger", logging.ERROR, "file.py", 1, message, arguments, trace)
    record.__dict__.update(extra)
    return str(formatter.format(record))


def test_a_line_is_pairs_of_key_and_value() -> None:
    found = line("%s of %s", 1, "two words", error_id="0123")
    assert found.startswith("timestamp=20")
    assert found.endswith('level=error logger=some.logger event="1 of two words" error_id=0123')


@pytest.mark.parametrize("cut", BREAKS)
def test_what_could_begin_a_line_is_escaped(cut: str) -> None:
    found = line("before%safter level=info", cut)
    assert len(found.splitlines()) == 1
    assert found.isprintable()
    assert cut.encode("unicode_escape").decode() in found


@pytest.mark.parametrize("sign", ["\x1b[31m", "\x00", "\u202e", "\x7f", "\ud800"])
def test_what_changes_how_a_terminal_shows_the_rest_is_escaped(sign: str) -> None:
    found = line("before%safter", sign)
    assert found.isprintable()
    assert "before" in found
    assert "after" in found


def test_a_value_with_quotes_cannot_pretend_to_be_another_key() -> None:
    assert r'event="a\" level=info event=\"b"' in line('a" level=info event="b')


def test_what_is_not_english_stays_readable() -> None:
    assert "Zähler für ٣ 東京" in line("Zähler für ٣ 東京")


def test_an_exception_with_its_traceback_is_in_the_same_line() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError as error:
        found = line("it failed", exception=error)
    assert len(found.splitlines()) == 1
    assert "Traceback (most recent call last):" in found
    assert r"two\nlines" in found


def test_only_known_additions_to_a_record_are_shown() -> None:
    assert "session" not in line("a message", request="<a request with its session>", session="abc")


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"refused {TOKEN}", TOKEN.removeprefix("sta_")),
        (f"?token={TOKEN}&x=1", TOKEN.removeprefix("sta_")),
        (f"GET /share/{LINK}.svg?range=7d", LINK.removeprefix("shl_")),
        ("Authorization: Bearer abcdef0123456789", "abcdef0123456789"),
        ("could not connect to postgres://statsapi:hunter2@db:5432/stats", "hunter2"),
        ("could not connect to rediss://:hunter2@redis:6379/0", "hunter2"),
    ],
)
def test_a_secret_in_anybodys_text_is_covered(text: str, secret: str) -> None:
    try:
        raise ConnectionError(text)
    except ConnectionError as error:
        for found in (line("a text: %s", text), line(text), line("it failed", exception=error)):
            assert secret not in found
            assert "***" in found


def test_an_address_without_a_password_is_left_as_it_is() -> None:
    assert "redis://redis:6379/0 and http://a@b/1" in line("redis://redis:6379/0 and http://a@b/1")


# --- A running service ---------------------------------------------------------------------------------------


class Running(NamedTuple):
    url: str
    log: Path
    redis: servers.Server


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("logs")
    try:
        redis, port = servers.start_redis(folder / "redis", "--requirepass", "hunter2")
    except servers.Missing as missing:
        pytest.skip(str(missing))
    try:
        web, url = servers.start_production(
            folder / "web",
            SECRET_KEY="the-key-of-the-tests-0123456789-abcdefghijklmnopqrstuvwxyz",
            DATABASE_URL=f"sqlite:///{folder}/statsapi.sqlite3",
            TSDB_URL=f"redis://:hunter2@127.0.0.1:{port}/0",
            CACHE_URL=f"redis://:hunter2@127.0.0.1:{port}/1",
            LOG_LEVEL="DEBUG",
            **PATIENT,
        )
        try:
            yield Running(url, web.log, redis)
        finally:
            web.stop()
    finally:
        redis.stop()


def test_a_service_that_fails_writes_whole_lines_and_no_secret(running: Running) -> None:
    given = {"X-Forwarded-Proto": "https", "Authorization": f"Bearer {TOKEN}"}
    stats = "/api/0/projects/a/b/stats/"
    hostile = f"{stats}%0atimestamp=2026-01-01%20level=info%0d%0a?token={TOKEN}&stat=%0a%e2%80%a8"
    assert servers.ask(running.url, stats, given).status == 401
    assert servers.ask(running.url, hostile, given).status == 404
    running.redis.stop()
    for path in (
        stats,
        f"{stats}?token={TOKEN}",
        f"/api/1/envelope/?sentry_key={'c0ffee' * 5}00&sentry_secret={TOKEN}",
    ):
        servers.ask(running.url, path, given)
    event = f"/api/1/store/?sentry_key={'c0ffee' * 5}00&sentry_secret={TOKEN}&sentry_data=e30"
    assert servers.ask(running.url, event, given).status == 503

    written = running.log.read_bytes().decode()
    lines = written.splitlines()
    records = [found for found in lines if found.startswith("timestamp=")]
    assert "a request could not be served" in written, "otherwise there is nothing to search"
    # What manage.py prints before logging is set up. HTTPS makes Django look at HSTS, whose two checks are silenced.
    before = ["System check identified no issues (2 silenced)."]
    assert [found for found in lines if found not in records] == before
    for secret in (TOKEN.removeprefix("sta_"), "hunter2", "the-key-of-the-tests"):
        assert secret not in written
