"""sentry-cli from npm with `--url` and a token: its requests are answered, and its output is right.

Each test runs with the newest version and with two older ones, which stop at an answer that lacks a field.
"""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Callable
from functools import partial

import pytest

from tests.clients.live import IntakeService, Sender
from tests.clients.packages import MODULES
from tests.proxy import Proxy

pytestmark = [pytest.mark.usefixtures("node"), pytest.mark.once]

PACKAGES = ("@sentry/cli", "sentry-cli-2.58", "sentry-cli-3.4")

MANY = """
organization = services.create_organization(slug={slug!r}, name="Many")
rows = [Project(organization=organization, slug=f"p{{number:03}}", name="P") for number in range({projects})]
Project.objects.bulk_create(rows)
answer = services.create_token(organization=organization, scopes=["org:read", "project:read"]).secret
"""


class Said:
    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.status, self.printed, self.complained = done.returncode, done.stdout, done.stderr

    def table(self) -> list[list[str]]:
        """Return the cells of each row below the heading."""
        lines = [line for line in self.printed.splitlines() if line.startswith("|")]
        return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


Ask = Callable[..., Said]


@pytest.fixture(params=PACKAGES)
def ask(request: pytest.FixtureRequest) -> Ask:
    """Return a function that runs a version of sentry-cli."""
    return partial(_ask, str(MODULES / request.param / "bin" / "sentry-cli"))


def _ask(program: str, port: int, token: str, *words: str, **environment: str) -> Said:
    command = [program, "--url", f"http://127.0.0.1:{port}", *(("--auth-token", token) if token else ()), *words]
    # Not the environment of this shell: a file in the home directory could name another server.
    kept = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environment}
    done = subprocess.run(command, env=kept, capture_output=True, text=True, timeout=60, check=False)
    return Said(done)


def test_info_shows_who_asks_and_what_they_may(ask: Ask, service: IntakeService) -> None:
    said = ask(service.port, service.token, "info")
    assert said.status == 0, said.complained
    assert f"Sentry Server: http://127.0.0.1:{service.port}\n" in said.printed
    scopes = [line.strip("- \n") for line in said.printed.partition("Scopes:\n")[2].splitlines()]
    assert scopes == [f"{what}:{level}" for what in ("project", "org", "event") for level in ("read", "write", "admin")]


def test_organizations_list_shows_the_tokens_own(ask: Ask, service: IntakeService) -> None:
    said = ask(service.port, service.token, "organizations", "list")
    assert said.status == 0, said.complained
    ((number, name, slug, created, early, factors),) = said.table()
    assert (number, name, slug, early, factors) == ("1", "Acme", "acme", "false", "false")
    assert created == service.run('answer = f"{acme.created:%Y-%m-%d}"')


def test_projects_list_shows_every_project_and_its_team(ask: Ask, service: IntakeService, sender: Sender) -> None:
    said = ask(service.port, service.token, "projects", "list", "--org", "acme")
    assert said.status == 0, said.complained
    rows = said.table()
    assert [str(sender.project), sender.slug, "Acme", sender.slug] in rows
    assert len(rows) == service.run("answer = Project.objects.filter(organization=acme).count()")


def test_projects_list_turns_the_pages(ask: Ask, service: IntakeService) -> None:
    slug = _slug()
    token = service.run(MANY.format(slug=slug, projects=201))
    with Proxy(service.port) as wire:
        said = ask(wire.port, token, "projects", "list", "--org", slug)
    assert said.status == 0, said.complained
    assert sorted(row[1] for row in said.table()) == [f"p{number:03}" for number in range(201)]
    assert wire.seen(f"GET /api/0/organizations/{slug}/projects/?cursor=".encode()) == 3


def test_send_event_counts(ask: Ask, service: IntakeService, sender: Sender) -> None:
    said = ask(
        service.port,
        service.token,
        *("send-event", "--message", "hello", "--env", "production"),
        SENTRY_DSN=sender.dsn(service.port),
    )
    assert said.status == 0, said.complained
    assert "Event dispatched" in said.printed
    assert service.facts(sender) == {("error", "accepted", "none"): 1}
    assert service.stat(sender, "generated", environment="production") == 1


@pytest.mark.parametrize(("command", "schedule"), [("true", ()), ("false", ()), ("true", ("--schedule", "0 3 * * *"))])
def test_the_begin_and_the_end_of_a_command_are_check_ins(
    ask: Ask, service: IntakeService, sender: Sender, command: str, schedule: tuple[str, ...]
) -> None:
    words = ("monitors", "run", *schedule, "nightly", "--", command)
    said = ask(service.port, "", *words, SENTRY_DSN=sender.dsn(service.port))
    assert said.status == (command == "false"), said.complained
    assert service.facts(sender) == {("monitor", "accepted", "none"): 2}


@pytest.mark.parametrize("words", [("releases", "list"), ("issues", "list", "--project", "web"), ("monitors", "list")])
def test_what_there_is_not_here_is_not_found(ask: Ask, service: IntakeService, words: tuple[str, ...]) -> None:
    said = ask(service.port, service.token, *words, "--org", "acme")
    assert said.status == 1
    assert "not found" in said.complained


@pytest.mark.parametrize("words", [("info",), ("organizations", "list"), ("projects", "list", "--org", "acme")])
def test_a_token_that_is_none_is_told_as_such(ask: Ask, service: IntakeService, words: tuple[str, ...]) -> None:
    said = ask(service.port, "sta_no", *words)
    assert said.status == 1
    assert "sentry reported an error: Invalid token (http status: 401)" in said.complained


def test_an_organization_that_is_another_ones_is_not_found(ask: Ask, service: IntakeService) -> None:
    foreign = _slug()
    service.run(MANY.format(slug=foreign, projects=1))
    for slug in (foreign, "nowhere"):
        said = ask(service.port, service.token, "projects", "list", "--org", slug)
        assert (said.status, said.table()) == (1, [])
        assert "organization not found" in said.complained


def test_a_missing_scope_is_told_as_such(ask: Ask, service: IntakeService) -> None:
    token = service.run('answer = services.create_token(organization=acme, scopes=["event:read"]).secret')
    said = ask(service.port, token, "organizations", "list")
    assert said.status == 1
    assert "You do not have permission to perform this action. (http status: 403)" in said.complained


def _slug() -> str:
    """Return a slug of its own for each test, because all of them ask one service."""
    return f"many-{uuid.uuid4().hex}"
