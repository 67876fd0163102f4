"""Tests of Dockerfile and docker-compose.yml without Docker: they parse, name what exists, and their commands work.

`docker build`, `docker compose up` and the images of PostgreSQL and Valkey do not run here. Real servers of this
machine stand in for the images.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest
import redis
import yaml

from statsapi import env
from tests import servers
from tests.dockerfile import Build, ignores

pytestmark = pytest.mark.once
ROOT = servers.ROOT
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
GIVEN = {
    "SECRET_KEY": "a-key-of-the-tests-0123456789-abcdefghijklmnopqrstuvwxyz",
    "PUBLIC_URL": "https://stats.example.com",
    "POSTGRES_PASSWORD": "0123456789abcdef",
}
"""The variables that a user must write into .env."""
_VARIABLE = re.compile(r"\$\{(\w+)(?:(:[-?])([^}]*))?\}")


T = TypeVar("T")


class NotGivenError(Exception):
    """Compose refuses to start; the message is that of the file."""


def resolved(value: Any, given: dict[str, str]) -> str:
    """Fill in ${NAME}, ${NAME:-default} and ${NAME:?message}, as Compose does.

    Raises NotGivenError if a variable without a default is not given.
    """

    def fill(match: re.Match[str]) -> str:
        name, kind, rest = match.groups()
        if given.get(name):
            return given[name]
        if kind != ":-":
            raise NotGivenError(f"{name}: {rest}")
        return str(rest)

    return _VARIABLE.sub(fill, str(value))


def variables_of_compose() -> set[str]:
    return {match[1] for match in _VARIABLE.finditer(yaml.safe_dump(COMPOSE, width=10_000))}


def web_environment() -> dict[str, str]:
    return {name: resolved(value, GIVEN) for name, value in COMPOSE["services"]["web"]["environment"].items()}


def test_compose_sets_only_variables_that_the_settings_read() -> None:
    assert set(COMPOSE["services"]["web"]["environment"]) <= set(env.NAMES)


def test_every_setting_can_be_given_to_compose_and_the_example_has_nothing_else() -> None:
    assert COMPOSE["services"]["web"]["env_file"] == ".env"
    in_example = re.findall(r"^#?([A-Z_]+)=", EXAMPLE, re.MULTILINE)
    assert len(in_example) == len(set(in_example))
    assert set(in_example) == set(env.NAMES) | variables_of_compose()


@pytest.mark.parametrize("name", GIVEN)
def test_compose_does_not_start_without_what_has_no_safe_default(name: str) -> None:
    assert re.search(rf"^{name}=$", EXAMPLE, re.MULTILINE), "the example must not give it"
    given = {key: value for key, value in GIVEN.items() if key != name}
    values = yaml.safe_dump(COMPOSE, width=10_000)
    with pytest.raises(NotGivenError, match=name):
        resolved(values, given)
    resolved(values, GIVEN)


def test_only_the_web_service_is_published_and_only_on_this_machine() -> None:
    published = {name: service["ports"] for name, service in COMPOSE["services"].items() if "ports" in service}
    assert list(published) == ["web"]
    (port,) = published["web"]
    assert resolved(port, {}) == f"127.0.0.1:8000:{web_environment()['PORT']}"


def test_the_stores_have_networks_without_a_way_out_and_named_volumes() -> None:
    for name, folder in (("postgres", "/var/lib/postgresql/data"), ("valkey", "/data")):
        service = COMPOSE["services"][name]
        assert all(COMPOSE["networks"][network]["internal"] for network in service["networks"])
        (volume,) = service["volumes"]
        source, _, target = volume.partition(":")
        assert source in COMPOSE["volumes"]
        assert target == folder


def test_the_web_service_waits_until_both_stores_are_healthy() -> None:
    waits = COMPOSE["services"]["web"]["depends_on"]
    assert waits == {name: {"condition": "service_healthy"} for name in ("postgres", "valkey")}
    assert all(COMPOSE["services"][name]["healthcheck"]["test"] for name in waits)


def test_valkey_gets_options_under_which_no_count_vanishes(tmp_path: Path) -> None:
    program, *options = [resolved(word, GIVEN) for word in COMPOSE["services"]["valkey"]["command"]]
    assert program == "valkey-server"
    server, port = _or_skip(lambda: servers.start_redis(tmp_path, *options))
    try:
        with redis.Redis(port=port, decode_responses=True) as client:
            found = client.config_get("append*", "max*", "save")
    finally:
        server.stop()
    assert found["appendonly"] == "yes"
    assert found["appendfsync"] == "everysec"
    assert found["maxmemory"] == str(512 * 1024**2)
    assert found["maxmemory-policy"] == "noeviction"
    assert found["save"] == ""


def test_the_build_context_holds_code_alone() -> None:
    ignored = ignores((ROOT / ".dockerignore").read_text(encoding="utf-8"))
    for secret in (
        ".env",
        "var/secret_key",
        ".git/config",
        "tests/__init__.py",
        "statsapi/__pycache__/env.pyc",
        ".venv/x",
    ):
        assert ignored(Path(secret)), secret
    for code in ("manage.py", "requirements.txt", "statsapi/settings.py", "projects/models.py", "tsdb/lua/count.lua"):
        assert not ignored(Path(code)), code


# --- The image -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def image() -> Iterator[Build]:
    """Build the Dockerfile from the files that git has or would have, with the registry that pip knows."""
    ignored = ignores((ROOT / ".dockerignore").read_text(encoding="utf-8"))
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    with tempfile.TemporaryDirectory(prefix="statsapi-image-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the image's user must be able to enter it
        for file in map(Path, filter(None, names.split("\0"))):
            if not ignored(file) and (ROOT / file).exists():
                (folder / "context" / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / file, folder / "context" / file)
        host = {name: value for name, value in os.environ.items() if name not in env.NAMES}
        dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
        yield Build(dockerfile, context=folder / "context", folder=folder, python=_python(), host=host)


class Container:
    """The image's command, run as the image's user, with the image's environment and the one given here alone."""

    def __init__(self, image: Build, log: Path, **environment: str) -> None:
        self.image, self.environment = image, {**image.environment, **environment}
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        # If Python belongs to root alone, another user cannot start it.
        user, group = image.user if image.user and os.getuid() == 0 and _anybody_may_run(_python()) else (None, None)
        self.user = user
        self.server = servers.Server(
            ["env", "-i", *variables, *image.command], log, user=user, group=group, cwd=image.folder_in_use
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.environment['PORT']}"

    def is_healthy(self) -> bool:
        """Run the image's HEALTHCHECK and return whether it succeeds."""
        return subprocess.run(self.image.health, env=self.environment, capture_output=True, check=False).returncode == 0

    def refusal(self) -> str:
        """Wait until it ends with a failure, and return its log."""
        assert self.server.process.wait(60) != 0
        return self.server.log.read_text()


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Start PostgreSQL and Redis here and yield the variables of Compose with their URLs."""
    with tempfile.TemporaryDirectory(prefix="statsapi-stores-") as name, ExitStack() as stack:
        Path(name).chmod(0o755)
        found = _or_skip(lambda: servers.external_servers(Path(name), stack.callback))
        yield {**web_environment(), **found}


def test_the_image_serves_with_the_variables_of_compose(image: Build, stores: dict[str, str], tmp_path: Path) -> None:
    container = Container(image, tmp_path / "log", **{**stores, "HOST": "127.0.0.1", "PORT": str(servers.free_port())})
    try:
        assert not container.is_healthy()
        container.server.wait_until(container.is_healthy, "the container")
        container.server.wait_until(lambda: servers.answers(container.url, "/readyz"), "readiness")
        as_the_proxy_does = {"X-Forwarded-Proto": "https", "Host": "stats.example.com"}
        assert servers.ask(container.url, "/api/0/projects/a/b/stats/", as_the_proxy_does).status == 401
        assert servers.ask(container.url, "/static/admin/css/base.css", as_the_proxy_does).status == 200
        assert servers.ask(container.url, "/static/admin/css/base.css").status == 301, "HTTPS alone"
        process = Path("/proc", str(container.server.process.pid))
        if process.exists():
            command = (process / "cmdline").read_bytes()
            assert b"\0--workers\0" in command, "process 1 must have become the server, to get the signals itself"
            if container.user is not None:
                assert process.stat().st_uid == container.user == 10001
    finally:
        container.server.stop()
    assert container.server.process.returncode == 0, "SIGTERM ends it in good order"
    assert not container.is_healthy()


def test_the_image_refuses_to_start_without_a_secret_key(image: Build, stores: dict[str, str], tmp_path: Path) -> None:
    without = {name: value for name, value in stores.items() if name != "SECRET_KEY"}
    refusal = Container(image, tmp_path / "log", **without).refusal()
    assert refusal.startswith("Not started: SECRET_KEY is not set.")
    assert "Traceback" not in refusal


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SECRET_KEY", "short", "security.W009"),
        ("DEBUG", "1", "security.W018"),
        ("PUBLIC_URL", "http://stats.example.com", "statsapi.W003"),
        ("ALLOWED_HOSTS", ",", "security.W020"),
    ],
)
def test_the_image_refuses_what_is_not_fit_for_production(
    image: Build, stores: dict[str, str], tmp_path: Path, name: str, value: str, says: str
) -> None:
    refusal = Container(image, tmp_path / "log", **{**stores, name: value}).refusal()
    assert says in refusal
    assert "Traceback" not in refusal


def test_the_web_service_may_write_where_the_image_keeps_things_and_nowhere_else(image: Build) -> None:
    web = COMPOSE["services"]["web"]
    assert web["read_only"]
    user, group = image.user or (0, 0)
    folder = image.environment["VAR_DIR"].removeprefix(str(image.root))
    assert web["tmpfs"] == ["/tmp", f"{folder}:mode=0700,uid={user},gid={group}"]
    assert user >= 10_000, "no user of a host's own"


def test_no_layer_of_the_image_holds_a_secret(image: Build) -> None:
    assert not set(image.environment) & {
        name for name in env.NAMES if "SECRET" in name or "TOKEN" in name or "URL" in name
    }
    assert not list(image.root.rglob("*.sqlite3"))
    assert not list(image.root.rglob("secret_key"))
    assert not list(image.root.rglob(".env"))
    assert list(Path(image.environment["VAR_DIR"]).iterdir()) == []


def _python() -> Path:
    """Return the first Python that is new enough and that any user may run, else the one that runs these tests."""
    own = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
    system = Path("/usr/bin/python3")
    fit = "import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))"
    for python in (own, system):
        if not python.exists() or not _anybody_may_run(python):
            continue
        if subprocess.run([python, "-c", fit], capture_output=True, check=False).returncode == 0:
            return python.resolve()
    return own


def _anybody_may_run(python: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in (python.resolve(), *python.resolve().parents))


def _or_skip(start: Callable[[], T]) -> T:
    try:
        return start()
    except servers.Missing as missing:
        pytest.skip(str(missing))
