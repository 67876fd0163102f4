"""Secrets in logs, errors, lists of the admin and reprs: there are none.

The tests misuse a service, and then search everything that it wrote and answered.
See docs/reliability.md#leaked-secrets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from django.contrib.auth.models import User
from django.test import Client

from projects import services
from projects.admin import tokens as _admin  # noqa: F401 - the pages below are its
from projects.models import ApiToken, Organization, Project, ProjectKey
from projects.selectors import find_token
from projects.services.tokens import digest_of
from statsapi.api.authentication import Caller
from tests.faults.stage import RedisServer, open_folder
from tests.servers import Missing, start_postgresql
from tests.service import Answer, Service
from tsdb.client import connect

REDIS_PASSWORD = "redis-hunter2"
DATABASE_PASSWORD = "database-hunter2"
SECRET_KEY = "key-hunter2-0123456789-0123456789-0123456789-0123456789"
LOGIN_PASSWORD = "login-hunter2"
STATS = "/api/0/projects/acme/web/stats/"
OUTCOMES = "/api/0/projects/acme/web/outcomes/"


class Misused(NamedTuple):
    service: Service
    redis: RedisServer
    secrets: dict[str, str]


@pytest.fixture(scope="module")
def misused(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Misused]:
    with open_folder() as folder:
        try:
            database, url = start_postgresql(folder / "postgresql")
        except Missing as missing:
            pytest.skip(str(missing))
        redis = RedisServer(
            tmp_path_factory.mktemp("redis"),
            external=request.config.getoption("--external"),
            password=REDIS_PASSWORD,
        )
        at = f"redis://:{REDIS_PASSWORD}@127.0.0.1:{redis.port}"
        service = Service(
            tmp_path_factory.mktemp("service"),
            DATABASE_URL=url.replace("postgres@", f"postgres:{DATABASE_PASSWORD}@"),
            TSDB_URL=f"{at}/0",
            CACHE_URL=f"{at}/1",
            SECRET_KEY=SECRET_KEY,
            LOG_LEVEL="DEBUG",
        )
        service.run(f"""
from django.contrib.auth.models import User
User.objects.create_superuser("root", password={LOGIN_PASSWORD!r})
""")
        secrets = {
            "token": service.token,
            "digest": service.run("answer = ApiToken.objects.get().digest"),
            "key": service.run("answer = web.keys.get().secret"),
            "public link": service.run("answer = services.create_link(project=web).secret"),
            "Redis": REDIS_PASSWORD,
            "database": DATABASE_PASSWORD,
            "secret key": SECRET_KEY,
            "login": LOGIN_PASSWORD,
        }
        yield Misused(service, redis, secrets)
        service.stop()
        redis.stop()
        database.stop()


def test_neither_answers_nor_logs_hold_one_whatever_goes_wrong(misused: Misused) -> None:
    service, secrets = misused.service, misused.secrets
    token, key, link = secrets["token"], secrets["key"], f"/share/{secrets['public link']}"
    answers: list[Answer] = []

    def ask(method: str, path: str, body: object = None, **headers: str) -> int:
        answers.append(service.ask(method, path, body, **headers))
        return answers[-1].status

    # Good and bad requests, with the secrets where they belong and where they do not.
    assert ask("GET", STATS) == 200
    assert ask("GET", f"{STATS}?stat=generated&environment={token}") == 404
    assert ask("GET", f"{STATS}?resolution={token}") == 400
    assert ask("GET", f"{STATS}?token={token}", authorization="") == 401
    assert ask("GET", f"/api/0/projects/acme/{token}/stats/", authorization="") == 401
    assert ask("GET", STATS, authorization=f"Bearer {token} {token}") == 401
    assert ask("GET", STATS, authorization=f"Bearer x{token}") == 401
    assert ask("GET", STATS, authorization=f"Token {token}") == 401
    assert ask("GET", STATS, cookie=f"sessionid={token}", authorization="") == 401
    assert ask("POST", OUTCOMES, {"outcomes": [{"outcome": "accepted", "key": key}]}) == 400
    assert ask("POST", OUTCOMES, {"outcomes": [{"outcome": token}]}) == 400
    assert ask("GET", "/nothing") == 404
    assert ask("GET", f"{link}/?range=30d", authorization="") == 200
    assert ask("GET", f"{link}.svg", authorization="") == 200
    assert ask("POST", f"{link}/", {}, authorization="") == 403
    login = "/admin/login/"
    form = f"username=root&password={LOGIN_PASSWORD}"
    assert ask("POST", f"{login}?{form}", {}, content_type="application/x-www-form-urlencoded") == 403

    # An unexpected error, with its traceback in the log.
    with misused.redis.client() as store:
        service.run("kept = list(ApiToken.objects.values('pk', 'scopes')); ApiToken.objects.update(scopes=5)")
        store.delete(*store.keys("stamp:*"))
        assert ask("GET", STATS) == 500
        service.run("for row in kept: ApiToken.objects.filter(pk=row['pk']).update(scopes=row['scopes'])")
        assert ask("GET", STATS) == 200
    with misused.redis.client() as store:
        for ring in store.scan_iter("ts:*"):
            store.delete(ring)
        store.set("ts:{1}:index", "not a set")
        assert ask("POST", OUTCOMES, {"outcomes": [{"outcome": "accepted"}]}) == 503
        # A wrong password, as if somebody had changed it.
        store.config_set("requirepass", "another")
    misused.redis.password = "another"
    with misused.redis.client() as store:
        store.client_kill_filter(_type="normal", skipme=True)
        assert ask("GET", STATS) == 503
        assert ask("POST", OUTCOMES, {"outcomes": [{"outcome": "accepted"}]}) == 503
        assert ask("GET", "/readyz", authorization="") == 503
        store.config_set("requirepass", REDIS_PASSWORD)
    misused.redis.password = REDIS_PASSWORD
    misused.redis.stop()
    assert ask("GET", STATS) == 503
    assert ask("GET", f"{link}/", authorization="") == 503
    assert ask("GET", f"{link}.svg", authorization="") == 503
    assert {answer.headers.get("cache-control") for answer in answers[-2:]} == {"no-store"}
    misused.redis.start()

    said = service.log.read_text()
    assert "Traceback" in said, "the error that nobody foresaw is in the log"
    assert "/share/shl_***" in said, "the addresses that failed are in the log, without their secret"
    for what, secret in secrets.items():
        assert secret not in said, f"the secret of {what} is in the log"
        for answer in answers:
            assert secret not in answer.body.decode(), f"the secret of {what} was answered"
            assert secret not in str(answer.headers), f"the secret of {what} is in a header"


def test_the_lists_and_forms_of_the_admin_hold_none(db: None, organization: Organization, project: Project) -> None:
    secret = services.create_token(organization=organization, scopes=["project:read"], name="grafana").secret
    row, key = ApiToken.objects.get(), ProjectKey.objects.get()
    client = Client()
    client.force_login(User.objects.create_superuser("root", password=LOGIN_PASSWORD))
    hidden = [secret, secret.removeprefix("sta_"), row.digest, User.objects.get().password]
    for model, pk in (("apitoken", row.pk), ("project", project.pk), ("organization", organization.pk)):
        for page in ("", f"{pk}/change/", f"{pk}/history/", f"{pk}/delete/"):
            response = client.get(f"/admin/projects/{model}/{page}", follow=True)
            assert response.status_code in (200, 403), page
            shown = response.content.decode()
            assert not [one for one in hidden if one in shown], page
    keys = client.get("/admin/projects/projectkey/").content.decode()
    assert key.public in keys
    assert key.secret not in keys
    assert key.secret not in client.get("/admin/projects/project/").content.decode()


def test_no_repr_holds_one(organization: Organization, project: Project) -> None:
    new = services.create_token(organization=organization, scopes=["project:read"])
    key = ProjectKey.objects.get()
    clients = connect(f"redis://user:{REDIS_PASSWORD}@127.0.0.1:1/0", 0.1)
    token = find_token(digest_of(new.secret))
    shown = repr([new, new.token, str(new), key, str(key), token, Caller(token, None), clients])
    shown += "".join(repr(server.connection_pool) for one in clients for server in one.servers())
    assert "grafana" not in shown
    for secret in (new.secret, new.token.digest, key.secret, REDIS_PASSWORD):
        assert secret not in shown


def test_only_a_digest_is_kept(organization: Organization, tmp_path: Path) -> None:
    secret = services.create_token(organization=organization, scopes=["project:read"]).secret
    kept = str(list(ApiToken.objects.values()))
    assert secret not in kept
    assert re.fullmatch(r"sta_[\w-]{43}", secret)
    assert secret[-4:] in kept, "the last four are shown, to tell tokens apart"
    assert secret[-5:] not in kept
