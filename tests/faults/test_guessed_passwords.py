"""Guessed passwords: after ten wrong ones for a name from one address, the name is locked there for a while.

See docs/reliability.md#guessed-passwords.
"""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from typing import Any

import pytest
import requests
import time_machine
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from statsapi.sign_in.passwords import MOST, MOST_FROM_ONE
from tests.faults.stage import Stage
from tests.servers import wait_for

PASSWORD = "a long one for tests"
WRONG = "Xq7-never-to-be-kept"
MINUTES = 60


@pytest.fixture(autouse=True)
def _quick_hash(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def operator(db: None) -> User:
    return User.objects.create_superuser("boss", password=PASSWORD)


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list to which each password that is hashed for a comparison is added."""
    from django.contrib.auth.hashers import MD5PasswordHasher

    found: list[str] = []
    encode = MD5PasswordHasher.encode

    def note(self: Any, password: str, salt: Any) -> Any:
        found.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", note)
    return found


def sign_in(password: str, name: str = "boss", address: str = "192.0.2.1", **more: Any) -> Any:
    form = {"username": name, "password": password, "next": "/admin/"}
    return Client().post("/admin/login/", form, REMOTE_ADDR=address, **more)


def guess(times: int, **more: Any) -> list[int]:
    return [sign_in(WRONG, **more).status_code for _ in range(times)]


def test_the_tenth_wrong_password_locks_and_then_the_right_one_is_refused_too(operator: User) -> None:
    assert guess(10) == [200] * 9 + [429]
    answer = sign_in(PASSWORD)
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 15 * MINUTES
    assert "Too many wrong passwords" in answer.content.decode()
    assert "sessionid" not in answer.cookies


def test_a_locked_name_costs_no_hash(operator: User, hashed: list[str]) -> None:
    guess(10)
    assert hashed.count(WRONG) == 10
    guess(5)
    assert hashed.count(WRONG) == 10


def test_after_fifteen_minutes_the_right_one_works_however_often_it_was_tried_meanwhile(operator: User) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        guess(10)
        for _ in range(3):
            clock.shift(timedelta(minutes=4))
            answer = sign_in(PASSWORD)
            assert answer.status_code == 429
        assert answer["Retry-After"] == str(3 * MINUTES)
        clock.shift(timedelta(minutes=3, seconds=1))
        assert sign_in(PASSWORD).status_code == 302


def test_another_name_and_another_address_are_not_locked(operator: User) -> None:
    User.objects.create_superuser("deputy", password=PASSWORD)
    guess(10)
    assert sign_in(PASSWORD, name="deputy").status_code == 302
    assert sign_in(PASSWORD, address="192.0.2.2").status_code == 302
    assert sign_in(PASSWORD).status_code == 429


def test_a_right_password_forgets_the_wrong_ones_before_it(operator: User) -> None:
    assert guess(9) == [200] * 9
    assert sign_in(PASSWORD).status_code == 302
    assert guess(9) == [200] * 9


def test_a_new_browser_or_a_new_address_of_ones_own_network_does_not_begin_anew(operator: User) -> None:
    for place in range(5):
        guess(1, address=f"2001:db8::{place}", HTTP_USER_AGENT=f"browser {place}\0")
        guess(1, address=f"2001:db8:0:0:{place}::", HTTP_ACCEPT="x" * 5000)
    assert sign_in(PASSWORD, address="2001:db8::ffff").status_code == 429
    assert sign_in(PASSWORD, address="2001:db8:0:1::").status_code == 302
    assert AccessAttempt.objects.filter(ip_address="2001:db8::").count() == 1


@pytest.mark.parametrize("trusts", [False, True])
def test_the_header_of_a_proxy_counts_behind_a_proxy_alone(operator: User, settings: Any, trusts: bool) -> None:
    settings.TRUST_PROXY = trusts
    for place in range(10):
        guess(1, HTTP_X_FORWARDED_FOR=f"198.51.100.{place}, 203.0.113.9" if trusts else f"198.51.100.{place}")
    assert sign_in(PASSWORD, HTTP_X_FORWARDED_FOR="203.0.113.9").status_code == 429
    assert sign_in(PASSWORD, HTTP_X_FORWARDED_FOR="203.0.113.10").status_code == (302 if trusts else 429)


def test_a_proxy_may_write_the_port_too(operator: User, settings: Any) -> None:
    settings.TRUST_PROXY = True
    for port in range(5):
        guess(1, HTTP_X_FORWARDED_FOR=f"203.0.113.9:{port}")
        guess(1, HTTP_X_FORWARDED_FOR=f"[::ffff:203.0.113.9]:{port}")
    assert sign_in(PASSWORD, HTTP_X_FORWARDED_FOR="203.0.113.9").status_code == 429
    assert sign_in(PASSWORD, HTTP_X_FORWARDED_FOR="203.0.113.10:1").status_code == 302
    guess(10, HTTP_X_FORWARDED_FOR="[2001:db8::1]:4711")
    assert sign_in(PASSWORD, HTTP_X_FORWARDED_FOR="2001:db8::2").status_code == 429


@pytest.mark.parametrize("address", ["", "a\0b", "x" * 10_000])
def test_an_address_that_is_none_is_counted_all_the_same(operator: User, settings: Any, address: str) -> None:
    settings.TRUST_PROXY = True
    assert guess(10, HTTP_X_FORWARDED_FOR=f"{address}\x01")[-1] == 429


@pytest.mark.parametrize("name", ["a\0b", "x" * 10_000, "\ud800", "☃" * 150, ""])
def test_no_name_is_an_error_of_the_service(operator: User, name: str) -> None:
    assert set(guess(11, name=name.encode("utf-8", "surrogatepass").decode("latin1"))) <= {200, 429}


def test_rows_that_are_over_go_and_a_row_holds_nothing_that_was_sent_but_the_name(operator: User) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for place in range(20):
            guess(1, name=f"name-{place}")
        assert AccessAttempt.objects.count() == 20
        clock.shift(timedelta(minutes=16))
        guess(1, name="last", HTTP_USER_AGENT="made up", QUERY_STRING="x=made-up")
    [row] = AccessAttempt.objects.values()
    assert (row["username"], row["user_agent"], row["get_data"], row["post_data"]) == ("last", "", "", "")


def test_a_wrong_password_stands_in_no_log_and_no_table(operator: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    guess(11)
    guess(11, name=WRONG.lower())  # typed into the wrong field
    assert "too many wrong passwords" in caplog.text
    said = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("django.db"))
    assert WRONG.lower() not in said.lower()
    assert WRONG not in str(list(AccessAttempt.objects.values()))


def test_an_operator_unlocks_a_name(operator: User, capsys: pytest.CaptureFixture[str]) -> None:
    guess(10)
    call_command("axes_reset_username", "boss")
    assert sign_in(PASSWORD).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_wrong_passwords_at_the_same_time_are_all_counted() -> None:
    User.objects.create_superuser("boss", password=PASSWORD)
    start = threading.Barrier(4)

    def two() -> None:
        start.wait()
        guess(2)
        connection.close()

    threads = [threading.Thread(target=two) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert AccessAttempt.objects.get().failures_since_start == 8
    assert guess(2) == [200, 429]


@pytest.mark.django_db(transaction=True)
def test_one_password_is_hashed_at_a_time_and_few_wait_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    User.objects.create_superuser("boss", password=PASSWORD)
    go_on = threading.Event()
    hashing: list[str] = []
    check = User.check_password

    def slowly(self: User, password: str) -> bool:
        hashing.append(password)
        assert go_on.wait(90)  # longer than the two waits below
        return check(self, password)

    monkeypatch.setattr(User, "check_password", slowly)
    statuses: list[int] = []

    def one(address: str) -> None:
        statuses.extend(guess(1, address=address))
        connection.close()

    def start(address: str) -> threading.Thread:
        thread = threading.Thread(target=one, args=[address])
        thread.start()
        return thread

    guessing = [start("192.0.2.1") for _ in range(MOST_FROM_ONE + 10)]
    wait_for(lambda: statuses == [503] * 10, "the answers to those who were too many")
    guessing += [start(f"198.51.100.{place}") for place in range(MOST)]
    wait_for(lambda: statuses == [503] * (10 + MOST_FROM_ONE), "the same of other addresses")
    assert hashing == [WRONG]
    assert Client().get("/admin/login/").status_code == 200
    go_on.set()
    for thread in guessing:
        thread.join()
    assert (statuses.count(200), len(hashing)) == (MOST, MOST)
    assert sign_in(PASSWORD).status_code == 302


def test_people_sign_in_and_are_locked_out_while_redis_is_down(stage: Stage) -> None:
    stage.service.run(f"""
from django.contrib.auth.models import User
from axes.models import AccessAttempt
User.objects.filter(username="boss").delete()
User.objects.create_superuser("boss", password={PASSWORD!r})
AccessAttempt.objects.create(username="guessed", ip_address="127.0.0.1", failures_since_start=8)
""")
    stage.redis.stop()
    login = f"http://127.0.0.1:{stage.service.port}/admin/login/"
    with requests.Session() as browser:
        browser.get(login)
        form = {"csrfmiddlewaretoken": browser.cookies["csrftoken"], "next": "/admin/"}

        def post(name: str, password: str) -> int:
            data = {**form, "username": name, "password": password}
            with requests.post(login, data, cookies=browser.cookies, allow_redirects=False, timeout=20) as answer:
                return answer.status_code

        assert post("boss", PASSWORD) == 302
        assert [post("guessed", WRONG) for _ in range(3)] == [200, 429, 429]
