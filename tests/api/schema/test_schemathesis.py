"""schemathesis against a real server.

It sends what the schema allows, which must be accepted, and what the schema forbids, which must be refused. Answers
must be as the schema says. All checks of schemathesis are on. It sends examples that cover the schema, random ones, and
sequences of requests that follow the schema's links.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.urls import resolve
from prometheus_client.parser import text_string_to_metric_families

from tests.api.live import LiveServer, start_live_server

pytestmark = pytest.mark.once

EXAMPLES = 20
SEQUENCES = 60
METRICS_TOKEN = "let-me-see"

HOOKS = Path(__file__).with_name("schemathesis_hooks.py")

COMMON = f"""
hooks = "{HOOKS}"

[dictionaries]
organizations.values = ["acme", "1"]
projects.values = ["web", "1"]
keys.values = ["{"a" * 32}"]
members.values = ["1"]
budgets.values = ["1"]
changed.values = ["changed", "2"]

# A renamed project is answered with 302 or 308 before the query or body is checked. The others are the defaults.
[checks]
negative_data_rejection.expected-statuses = [
    "302", "308", "400", "401", "403", "404", "405", "406", "409", "415", "422", "428", "429", "5xx"
]

# A schema cannot say that start must be before end, how many points a range may have, that a timestamp must still be
# retained, that a project must exist, what an address and a switch are, or which windows a resolution makes up. So what
# it allows may be refused with 400 here.
[[operations]]
include-operation-id = [
    "retrieve_project_event_counts", "retrieve_organization_event_counts", "retrieve_key_event_counts",
    "retrieve_team_event_counts", "retrieve_outcomes", "summarize_outcomes", "count_outcomes", "merge_project",
    "change_project", "change_filter", "create_budget", "change_budget",
]
checks.positive_data_acceptance.expected-statuses = ["2xx", "3xx", "400", "401", "403", "404", "409", "429", "5xx"]

# Mostly objects that exist, or else nearly every answer would be 404.
[parameters]
"path.organization_slug" = {{ dictionary = "organizations", probability = 0.9 }}
"path.team_slug" = {{ dictionary = "organizations", probability = 0.9 }}
"path.member_id" = {{ dictionary = "members", probability = 0.9 }}
"""

SINGLE = f"""{COMMON}
"path.project_slug" = {{ dictionary = "projects", probability = 0.9 }}
"path.public_key" = {{ dictionary = "keys", probability = 0.9 }}
"path.budget_id" = {{ dictionary = "budgets", probability = 0.9 }}

# What is changed, emptied or deleted must be other objects than those that all other operations ask for.
[[operations]]
include-operation-id = "change_project"
parameters = {{ "path.project_slug" = "2" }}

[[operations]]
include-operation-id = "change_key"
parameters = {{ "path.project_slug" = "2", "path.public_key" = "{"b" * 32}" }}

[[operations]]
include-operation-id = "delete_key"
parameters = {{ "path.project_slug" = "2", "path.public_key" = "{"c" * 32}" }}

[[operations]]
include-operation-id = "change_budget"
parameters = {{ "path.project_slug" = "2", "path.budget_id" = "2" }}

[[operations]]
include-operation-id = "delete_budget"
parameters = {{ "path.project_slug" = "2", "path.budget_id" = "3" }}

[[operations]]
include-operation-id = "merge_project"
parameters = {{ "path.project_slug" = "3", "body.into" = {{ dictionary = "changed", probability = 0.5 }} }}

[[operations]]
include-operation-id = "delete_project"
parameters = {{ "path.project_slug" = "4" }}
"""

LINKED = f"""{COMMON}
# Only the links that the schema has, without guesses from names.
[phases.stateful]
max-steps = 20
inference.algorithms = []
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    server = start_live_server("granian", tmp_path_factory.mktemp("schemathesis"), METRICS_TOKEN=METRICS_TOKEN)
    for name in ("changed", "merged", "deleted"):
        assert _post(server, "/api/0/organizations/acme/projects/", name=name).status == 201
    for project, digit in (("web", "a"), ("changed", "b"), ("changed", "c")):
        assert _post(server, f"/api/0/projects/acme/{project}/keys/", public=digit * 32).status == 201
    for project, window in (("web", "5m"), ("changed", "5m"), ("changed", "month")):
        assert _post(server, f"/api/0/projects/acme/{project}/budgets/", limit=1000, window=window).status == 201
    yield server
    server.stop()


def test_it_finds_nothing_with_every_check_on(server: LiveServer, tmp_path: Path) -> None:
    described = server.request("GET", "/api/schema/").json()
    output = _run(server, tmp_path, SINGLE, "--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES))
    tried = {(path, method.upper()) for path, methods in described["paths"].items() for method in methods}
    assert f"Tested: {len(tried)}\n" in output, output
    # Without this a service that refuses everything would pass.
    assert _named(tried) <= _answered_well(server), _named(tried) - _answered_well(server)


def test_it_finds_nothing_in_sequences_of_requests(server: LiveServer, tmp_path: Path) -> None:
    followed = _followed(_sequences(server, tmp_path))
    # Without this a run in which nothing was done would pass.
    assert len(followed) >= 15, followed
    of_a_new_project = {end for start, end in followed if start in ("create_project", "create_team_project")}
    assert {"retrieve_project", "create_key", "delete_project"} <= of_a_new_project, followed
    of_a_new_part = {end for start, end in followed if start in ("create_key", "create_budget")}
    assert {f"{verb}_{part}" for verb in ("retrieve", "change", "delete") for part in ("key", "budget")} & of_a_new_part


def test_it_finds_nothing_in_sequences_that_only_read(server: LiveServer, tmp_path: Path) -> None:
    """Where something can be made, sequences begin with that, and seldom come to what only reads."""
    report = _sequences(server, tmp_path, "--include-method", "GET")
    schema = json.loads(report.with_name("schema.json").read_text())
    reads = {one["get"]["operationId"]: one["get"] for one in schema["paths"].values() if "get" in one}
    linked = reads["retrieve_organization"]["responses"]["200"]["links"].keys() & reads.keys()
    assert len(linked) >= 5
    # Some are refused because of their parameters, if nothing good is found by chance.
    assert linked == {end for start, end in _followed(report, below=500) if start == "retrieve_organization"}
    assert len(_followed(report)) >= 3


def _run(server: LiveServer, folder: Path, configuration: str, *options: str) -> str:
    """Run schemathesis, which must find nothing, and return what it prints."""
    schema = folder / "schema.json"
    schema.write_text(json.dumps(_without_prefix_items(server.request("GET", "/api/schema/").json())))
    (folder / "schemathesis.toml").write_text(configuration)
    done = subprocess.run(
        [
            *(Path(sys.executable).with_name("st"), "--config-file", folder / "schemathesis.toml", "run", schema),
            *("--url", f"http://127.0.0.1:{server.port}", "--header", f"Authorization: Bearer {server.token}"),
            *("--checks", "all", "--generation-deterministic"),
            *("--no-color", "--continue-on-failure", "--warnings", "off", *options),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _sequences(server: LiveServer, folder: Path, *options: str) -> Path:
    """Send sequences of requests that follow the schema's links, and return the report."""
    report = folder / "report.ndjson"
    phases = ["--phases", "stateful", "--mode", "positive", "--max-examples", str(SEQUENCES)]
    _run(server, folder, LINKED, *phases, "--report-ndjson-path", str(report), *options)
    return report


def _followed(report: Path, below: int = 300) -> set[tuple[str, str]]:
    """Return the ids of the operations at the start and at the end of each link with an answer below this status."""
    schema = json.loads(report.with_name("schema.json").read_text())
    names = {
        f"{method.upper()} {path}": one["operationId"]
        for path, methods in schema["paths"].items()
        for method, one in methods.items()
    }
    return {(names[start], names[end]) for start, end in _links(report, below)}


def _links(report: Path, below: int) -> Iterator[tuple[str, str]]:
    """Yield the start and the end, as method and path, of each link that was followed to such an answer."""
    for line in report.read_text().splitlines():
        recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
        for number, case in recorder.get("cases", {}).items():
            link = case.get("transition")
            if link and case["is_transition_applied"]:
                response = recorder["interactions"][number].get("response")
                if response and response["status_code"] < below:
                    start, _, end = link["id"].split(" -> ")
                    yield start, end


def _named(operations: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return the names of the routes instead of their paths, with the methods."""
    return {(resolve(re.sub(r"\{\w+\}", "x", path)).view_name, method) for path, method in operations}


def _answered_well(server: LiveServer) -> set[tuple[str, str]]:
    """Return the routes and methods that were answered with success at least once, according to the metrics."""
    text = server.request("GET", "/metrics", authorization=f"Bearer {METRICS_TOKEN}").body.decode()
    return {
        (sample.labels["view"], sample.labels["method"])
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "statsapi_requests_total" and sample.labels["status"].startswith("2")
    }


def _post(server: LiveServer, path: str, **body: Any) -> Any:
    return server.request("POST", path, json.dumps(body).encode())


def _without_prefix_items(part: Any) -> Any:
    """Return the document without `prefixItems`.

    schemathesis 4.32.5 rewrites them as the older list of `items`, and then refuses what it wrote.
    """
    if isinstance(part, dict):
        return {name: _without_prefix_items(inner) for name, inner in part.items() if name != "prefixItems"}
    return [_without_prefix_items(inner) for inner in part] if isinstance(part, list) else part
