"""The client that openapi-python-client generates from the OpenAPI document."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.live import IntakeService
from tests.clients.programs import SCENARIOS
from tests.clients.wheels import Python

pytestmark = pytest.mark.once


def test_it_reads_makes_and_is_refused_as_the_document_says(
    service: IntakeService, python_of: Callable[[str], Python], tmp_path: Path
) -> None:
    python = python_of("openapi-python-client")
    schema = tmp_path / "schema.json"
    schema.write_bytes(service.ask("GET", "/api/schema/").body)
    folder, settings = tmp_path / "generated_client", tmp_path / "settings.yml"
    settings.write_text("post_hooks: []\n")  # it would make the code pretty
    options = ["--meta", "none", "--output-path", str(folder), "--config", str(settings), "--fail-on-warning"]
    python("-m", "openapi_python_client", "generate", "--path", str(schema), *options)

    url = f"http://127.0.0.1:{service.port}"
    program = shutil.copy(SCENARIOS / "use_generated_client.py", tmp_path)  # it imports what lies beside it
    said = python(program, url, service.token, "generated")
    assert json.loads(said) == {
        "organizations": ["acme"],
        "listed": True,
        "made": ["generated", "acme", "python"],
        "limits": [None, 7],
        "counted": 6,
        "received": [6, True],
        "of_key": [5, 5],
        "outcomes": {"accepted": 5, "filtered": 1},
        "taken": [409, "A project with this slug already exists."],
        "nameless": [400, ["name"]],
        "absent": [404, "The requested resource does not exist"],
        "unknown": [401, "Invalid token"],
        "wrong": [400, "Invalid resolution"],
        "gone": 204,
    }
