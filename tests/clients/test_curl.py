"""What curl sends as crash reporters and jobs do, with the bytes that it makes by itself."""

from __future__ import annotations

import subprocess
import uuid
from pathlib import Path

import pytest

from tests.clients.live import IntakeService, Sender, event

pytestmark = pytest.mark.once

EVENT_ID = "fc6d8c0c43fc4630ad850ee518f1b9d0"


def curl(service: IntakeService, path: str, *arguments: str) -> str:
    url = f"http://127.0.0.1:{service.port}{path}"
    command = ["curl", "-sS", "--path-as-is", "-w", " %{http_code}", *arguments, url]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


@pytest.mark.parametrize("prefix", ["", "/", "/some/path"])
def test_a_minidump_with_a_log_beside_it(service: IntakeService, tmp_path: Path, prefix: str) -> None:
    sender = service.new_sender()
    (tmp_path / "crash.dmp").write_bytes(b"MDMP" + bytes(5_000_000))
    (tmp_path / "app.log").write_bytes(b"a line\n" * 1000)
    files = [f"upload_file_minidump=@{tmp_path / 'crash.dmp'}", f"log=@{tmp_path / 'app.log'}"]
    fields = [word for one in (*files, "sentry[release]=1.0", f"sentry[event_id]={EVENT_ID}") for word in ("-F", one)]
    said = curl(service, f"{prefix}/api/{sender.project}/minidump/?sentry_key={sender.public}", *fields)
    assert said == f"{uuid.UUID(EVENT_ID)} 200"
    assert service.facts(sender) == {
        ("error", "accepted", "none"): 1,
        ("attachment", "accepted", "none"): 7000,
        ("attachment_item", "accepted", "none"): 1,
    }


def test_a_minidump_by_itself(service: IntakeService, sender: Sender, tmp_path: Path) -> None:
    (tmp_path / "crash.dmp").write_bytes(b"MDMP" + bytes(3_000_000))
    path = f"/api/{sender.project}/minidump?sentry_key={sender.public}"
    said = curl(
        service, path, "--data-binary", f"@{tmp_path / 'crash.dmp'}", "-H", "Content-Type: application/octet-stream"
    )
    assert said.endswith(" 200")
    assert service.facts(sender) == {("error", "accepted", "none"): 1}


def test_a_check_in_of_a_job(service: IntakeService, sender: Sender) -> None:
    path = f"/api/{sender.project}/cron/nightly/{sender.public}/"
    assert curl(service, f"{path}?status=in_progress") == "{} 202"
    assert curl(service, f"{path}?status=ok", "-d", '{"monitor_config": {}}') == "{} 202"
    assert curl(service, path).endswith(" 400")
    assert service.facts(sender) == {("monitor", "accepted", "none"): 2, ("error", "invalid", "invalid"): 1}


def test_logs_and_spans_of_opentelemetry(service: IntakeService, sender: Sender) -> None:
    path = f"/api/{sender.project}/integration/otlp/v1"
    auth = ["-H", f"x-sentry-auth: sentry sentry_key={sender.public}"]
    logs = '{"resourceLogs": [{"scopeLogs": [{"logRecords": [{}, {}]}]}]}'
    assert curl(service, f"{path}/logs", *auth, "-H", "Content-Type: application/json", "-d", logs) == "{} 200"
    assert curl(service, f"{path}/traces", *auth, "-H", "Content-Type: application/x-protobuf", "-d", "") == " 200"
    assert service.facts(sender) == {("log_item", "accepted", "none"): 2}


@pytest.mark.parametrize(
    ("path", "header"),
    [
        ("/api/{project}/envelope", "{auth}"),
        ("//api//{project}//envelope//", "{auth}"),
        ("/some/path/api/{project}/envelope/", "{auth}"),
        ("/api/{project}/store", "{auth}"),  # with the Content-Type of an envelope
        ("/api/store/", "{auth}"),
        ("/api/{project}/envelope/?sentry_key={key}", ""),
        ("/api/{project}/envelope/", "Sentry sentry_version=2.0, sentry_key={key}"),
        ("/api/{project}/envelope/", "Sentry sentry_client=raven-node, something/1.0,sentry_key={key}"),
    ],
)
def test_an_event_by_an_odd_address_or_with_odd_credentials(
    service: IntakeService, tmp_path: Path, path: str, header: str
) -> None:
    sender = service.new_sender()
    (tmp_path / "body").write_bytes(event(EVENT_ID))
    words = {"project": sender.project, "key": sender.public, "auth": sender.auth}
    auth = header.format(**words)
    kind = "Content-Type: application/x-sentry-envelope"
    sent = ["-H", f"X-Sentry-Auth: {auth}" if auth else "X-Sentry-Auth;", "-H", kind]
    said = curl(service, path.format(**words), *sent, "--data-binary", f"@{tmp_path / 'body'}")
    assert said == f'{{"id": "{EVENT_ID}"}} 200'
    assert service.facts(sender) == {("error", "accepted", "none"): 1}


def test_what_is_wrong_with_a_key_is_said(service: IntakeService, sender: Sender) -> None:
    other = service.new_sender()
    for key, cause in (("0" * 32, "unknown key: "), (other.public, "key of another project: ")):
        for project in (sender.project, 999_999):
            said = curl(service, f"/api/{project}/envelope/?sentry_key={key}", "-d", "{}")
            assert "with_reason: ProjectId" in said
            assert f'"causes": ["{cause}' in said
            assert said.endswith(" 403")
