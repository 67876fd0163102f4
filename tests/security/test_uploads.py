"""No form takes a file, and a file that is sent is kept nowhere."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def test_a_large_file_for_the_login_page_does_not_reach_the_disk(settings: LazySettings, tmp_path: Path) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "missing")  # writing there fails
    client = Client(enforce_csrf_checks=True)
    client.cookies["csrftoken"] = "a" * 32
    answer = client.post("/admin/login/", {"file": SimpleUploadedFile("large", b"\0" * 5_000_000)})
    assert answer.status_code == 413


@pytest.mark.parametrize("session", ["", "no-session-of-anybody"])
def test_a_long_form_of_who_is_not_signed_in_is_refused_before_it_is_parsed(session: str) -> None:
    """Two megabytes of escapes took 140 MB (docs/reliability.md#work-before-limits)."""
    client = Client(enforce_csrf_checks=True)
    client.cookies["csrftoken"] = "a" * 32
    client.cookies["sessionid"] = session
    form = b"username=" + b"%41" * 600_000
    needed = []
    for _ in range(5):  # now and then Python collects its garbage meanwhile, which takes longer
        began = time.thread_time()
        answer = client.post("/admin/login/", form, content_type="application/x-www-form-urlencoded")
        needed.append(time.thread_time() - began)
        assert answer.status_code == 413
        assert vars(answer.wsgi_request)["_read_started"] is False
    assert min(needed) < 0.05, needed


def test_who_is_signed_in_may_send_a_long_form(admin_client: Client) -> None:
    assert admin_client.post("/admin/projects/organization/add/", {"name": "x" * 20_000}).status_code == 200


def test_a_form_of_usual_length_signs_in(admin_user: User) -> None:
    form = {"username": admin_user.username, "password": "password", "next": "/admin/"}
    assert Client().post("/admin/login/", form).status_code == 302


@pytest.mark.django_db
def test_a_long_form_of_anybody_but_an_operator_in_the_admin_is_refused_unread(
    owner: User, admin_client: Client
) -> None:
    client = Client()
    client.force_login(owner)
    form = "a=" + "%f0" * 100_000
    kind = "application/x-www-form-urlencoded"
    assert client.post("/theme/", form, kind).status_code == 413
    assert client.post("/theme/", form[: 200 * 1024], kind).status_code == 302
    assert admin_client.post("/theme/", form, kind).status_code == 413
    assert admin_client.post("/admin/projects/project/add/", form, kind).status_code == 200
