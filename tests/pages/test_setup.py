"""The setup page: DSNs, lines to paste, and whether events arrive."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from pytest_django import Settings

from projects import services
from projects.dsn import dsn
from projects.models import Project
from tests.ingest.conftest import Sdk
from tests.pages.filled import text_of

pytestmark = pytest.mark.django_db

SETUP = "/o/acme/web/setup/"


def code_of(page: str, name: str) -> str:
    """Return the lines to paste with this id."""
    lines = page.partition(f'<code id="code-{name}">')[2].partition("</code>")[0]
    return lines.replace("&#x27;", "'").replace("&quot;", '"').replace("&lt;", "<").replace("&gt;", ">")


def test_a_viewer_sees_the_dsns_of_active_keys_and_no_secret(viewer: Client, project: Project) -> None:
    used, unused = project.keys.get(), services.create_key(project=project, label="Unused")
    unused.active = False
    services.save_intake(project, unused)
    page = viewer.get(SETUP).content.decode()
    assert dsn(used.public, project.pk) in page
    assert unused.public not in page
    assert used.secret not in page


def test_every_language_has_the_dsn_of_the_chosen_key(viewer: Client, project: Project) -> None:
    first, second = project.keys.get(), services.create_key(project=project, label="Second")
    for path, chosen in ((SETUP, first), (f"{SETUP}?key={second.public}", second), (f"{SETUP}?key=wrong", first)):
        page = viewer.get(path).content.decode()
        for language in ("python", "javascript", "go", "ruby", "php", "java"):
            assert dsn(chosen.public, project.pk) in code_of(page, language)
        assert chosen.public in code_of(page, "curl")


def test_the_snippet_of_the_platform_is_open(viewer: Client, project: Project) -> None:
    for platform, opened in (("go", "go"), ("python-django", "python"), ("node", "javascript"), ("cobol", "python")):
        project.platform = platform
        services.update_project(project=project)
        page = viewer.get(SETUP).content.decode()
        assert f'<details name="sending" id="{opened}" open>' in page
        assert page.count(" open>") == 1


def test_the_curl_line_counts_a_real_event(viewer: Client, sdk: Sdk, client: Client) -> None:
    line = shlex.split(code_of(viewer.get(SETUP).content.decode(), "curl").replace("\\\n", " "))
    assert (line[0], line[2], line[4], line[6]) == ("curl", "-H", "-H", "-d")
    headers = dict(text.split(": ", 1) for text in (line[3], line[5]))
    path = "/" + line[1].split("/", 3)[3]
    answer = client.post(path, line[7], headers.pop("Content-Type"), headers=headers)
    assert answer.status_code == 200, answer.content
    assert "Events arrive. Errors of the last 24 hours: 1 accepted." in text_of(viewer.get(SETUP))


def test_the_line_says_whether_events_arrive(viewer: Client, project: Project, sdk: Sdk) -> None:
    assert "Waiting for the first event." in text_of(viewer.get(SETUP))
    sdk.key.rate_limit_count, sdk.key.rate_limit_window = 0, 60
    services.save_intake(project, sdk.key)
    assert sdk.event().status_code == 429
    assert "none is accepted. Errors of the last 24 hours: 1 rate limited." in text_of(viewer.get(SETUP))

    sdk.key.rate_limit_count = sdk.key.rate_limit_window = None
    services.save_intake(project, sdk.key)
    assert sdk.event().status_code == 200
    assert "Events arrive. Errors of the last 24 hours: 1 accepted, 1 rate limited." in text_of(viewer.get(SETUP))
    with time_machine.travel(datetime.now(UTC) + timedelta(days=3), tick=False):
        assert "Events arrived before, but no error within the last 24 hours." in text_of(viewer.get(SETUP))


def test_without_an_active_key_it_says_what_to_do(viewer: Client, member: Client, project: Project) -> None:
    key = project.keys.get()
    key.active = False
    services.save_intake(project, key)
    assert "Ask a member or an owner" in text_of(viewer.get(SETUP))
    assert '<a href="/o/acme/web/settings/keys/">Enable a key or make one</a>' in member.get(SETUP).content.decode()


def test_grafana_and_prometheus_read_this_address(viewer: Client, project: Project, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://stats.example.com:8443/counts"
    page = viewer.get(SETUP).content.decode()
    grafana, prometheus = code_of(page, "grafana"), code_of(page, "prometheus")
    assert "      url: https://stats.example.com:8443/counts\n      orgSlug: acme\n" in grafana
    assert '      - targets: ["stats.example.com:8443"]\n' in prometheus
    assert "    scheme: https\n    metrics_path: /counts/metrics\n" in prometheus
    assert "org:read" in page
    assert "project:read" in page


def test_only_who_may_write_sees_the_way_to_the_settings(viewer: Client, member: Client, project: Project) -> None:
    way = 'href="/o/acme/web/settings/"'
    assert way not in viewer.get(SETUP).content.decode()
    assert way in member.get(SETUP).content.decode()
