"""The OpenAPI document, and the page that shows it."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from django.test import Client
from django.urls import URLPattern
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from projects.models import Project
from statsapi.api.schema import document
from statsapi.api.urls import urlpatterns
from tests.api.live import OUTCOMES, STATS
from tests.api.stats.test_project import EXAMPLE
from tsdb.outcomes import FILTERS

PATH = "/api/0/projects/{organization_slug}/{project_slug}/"


def test_it_is_valid_openapi(schema: Any) -> None:
    assert schema["openapi"].startswith("3.")
    validate_schema(schema)  # type: ignore[no-untyped-call]


def test_it_is_made_without_a_warning(capfd: pytest.CaptureFixture[str], schema: Any) -> None:
    assert capfd.readouterr().err == ""


def route(pattern: URLPattern) -> str:
    return "/api/0/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern))


def methods(pattern: URLPattern) -> set[str]:
    view = pattern.callback.cls  # type: ignore[attr-defined]
    return {name for name in ("get", "post", "put", "patch", "delete") if hasattr(view, name)}


def test_every_route_and_method_is_in_it_and_nothing_else(schema: Any) -> None:
    described = {
        path: {name for name in operations if name != "parameters"} for path, operations in schema["paths"].items()
    }
    assert described == {route(pattern): methods(pattern) for pattern in urlpatterns if isinstance(pattern, URLPattern)}


def test_every_operation_names_its_errors_and_credentials(schema: Any) -> None:
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation["operationId"], where
            assert {"bearer": []} in operation["security"], where
            assert {"401", "503"} <= operation["responses"].keys(), where
    assert schema["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


def test_a_link_leads_to_an_operation_and_names_its_whole_path(schema: Any) -> None:
    path_of = {
        one["operationId"]: set(re.findall(r"\{(\w+)\}", path))
        for path, operations in schema["paths"].items()
        for one in operations.values()
    }
    links = {
        one["operationId"]: response["links"]
        for operations in schema["paths"].values()
        for one in operations.values()
        for response in one["responses"].values()
        if "links" in response
    }
    assert {"retrieve_project", "create_key", "delete_project"} <= links["create_project"].keys()
    assert {"retrieve_key", "change_key", "delete_key"} <= links["create_key"].keys()
    assert {"retrieve_budget", "change_budget", "delete_budget"} <= links["create_budget"].keys()
    for start, ends in links.items():
        for name, link in ends.items():
            assert name == link["operationId"] != start
            assert link["parameters"].keys() == path_of[name]


def json_of(response: Any) -> Any:
    return response["content"]["application/json"]


def test_the_series_is_a_list_of_a_number_and_an_integer(schema: Any) -> None:
    shape = json_of(schema["paths"][f"{PATH}stats/"]["get"]["responses"]["200"])["schema"]
    validator = jsonschema.Draft202012Validator(shape)
    for good in ([], [[1537308000.0, 459]], [[1537308000.0, 459], [1537311600.5, 0]]):
        assert validator.is_valid(good)
    bads: list[Any] = [{}, [1], [[]], [[1.0]], [[1.0, 1, 1]], [["1", 1]], [[1.0, 1.5]], [[1.0, None]], [[1.0, "1"]]]
    for bad in bads:
        assert not validator.is_valid(bad), bad


def test_its_example_is_the_original_documentations(schema: Any) -> None:
    content = json_of(schema["paths"][f"{PATH}stats/"]["get"]["responses"]["200"])
    [example] = content["examples"].values()
    assert str(example["value"]) == EXAMPLE


def test_the_stats_parameters_are_the_contracts(schema: Any) -> None:
    parameters = {one["name"]: one for one in schema["paths"][f"{PATH}stats/"]["get"]["parameters"]}
    wanted = {"organization_slug", "project_slug", "stat", "since", "until", "resolution", "environment"}
    assert wanted <= parameters.keys()
    assert {name for name, one in parameters.items() if one.get("required")} == {"organization_slug", "project_slug"}
    assert set(parameters["stat"]["schema"]["enum"]) == {"received", "rejected", "blacklisted", "generated", *FILTERS}


@pytest.mark.django_db
def test_an_answer_and_an_error_are_as_it_says(schema: Any, api: Client, project: Project) -> None:
    responses = schema["paths"][f"{PATH}stats/"]["get"]["responses"]
    for query, status in (({}, "200"), ({"stat": "x"}, "400")):
        response = api.get(STATS, query)
        assert str(response.status_code) == status
        jsonschema.validate(response.json(), json_of(responses[status])["schema"])


ROWS = [
    ({"outcome": "accepted"}, True),
    ({"outcome": "filtered", "reason": "cors", "category": "error", "quantity": 3, "timestamp": 1.5}, True),
    (
        {"outcome": "accepted", **dict.fromkeys(["category", "reason", "quantity", "timestamp", "key", "environment"])},
        True,
    ),
    ({"outcome": "accepted", "environment": "☃" * 64}, True),
    ({"outcome": None}, False),
    ({"outcome": "nonsense"}, False),
    ({}, False),
    ({"outcome": "accepted", "quantity": 0}, False),
    ({"outcome": "accepted", "quantity": 10**9 + 1}, False),
    ({"outcome": "accepted", "quantity": 1.5}, False),
    ({"outcome": "accepted", "environment": "x" * 65}, False),
    ({"outcome": "accepted", "environment": ""}, False),
    ({"outcome": "accepted", "environment": "a/b"}, False),
    ({"outcome": "accepted", "environment": "a\nb"}, False),
    ({"outcome": "accepted", "reason": "\x9f"}, False),
    ({"outcome": "accepted", "key": "x"}, False),
    ({"outcome": "accepted", "reason": "x" * 201}, False),
    ({"outcome": "accepted", "stranger": 1}, False),
    ("accepted", False),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("row", "good"), ROWS, ids=lambda value: ascii(value)[:60])
def test_it_allows_the_outcomes_that_the_endpoint_takes(
    schema: Any, api: Client, project: Project, row: Any, good: bool
) -> None:
    shape = json_of(schema["paths"][f"{PATH}outcomes/"]["post"]["requestBody"])["schema"]
    assert jsonschema.Draft202012Validator(shape).is_valid({"outcomes": [row]}) is good
    if row != ROWS[1][0]:  # its timestamp is one of 1970
        response = api.post(OUTCOMES, {"outcomes": [row]}, "application/json")
        assert response.status_code == (201 if good else 400)


# --- how it is served ----------------------------------------------------------------------------------------


def test_it_is_made_once_however_many_ask_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[None] = []
    get_schema = SchemaGenerator.get_schema

    def slowly(self: Any, **options: Any) -> Any:
        made.append(None)
        return get_schema(self, **options)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(SchemaGenerator, "get_schema", slowly)
    monkeypatch.setattr(document, "_made", [])
    with ThreadPoolExecutor(8) as threads:
        bodies = set(threads.map(lambda _: Client().get("/api/schema/").content, range(16)))
    assert len(bodies) == len(made) == 1


def test_a_browser_that_has_it_is_told_that_it_is_still_the_same(client: Client) -> None:
    whole = client.get("/api/schema/")
    assert whole["Content-Length"] == str(len(whole.content))
    for method in (client.get, client.head):
        again = method("/api/schema/", headers={"if-none-match": whole["ETag"]})
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", whole["ETag"])
        assert method("/api/schema/", headers={"if-none-match": '"another"'}).status_code == 200


def test_its_head_is_get_without_the_body(client: Client) -> None:
    whole, head = client.get("/api/schema/"), client.head("/api/schema/")
    assert (head.status_code, head.content, dict(head.items())) == (200, b"", dict(whole.items()))


def test_it_cannot_be_written(client: Client) -> None:
    answer = client.post("/api/schema/")
    assert (answer.status_code, answer["Content-Type"]) == (405, "application/json")


def test_it_is_no_longer_than_it_must_be(client: Client) -> None:
    # It is held in memory for each client that asked and does not read.
    assert len(client.get("/api/schema/").content) < 180_000


# --- the page ------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["OPTIONS", "POST", "TRACE", "ANY"])
def test_the_page_can_only_be_looked_at(client: Client, method: str) -> None:
    assert client.generic(method, "/api/docs/").status_code == 405


@pytest.mark.django_db
def test_the_page_and_all_that_it_loads_come_from_this_service(client: Client) -> None:
    page = client.get("/api/docs/")
    assert page.status_code == 200
    text = page.content.decode() + client.get("/api/docs/", {"script": ""}).content.decode()
    addresses = re.findall(r"""(?:src|href|url)\s*[=:]\s*["']([^"']+)""", text)
    assert any(address.endswith("swagger-ui-bundle.js") for address in addresses)
    assert "/api/schema/" in addresses
    for address in addresses:
        assert re.match(r"/(?!/)", address), address
        answer = client.get(address)
        answer.close()
        assert answer.status_code == 200, address
    assert not re.search(r"https?://", text)
