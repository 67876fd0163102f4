"""Query parameters: an endpoint reads those that the OpenAPI document has, and accepts the forms that it allows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from projects.models import Organization, Project
from statsapi.api.parameters import Parameter, Texts
from statsapi.api.stats.query import PERIOD, RESOLUTION, parse_period
from tests.api.schema.operations import answer_to, set_up
from tests.servers import ROOT
from tsdb.rollups import parse_length


def test_an_endpoint_reads_the_parameters_that_it_declares(
    schema: Any, monkeypatch: pytest.MonkeyPatch, organization: Organization, project: Project, api: Client
) -> None:
    read: set[str] = set()
    text, texts = Parameter.text, Texts.texts

    def reading(self: Parameter, query: Mapping[str, str]) -> str | None:
        read.add(self.name)
        return text(self, query)

    def reading_a_list(self: Texts, query: QueryDict) -> list[str]:
        read.add(self.name)
        return texts(self, query)

    set_up(organization, project, api)
    monkeypatch.setattr(Parameter, "text", reading)
    monkeypatch.setattr(Texts, "texts", reading_a_list)
    for path, operations in schema["paths"].items():
        described = operations.get("get")
        if described:
            read.clear()
            assert answer_to(described["operationId"], "get", api).status_code == 200, path
            assert read == {one["name"] for one in described.get("parameters", ()) if one["in"] == "query"}, path


LENGTHS = st.from_regex(r"\A[0-9]{1,10}[smhdwy]?\Z")


@given(LENGTHS)
def test_a_period_is_read_if_the_schema_allows_it(text: str) -> None:
    assert (PERIOD.form.fullmatch(text) is not None) == (parse_period(text) is not None)


@given(LENGTHS)
def test_a_resolution_may_be_one_if_the_schema_allows_it(text: str) -> None:
    assert (RESOLUTION.form.fullmatch(text) is not None) == bool(parse_length(text))


def test_no_view_reads_a_parameter_by_its_name() -> None:
    by_name = re.compile(r"(query_params|parameters|query)(\.get(list)?\(|\[)")
    files = [file for file in (ROOT / "statsapi" / "api").rglob("*.py") if file.name != "parameters.py"]
    assert len(files) > 20
    assert not [file for file in files if by_name.search(file.read_text(encoding="utf-8"))]
