from __future__ import annotations

import re
import shlex
import time

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from projects import services
from projects.connections import get_store
from projects.models import ApiToken, Organization, Project
from projects.selectors import budgets_of
from statsapi.start import demo
from tsdb.budgets import read_uses
from tsdb.rollups import parse_rollups
from tsdb.store import Store

pytestmark = pytest.mark.usefixtures("db")


def curl_line(text: str) -> list[str]:
    """Return the words that a shell makes of a line."""
    [line] = [line.strip() for line in text.splitlines() if line.strip().startswith("curl ")]
    return shlex.split(line)


def ask(text: str) -> tuple[int, list[list[float]]]:
    """Return the status and the body of the answer to the curl line."""
    program, option, header, url = curl_line(text)
    assert (program, option) == ("curl", "-H")
    name, _, value = header.partition(": ")
    assert name == "Authorization"
    response = Client(headers={"authorization": value}).get(url.removeprefix(settings.PUBLIC_URL))
    return response.status_code, response.json()


def password_in(text: str) -> str:
    found = re.search(r"user admin, password (\S+) \(shown this once\)", text)
    assert found, text
    return found[1]


def test_the_curl_line_answers_24_pairs_of_counted_data() -> None:
    status, pairs = ask(demo.welcome())
    assert status == 200
    assert len(pairs) == 24
    assert all(count > 0 for _, count in pairs[:-1])


def test_it_names_where_to_look_and_a_dsn_that_is_the_projects() -> None:
    text = demo.welcome()
    project = Project.objects.get(slug="pump-station")
    key = project.keys.get()
    for line in ("http://127.0.0.1:8000/admin/", "http://127.0.0.1:8000/api/docs/", key.public):
        assert line in text
    assert f"http://{key.public}@127.0.0.1:8000/{project.pk}\n" in text


def test_the_page_comes_first_with_the_user_who_signs_in_there() -> None:
    text = demo.welcome()
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    assert lines[1:3] == ["The page", "http://127.0.0.1:8000/"]
    assert lines[3] == f"user admin, password {password_in(text)} (shown this once)"
    client = Client()
    assert client.post("/login/", {"username": "admin", "password": password_in(text)})["Location"] == "/"
    assert client.get("/", follow=True).request["PATH_INFO"] == "/o/the-interstellar-jurisdiction/"
    assert client.get("/admin/").status_code == 200


def test_the_next_start_adds_no_data(store: Store) -> None:
    with time_machine.travel(time.time(), tick=False):  # so that the full hour does not pass between them
        _, before = ask(demo.welcome())
        _, after = ask(demo.welcome())
    assert Organization.objects.count() == 1
    assert before[:-1] == after[:-1]


def test_the_first_project_has_budgets_that_are_not_used_up() -> None:
    now = int(time.time()) // 300 * 300 - 1  # the end of five minutes, at whose begin nothing is used
    with time_machine.travel(now, tick=False):
        demo.welcome()
    project = Project.objects.get(slug="pump-station")
    uses = read_uses(get_store(), {project.pk: budgets_of(project.pk)}, now=now)
    assert [budget.window for budget in budgets_of(project.pk)] == [300, 0]
    assert [0 < use.used < use.limit for use in uses.values()] == [True, True]


def test_with_rollups_that_make_up_no_such_windows_there_is_no_budget(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_store(), "rollups", parse_rollups("7s:100"))
    demo._make_budgets(project)
    assert budgets_of(project.pk) == []


def test_the_token_takes_the_place_of_the_last_one_and_may_only_read() -> None:
    first = demo.welcome()
    other = services.create_token(organization=Organization.objects.get(), scopes=["org:read"], name="mine")
    second = demo.welcome()
    assert [ask(first)[0], ask(second)[0]] == [401, 200]
    [token] = ApiToken.objects.exclude(pk=other.token.pk)
    assert (token.name, token.scopes) == ("make run", ["project:read", "org:read"])


def test_a_database_with_an_organization_is_not_given_demo_data(project: Project, store: Store) -> None:
    text = demo.welcome()
    assert Organization.objects.get() == project.organization
    assert store.series_of(project.pk) == []
    assert "/api/0/projects/acme/web/stats/" in text
    assert ask(text)[0] == 200


def test_without_a_project_it_says_how_to_make_one(organization: Organization) -> None:
    text = demo.welcome()
    assert "manage.py createproject ORGANIZATION PROJECT" in text
    assert "curl" not in text
    assert not ApiToken.objects.exists()


def test_without_an_active_key_there_is_no_dsn_and_none_is_made(project: Project) -> None:
    project.keys.update(active=False)
    text = demo.welcome()
    assert "DSN" not in text
    assert project.keys.count() == 1


def test_the_first_start_makes_an_admin_whose_password_is_shown_once() -> None:
    first = demo.welcome()
    assert User.objects.get(username="admin").check_password(password_in(first))
    assert User.objects.get().is_superuser
    second = demo.welcome()
    assert password_in(first) not in second
    assert "user admin; a new password: " in second
    assert "manage.py changepassword admin" in second
    assert User.objects.get(username="admin").check_password(password_in(first))


def test_two_databases_get_two_passwords() -> None:
    first = demo.welcome()
    User.objects.all().delete()
    assert password_in(first) != password_in(demo.welcome())


def test_a_superuser_of_another_name_is_enough() -> None:
    User.objects.create_superuser("root")
    assert "user root; a new password: " in demo.welcome()
    assert User.objects.count() == 1


def test_somebody_who_is_called_admin_is_given_no_rights() -> None:
    User.objects.create_user("admin")
    assert "there is no operator yet: " in demo.welcome()
    assert "manage.py createuser EMAIL --operator" in demo.welcome()
    assert not User.objects.get().is_superuser


def test_the_commands_are_to_be_typed_with_the_same_var_dir(monkeypatch: pytest.MonkeyPatch) -> None:
    User.objects.create_superuser("root")
    monkeypatch.setenv("VAR_DIR", "/some where")
    assert "VAR_DIR='/some where' " in demo.welcome()
    monkeypatch.delenv("VAR_DIR")
    assert "VAR_DIR" not in demo.welcome()


def test_an_interrupted_start_leaves_nothing_and_the_next_one_does_all(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Store, "incr_bulk", interrupt)
        with pytest.raises(KeyboardInterrupt):
            demo.welcome()
    assert not Organization.objects.exists()
    assert list(store.clients.read.scan_iter("ts:*")) == []
    assert ask(demo.welcome())[0] == 200
