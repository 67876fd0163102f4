"""The command createtoken: what it prints, what the token may do, and what it refuses."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.test import Client

from projects.management.commands.createtoken import Command
from projects.models import SCOPES, ApiToken, Organization, Project

URL = "/api/0/projects/acme/web/stats/"
NOW = datetime(2018, 11, 6, 12, 34, 56, tzinfo=UTC)


def createtoken(*arguments: str) -> str:
    output = StringIO()
    call_command("createtoken", *arguments, stdout=output)
    return output.getvalue()


def status_with(token: str) -> int:
    return Client(headers={"authorization": f"Bearer {token.strip()}"}).get(URL).status_code


def test_it_prints_the_token_alone_and_the_token_reads(project: Project) -> None:
    output = createtoken("acme", "--scope", "project:read")
    assert re.fullmatch(r"sta_[\w-]{43}\n", output)
    assert status_with(output) == 200


def test_it_has_the_scopes_that_were_named_and_no_others(project: Project) -> None:
    output = createtoken("acme", "--scope", "org:read", "--scope", "event:read")
    assert ApiToken.objects.get().scopes == ["org:read", "event:read"]
    assert status_with(output) == 403


def test_its_help_names_only_scopes_that_open_something() -> None:
    said = Command().create_parser("manage.py", "createtoken").format_help()
    assert [scope in said for scope in SCOPES] == [True] * 6 + [False] * 3


def test_it_is_a_new_token_each_time(organization: Organization) -> None:
    assert createtoken("acme", "--scope", "project:read") != createtoken("acme", "--scope", "project:read")


def test_it_keeps_the_name_and_not_the_secret(organization: Organization) -> None:
    secret = createtoken("acme", "--scope", "project:read", "--name", "Grafana").strip()
    token = ApiToken.objects.get()
    assert (token.name, token.expires, token.last_four) == ("Grafana", None, secret[-4:])
    assert secret not in str(ApiToken.objects.values())


def test_it_expires_after_so_many_days(project: Project) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        output = createtoken("acme", "--scope", "project:read", "--expires-days", "30")
        assert status_with(output) == 200
        clock.move_to(NOW + timedelta(days=30, seconds=-1))
        assert status_with(output) == 200
        clock.move_to(NOW + timedelta(days=30, seconds=1))
        assert status_with(output) == 401


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nobody", "--scope", "project:read"], "There is no organization with the slug 'nobody'."),
        (["acme"], "the following arguments are required: --scope"),
        (["acme", "--scope", "project:reed"], "Unknown scope project:reed; there are project:read, "),
        (["acme", "--scope", "project:read", "--expires-days", "0"], "--expires-days must be from 1 to 36500, not 0."),
        (["acme", "--scope", "project:read", "--expires-days", "36501"], "not 36501."),
        (["acme", "--scope", "project:read", "--name", "n" * 101], "at most 100 characters"),
    ],
)
def test_it_refuses_what_cannot_be(organization: Organization, arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError) as refused:
        createtoken(*arguments)
    assert message in str(refused.value)
    assert not ApiToken.objects.exists()
