"""Which addresses lead to intake: with prefixes, doubled slashes and no last slash, and never a page or the API."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projects.models import ProjectKey
from statsapi.ingest.addresses import ENDPOINTS, LONGEST_PATH, endpoint_of
from tests.asgi import Client
from tests.docs.product import routes
from tests.ingest.conftest import Sdk, envelope

Total = Callable[..., int]
HOST = "http://testserver"  # a path that begins with two slashes would be taken for a host
EVENT = ({"type": "event"}, b"{}")


def name_at(path: str) -> str | None:
    found = endpoint_of(path)
    return found[0].name if found else None


@pytest.mark.parametrize("address", [address for address in ENDPOINTS if address.startswith("/api/")])
@pytest.mark.parametrize("form", ["{}", "{}/", "/{}", "//some/path{}", "/some/path/{}", "/api/0x/some{}//"])
def test_each_endpoint_is_found_in_each_form_of_its_address(address: str, form: str) -> None:
    path = form.format(address.rstrip("/").replace("{project_id}", "7").replace("{", "").replace("}", ""))
    found = endpoint_of(path)
    assert found
    assert found[0] is ENDPOINTS[address]
    assert found[1].get("project_id", "7") == "7"


@pytest.mark.parametrize(
    "path",
    [
        "/api/7/envelope",
        "/api/7//envelope/",
        "/api//7/envelope//",
        "//api/7/envelope/",
        "/some/path/api/7/envelope",
        "/some//path//api/7/envelope/",
        "/api/some/api/7/envelope/",
        "/7/api/7/envelope/",
    ],
)
def test_an_event_is_counted_wherever_the_proxy_left_it(key: ProjectKey, total: Total, path: str) -> None:
    auth = f"Sentry sentry_key={key.public}, sentry_version=7"
    path = path.replace("/7", f"/{key.project_id}")
    response = Client().post(HOST + path, envelope(EVENT), content_type="text/plain", headers={"x-sentry-auth": auth})
    assert response.status_code == 200
    assert total() == 1


def test_a_preflight_of_an_address_with_a_prefix_is_answered(client: Client) -> None:
    response = client.options("/some/path/api/7/envelope/", headers={"origin": "https://shop.example"})
    assert (response.status_code, response["Access-Control-Allow-Origin"]) == (200, "*")


@pytest.mark.parametrize("path", ["/api/web/envelope/", "/api/web/envelope", "//api/web//envelope/"])
def test_a_project_that_is_no_number_is_told_so(sdk: Sdk, path: str) -> None:
    response = sdk.http.post(HOST + path, b"", content_type="text/plain")
    assert (response.status_code, response.json()["detail"]) == (400, "bad project path parameter")


def test_the_loader_has_no_prefix() -> None:
    assert name_at("/js-sdk-loader/0123.min.js") == "js-sdk-loader"
    assert name_at("/some/js-sdk-loader/0123.min.js") is None
    assert name_at("/js-sdk-loader/") is None


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/",
        "/api//envelope/",
        "/api/7/",
        "/api/7/nothing/",
        "/api/7/envelope/more/",
        "/some/api/web/envelope/",  # the API of somebody else
        "/some/api/٧/envelope/",
        "/someapi/7/envelope/",
        "/api/0/projects/acme/api/7/store/",
        "//api/0/projects/acme/api/7/store/",
        "/admin/api/7/store/",
        "/" + "x" * LONGEST_PATH + "/api/7/envelope/",
    ],
)
def test_other_addresses_are_not_of_intake(path: str) -> None:
    assert name_at(path) is None


@pytest.mark.django_db
def test_no_page_and_no_address_of_the_api_is_taken_for_one_of_intake() -> None:
    words = ("api", "7", "store", "envelope", "1")
    of_django = [route for route in routes() if route not in ENDPOINTS]
    assert len(of_django) > 50
    for route in of_django:
        head, *rest = route.split("{")
        for first in words:
            for others in words:
                path = head + "".join(
                    (others if number else first) + part.partition("}")[2] for number, part in enumerate(rest)
                )
                assert {name_at(path), name_at(path.rstrip("/"))} == {None}, path


@given(st.text("/api07.\0é") | st.lists(st.sampled_from(["api", "7", "", "envelope", "store", "cron"])).map("/".join))
def test_any_path_has_an_endpoint_or_none(path: str) -> None:
    found = endpoint_of(f"/{path}")
    assert found is None or found[0] in ENDPOINTS.values()
