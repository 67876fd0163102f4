"""The settings: docs/settings.md and .env.example list them all, and a start refuses a wrong value by its name."""

from __future__ import annotations

import os
import re
import runpy
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.conf import global_settings as django
from django.core.exceptions import ImproperlyConfigured

from statsapi import env
from tests.servers import ROOT

pytestmark = pytest.mark.once

EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
KEY = "a-key-of-the-tests-0123456789-abcdefghijklmnopqrstuvwxyz"
_ROW = re.compile(r"^\| *`([A-Z_]+)` *\| *(.*?) *\|")


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Read the settings again, from these variables only."""

    def load(**variables: str) -> dict[str, Any]:
        for name in env.NAMES:
            monkeypatch.delenv(name, raising=False)
        for name, value in {"VAR_DIR": str(tmp_path / "var"), "SECRET_KEY": KEY, **variables}.items():
            monkeypatch.setenv(name, value)
        found = runpy.run_path(str(ROOT / "statsapi" / "settings.py"))
        del found["LOGGING"]  # it holds functions, which never compare equal; LOG_LEVEL is compared instead
        return {name: value for name, value in found.items() if name.isupper() and not name.startswith("_")}

    return load


def table() -> dict[str, str]:
    """Return the default of each variable in the tables of docs/settings.md, as it is written there."""
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    return {row[1]: row[2] for row in map(_ROW.match, page.splitlines()) if row}


def example() -> dict[str, str]:
    """Return the variables and values of .env.example, also those that are commented out."""
    return dict(re.findall(r"^#?([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))


def test_every_setting_has_its_row_in_the_page_of_settings_and_every_row_its_setting() -> None:
    assert sorted(table()) == sorted(env.NAMES)


def test_the_page_of_settings_and_the_example_give_the_same_defaults() -> None:
    written = {name: default.strip("`") for name, default in table().items() if default.startswith("`")}
    given = {name: value for name, value in example().items() if value}
    both = set(written) & set(given)
    assert {name: written[name] for name in both} == {name: given[name] for name in both}


def test_the_example_shows_the_defaults(load: Any) -> None:
    shown = {name: value for name, value in example().items() if value and name in env.NAMES}
    assert shown
    assert load(**shown) == load()


def test_every_setting_is_read_by_something() -> None:
    """Beside the line that reads it from the environment, which has its name twice. Django reads its own settings."""
    files = [file for package in ("statsapi", "projects", "tsdb") for file in (ROOT / package).rglob("*.py")]
    words = Counter(word for file in files for word in re.findall(r"\w+", file.read_text(encoding="utf-8")))
    settings = (ROOT / "statsapi" / "settings.py").read_text(encoding="utf-8")
    ours = [name for name in re.findall(r"^([A-Z_]+) = env\.", settings, re.MULTILINE) if not hasattr(django, name)]
    assert {"PORT", "INGEST_MAX_ITEMS"} <= set(ours)
    assert [name for name in ours if words[name] < 3] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("WEB_WORKERS", "many"),
        ("WEB_THREADS", "-1"),
        ("BODY_TIMEOUT", "0"),
        ("EMBEDDED_MAXMEMORY", "lots"),
        ("PUBLIC_URL", "stats.example.com"),
        ("DEBUG", "perhaps"),
        ("SECRET_KEY_FILE", "/nowhere/at/all"),
        ("DATABASE_URL", "mysql://localhost/x"),
        ("TSDB_URL", "http://localhost"),
        ("DATABASE_URL", "sqlite:////tmp/stats.sqlite3?timeout=1"),
        ("TSDB_URL", "redis://localhost/counts"),
        ("TSDB_URL", "unix:///run/redis.sock?db=zero"),
        ("CACHE_URL", "memcached://localhost"),
        ("CACHE_URL", "redis://localhost?socket_timeout=soon"),
        ("TSDB_TIMEOUT", "0"),
        ("TSDB_ROLLUPS", "10 seconds"),
        ("TRUST_PROXY", "my-proxy"),
        ("CORS_ORIGINS", "example.com"),
        ("CORS_ORIGINS", "https://example.com, https://example.com/app"),
        ("LOG_LEVEL", "LOUD"),
        ("EMAIL_URL", "mail.example.com"),
        ("EMAIL_FROM", "nobody"),
    ],
)
def test_a_wrong_setting_ends_the_start_and_is_named(load: Any, name: str, value: str) -> None:
    given = {"SECRET_KEY": "", name: value} if name == "SECRET_KEY_FILE" else {name: value}
    with pytest.raises(ImproperlyConfigured, match=name):
        load(**given)


def test_without_a_secret_key_it_does_not_start(load: Any, tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY is not set"):
        load(SECRET_KEY="")
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    assert load(SECRET_KEY="", SECRET_KEY_FILE=str(file))["SECRET_KEY"] == KEY


def test_a_secret_key_in_var_dir_is_used_when_none_is_given(load: Any, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "secret_key").write_text("made by make run")
    assert load(SECRET_KEY="")["SECRET_KEY"] == "made by make run"
    assert load()["SECRET_KEY"] == KEY


@pytest.mark.parametrize("name", ["secret_key", "address"])
@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", b"two\nlines", None])
def test_a_file_of_var_dir_that_cannot_be_used_is_named(
    load: Any, tmp_path: Path, name: str, content: bytes | None
) -> None:
    file = tmp_path / "var" / name
    file.parent.mkdir()
    file.mkdir() if content is None else file.write_bytes(content)
    with pytest.raises(ImproperlyConfigured, match=re.escape(str(file))):
        load(SECRET_KEY="" if name == "secret_key" else KEY)


@pytest.mark.parametrize("scheme", ["https", "HTTPS"])
def test_a_public_https_address_makes_cookies_and_redirects_secure(load: Any, scheme: str) -> None:
    secure = ["SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS"]
    found = load(PUBLIC_URL=f"{scheme}://stats.example.com")
    assert found["PUBLIC_URL"] == "https://stats.example.com"
    assert all(map(found.get, secure))
    assert not any(map(load(PUBLIC_URL="http://stats.example.com").get, secure))


def test_a_whole_domain_is_bound_to_https_only_where_that_is_asked_for(load: Any) -> None:
    names = ["SECURE_HSTS_INCLUDE_SUBDOMAINS", "SECURE_HSTS_PRELOAD"]
    url = "https://stats.example.com"
    assert not any(map(load(PUBLIC_URL=url).get, names))
    assert all(map(load(PUBLIC_URL=url, HSTS_INCLUDE_SUBDOMAINS="1", HSTS_PRELOAD="1").get, names))


def test_reading_the_settings_makes_no_folder_and_sets_no_variable(load: Any, tmp_path: Path) -> None:
    load(METRICS_TOKEN="let-me-see")
    assert list(tmp_path.iterdir()) == []
    assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ


def test_debug_is_off_unless_it_is_asked_for(load: Any) -> None:
    assert load()["DEBUG"] is False
    assert load(DEBUG="1")["DEBUG"] is True


def test_a_proxy_is_believed_only_when_it_is_declared(load: Any) -> None:
    assert "SECURE_PROXY_SSL_HEADER" not in load()
    assert load(TRUST_PROXY="1")["SECURE_PROXY_SSL_HEADER"] == ("HTTP_X_FORWARDED_PROTO", "https")


def test_the_public_address_follows_host_and_port(load: Any) -> None:
    assert load()["PUBLIC_URL"] == "http://127.0.0.1:8000"
    assert load(HOST="0.0.0.0", PORT="9000")["PUBLIC_URL"] == "http://127.0.0.1:9000"
    found = load(PUBLIC_URL="https://stats.example.com/")
    assert found["PUBLIC_URL"] == "https://stats.example.com"
    assert "stats.example.com" in found["ALLOWED_HOSTS"]


def test_a_postgresql_connection_is_kept_and_asked_whether_it_lives(load: Any) -> None:
    database = load(DATABASE_URL="postgres://me:secret@db.example.com:5433/stats")["DATABASES"]["default"]
    assert database["ENGINE"] == "statsapi.postgresql"
    assert (database["HOST"], database["PORT"], database["NAME"]) == ("db.example.com", 5433, "stats")
    assert database["CONN_MAX_AGE"] == 0
    assert database["OPTIONS"]["connections"] == 20
    assert database["OPTIONS"]["connect_timeout"]


def test_everything_lies_in_var_dir_unless_told_otherwise(load: Any, tmp_path: Path) -> None:
    found = load()
    assert found["DATABASES"]["default"]["NAME"] == str(tmp_path / "var" / "statsapi.sqlite3")
    assert found["TSDB_IS_EMBEDDED"]
    assert found["CACHE_IS_EMBEDDED"]
    other = load(TSDB_URL="redis://redis.example.com:6379/0")
    assert not other["TSDB_IS_EMBEDDED"]
    assert other["CACHE_IS_EMBEDDED"]


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("smtp://mail.example.com", ("mail.example.com", 587, "", "", True, False)),
        ("smtp://ann:pass@mail.example.com:2525/", ("mail.example.com", 2525, "ann", "pass", True, False)),
        (
            "smtps://ann%40example.com:p%3A%2F%25@m.example.com",
            ("m.example.com", 465, "ann@example.com", "p:/%", False, True),
        ),
        ("smtp://localhost", ("localhost", 25, "", "", False, False)),
        ("smtp://[::1]:2525", ("::1", 2525, "", "", False, False)),
        ("smtp://relay?tls=off", ("relay", 25, "", "", False, False)),
        ("smtps://localhost", ("localhost", 465, "", "", False, True)),
    ],
)
def test_a_mail_server_is_used_with_tls_unless_it_is_here_or_tls_is_off(load: Any, url: str, found: Any) -> None:
    names = ["HOST", "PORT", "HOST_USER", "HOST_PASSWORD", "USE_TLS", "USE_SSL"]
    settings = load(EMAIL_URL=url, EMAIL_FROM="Stats <stats@example.com>")
    assert tuple(settings[f"EMAIL_{name}"] for name in names) == found
    assert settings["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend"
    assert settings["DEFAULT_FROM_EMAIL"] == "Stats <stats@example.com>"


def test_nothing_is_mailed_without_a_mail_server(load: Any) -> None:
    settings = load()
    assert (settings["EMAIL_HOST"], settings["EMAIL_BACKEND"]) == ("", "django.core.mail.backends.dummy.EmailBackend")


@pytest.mark.parametrize(
    "url",
    [
        "smtp://ann:hunter2@",
        "smtp://ann@mail.example.com",
        "smtp://:hunter2@mail.example.com",
        "smtp://ann:hunter2@mail.example.com:0x1",
        "smtp://ann:hunter2@mail.example.com/path",
        "smtp://ann:hunter2@mail.example.com?tls=no",
        "smtp://ann:hunter2@mail.example.com?tls=off",
        "smtps://ann:hunter2@mail.example.com?tls=off",
        "smtp+tls://ann:hunter2@mail.example.com",
    ],
)
def test_a_wrong_mail_server_is_named_without_its_password(load: Any, url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL") as refused:
        load(EMAIL_URL=url, EMAIL_FROM="stats@example.com")
    assert "hunter2" not in str(refused.value)


def test_a_mail_server_needs_a_sender(load: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match="EMAIL_FROM"):
        load(EMAIL_URL="smtp://mail.example.com")
