from __future__ import annotations

import pytest

from statsapi.http.errors import BodyLimit, RequestError

pytestmark = pytest.mark.once


def test_bad_data_has_a_list_of_causes_and_a_refused_credential_if_there_are_some() -> None:
    assert RequestError(400, "invalid event id", ["why"]).body() == {"detail": "invalid event id", "causes": ["why"]}
    assert RequestError(400, "empty request body").body() == {"detail": "empty request body", "causes": []}
    assert RequestError(401, "no").body() == {"detail": "no"}
    assert RequestError(403, "no", ["why"]).body() == {"detail": "no", "causes": ["why"]}


def test_a_limit_names_its_number_and_its_setting() -> None:
    error = BodyLimit("SOME_SETTING", 42).exceeded("the thing", "items")
    assert error.status == 413
    assert error.detail == "the thing exceeds the limit of 42 items (setting SOME_SETTING)"
