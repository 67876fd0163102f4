"""Slugs and ids that cannot be valid: they are not found, and do not reach a key, a log or PostgreSQL.

See docs/reliability.md#odd-names.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_redis import get_redis_connection

from projects.models import Organization, Project
from tests.faults.asking import OUTCOMES, STATS, count
from tests.faults.stage import Stage
from tsdb.store import Store

NO_OBJECT = {"detail": "The requested resource does not exist"}

NAMES = (
    "{", "}", "{1}", "{web}", ":", "web:x", "*", "w?b", "[a-z]eb", "web\\", "\0", "web\0", "\0web", "\n", "web\n",
    "\nweb", "web\r\nSet-Cookie: a=b", "web ", " web", "\t", "web\x7f", "WEB", "Web", "ｗｅｂ", "\u202ebew", "שלום",
    "مرحبا", "w\u200beb", "\ufeffweb", "😀", "web'--", 'web"', "<script>", "web;", "web&x", "web=1", "%", "%77eb",
    "%2e%2e", "web#", "web?x", "a" * 101, "a" * 4000, "٣", "１", "+1", "-1", "1e0", "0x1", "1.0", "1_0", "00", "null",
    "undefined", "9" * 19, "9" * 100, "9" * 101, "9" * 4000, unicodedata.normalize("NFC", "wéb"),
    unicodedata.normalize("NFD", "wéb"),
)  # fmt: skip
RAW = (".", "..", "...", "../web", "web/../web", "%2e%2e%2fweb", "web%2fweb", "%00", "%0a", "web%00", "web%0a", "%ff",
       "%C0%80", "%ED%A0%80", "%E2%80", "%u0077", "web%", "web;jsessionid=1")  # fmt: skip
PATHS = [quote(name, safe="") for name in NAMES] + [*RAW]

KEY = re.compile(rb"ts:\{[0-9]+\}:(?:[A-Za-z0-9_:.-]|%[0-9A-F]{2})+|stamp:\{[0-9]+\}")
"""Words that clients made up stand percent-encoded."""


@pytest.fixture
def insider(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


@pytest.mark.parametrize("path", PATHS, ids=range(len(PATHS)))
def test_a_name_that_is_none_is_not_found(
    api: Client, insider: Client, project: Project, store: Store, path: str
) -> None:
    assert insider.get(STATS).status_code == api.get(STATS).status_code == 200
    before = _keys(store)
    for client in (api, insider):
        for url in (f"/api/0/projects/acme/{path}/stats/", f"/api/0/projects/{path}/web/stats/"):
            response = client.get(url)
            assert response.status_code == 404, url
            assert response.json() == NO_OBJECT
            posted = client.post(
                url.replace("stats", "outcomes"),
                {"outcomes": [{"outcome": "accepted"}]},
                content_type="application/json",
            )
            assert posted.status_code == 404, url
            assert "\n" not in str(posted.headers)
    assert _keys(store) == before


def test_an_id_has_one_spelling(api: Client, insider: Client, organization: Organization, project: Project) -> None:
    for client in (api, insider):
        assert client.get(f"/api/0/projects/{organization.pk}/{project.pk}/stats/").status_code == 200
        assert client.get(f"/api/0/projects/acme/0{project.pk}/stats/").status_code == 404
        assert client.get(f"/api/0/projects/0{organization.pk}/web/stats/").status_code == 404


NASTY_WORDS = (
    "{1}",
    "{1}:t:error:accepted:10x360",
    "*",
    ":",
    "a b",
    "wéb",
    "\u202eweb",
    "שלום",
    "😀",
    "'; DROP TABLE",
    "..",
)


@pytest.mark.parametrize("word", NASTY_WORDS)
def test_keys_in_redis_hold_numbers_and_words_without_any_sign_of_theirs(
    api: Client, project: Project, store: Store, word: str
) -> None:
    rows = [{"environment": word}, {"reason": word, "outcome": "filtered"}]
    assert count(api, *rows, **{"idempotency-key": quote(word)}).status_code == 201
    assert api.get(STATS, {"stat": "generated", "environment": word}).status_code == 200
    public = project.keys.get().public
    event = f'{{"event_id":"{"a" * 32}"}}\n{{"type":"event"}}\n{{"environment":"{word}","release":"{word}"}}\n'
    sent = api.post(f"/api/{project.pk}/envelope/?sentry_key={public}", event.encode(), content_type="text/plain")
    assert sent.status_code == 200, sent.content
    keys = list(store.clients.read.scan_iter("*"))
    assert len(keys) > 10
    assert [key for key in keys if not KEY.fullmatch(key)] == []


@pytest.mark.parametrize("word", ["a\nb", "a\0b", "\r", "\x1b[31m", "\ud800"])
def test_a_word_with_control_characters_is_400_and_reaches_nothing(
    api: Client, project: Project, store: Store, word: str
) -> None:
    assert api.get(STATS, {"stat": "generated", "environment": "x"}).status_code == 404  # loads what is kept
    before = _keys(store)
    escaped = word.encode("unicode_escape").decode().replace("\\x", "\\u00")
    for field in ("environment", "reason", "key", "outcome", "category"):
        body = f'{{"outcomes": [{{"outcome": "accepted", "{field}": "{escaped}"}}]}}'
        assert api.post(OUTCOMES, body, content_type="application/json").status_code == 400, field
    assert api.get(f"{STATS}?stat=generated&environment={quote(word, errors='replace')}").status_code == 404
    assert _keys(store) == before


@pytest.mark.parametrize(
    "cookie",
    [
        r'sessionid="\000aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"',
        r'sessionid="\012aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"',
        'sessionid="' + "a" * 3000 + '"',
        "sessionid=*",
        "sessionid={1}:*",
        r'csrftoken="\000"; sessionid=x',
        r'messages="\000"',
    ],
)
@pytest.mark.parametrize("path", [STATS, "/admin/", "/admin/login/"])
def test_a_session_that_is_none_is_nobody(organization: Organization, path: str, cookie: str) -> None:
    response = Client(headers={"cookie": cookie}).get(path)
    assert response.status_code == {STATS: 401, "/admin/": 302, "/admin/login/": 200}[path]


def test_a_nul_at_the_login_is_refused_like_any_wrong_name(db: None) -> None:
    form = {"username": "a\0b", "password": "c\0d"}
    assert Client().post("/admin/login/", form).status_code == 200


def test_no_request_can_begin_a_line_of_the_log(stage: Stage) -> None:
    before = stage.service.log.stat().st_size
    forged = "timestamp=2018-01-01 level=info logger=forged"
    words = quote(f"\r\n\u2028{forged}\n", safe="")
    for path in (f"/{words}", f"/api/0/{words}/", f"/api/0/projects/acme/{words}/stats/", f"/admin/{words}"):
        assert stage.service.ask("GET", path).status == 404
        assert stage.service.ask("GET", f"{path}?next={words}").status == 404
    session = {"cookie": "sessionid=x", "referer": f"http://a/{words}", "authorization": ""}
    assert stage.service.ask("POST", f"/admin/login/?next={words}", {}, **session).status == 403
    logged = quote(f"\u2028{forged}\x85{forged}", safe="")  # a line feed would not match a path of the admin
    assert stage.service.ask("POST", f"/admin/{logged}/", {}, **session).status == 403
    stage.redis.stop()
    assert stage.service.ask("GET", f"/api/0/projects/acme/web/stats/?stat={words}").status in (400, 503)
    assert stage.service.count().status == 503
    said = stage.service.log.read_bytes()[before:].decode()
    assert forged in said
    assert [line for line in said.splitlines() if not re.match(r"timestamp=20|\[INFO\]|\[WARN", line)] == []
    assert not re.search(r"^timestamp=2018", said, re.MULTILINE)


def _keys(store: Store) -> set[bytes]:
    """Return the keys of the counts and of the cache."""
    cache: set[bytes] = set(get_redis_connection("default").scan_iter("*"))
    return cache | set(store.clients.read.scan_iter("*"))
