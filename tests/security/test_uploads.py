"""No form takes a file, and one that is sent all the same is kept nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

pytestmark = pytest.mark.django_db


def test_a_large_file_for_the_login_page_does_not_reach_the_disk(settings: LazySettings, tmp_path: Path) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "missing")  # whoever writes there fails
    client = Client(enforce_csrf_checks=True)
    client.cookies["csrftoken"] = "a" * 32
    answer = client.post("/admin/login/", {"file": SimpleUploadedFile("large", b"\0" * 5_000_000)})
    assert answer.status_code == 403
