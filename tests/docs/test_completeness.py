"""The documentation names everything that the product has. Each failure says what to write down, and where.

tests/test_settings.py compares the settings with docs/settings.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import pytest
from django.test import Client

from projects.models import SCOPES, Membership
from statsapi.operations.health import PROMISES
from tests.docs import product
from tests.docs.markdown import code, code_spans, section, table_rows
from tests.docs.pages import documentation
from tsdb.outcomes import CATEGORY_NAMES, FILTERS, REASONS, STATS, Category, Outcome

pytestmark = pytest.mark.once


def part(page: str, anchor: str) -> str:
    return section(documentation()[page], anchor)


def first_column(page: str, anchor: str) -> list[str]:
    """Return the code spans in the first column of the section's tables."""
    return [span for row in table_rows(part(page, anchor)) for span in code_spans(row[0])]


def expect_named(what: str, names: Iterable[str], known: Iterable[str], where: str) -> None:
    """Fail with one line for each name that is not documented where it should be."""
    missing = sorted(set(names) - set(known))
    if missing:
        pytest.fail("\n".join(f"{where}: write down the {what} `{name}`" for name in missing), pytrace=False)


def expect_same(what: str, names: Iterable[str], known: Iterable[str], where: str) -> None:
    """Fail where something is not documented, and where something is that does not exist."""
    expect_named(what, names, known, where)
    gone = sorted(set(known) - set(names))
    if gone:
        pytest.fail("\n".join(f"{where}: there is no {what} `{name}` any more" for name in gone), pytrace=False)


@pytest.mark.django_db
def test_every_address_is_documented_with_its_methods() -> None:
    known = [
        f"{', '.join(sorted(product.ANY) if row[1] == 'any' else sorted(row[1].split(', ')))} {address}"
        for row in table_rows(part("docs/contract.md", "addresses"))
        for address in code_spans(row[0])
    ]
    names = [f"{', '.join(sorted(methods))} {address}" for address, methods in product.routes().items()]
    assert len(names) > 20
    expect_same("address", names, known, "docs/contract.md#addresses")


@pytest.mark.django_db
def test_every_parameter_of_the_api_is_documented() -> None:
    schema = Client().get("/api/schema/").json()
    names = {
        parameter["name"]
        for path in schema["paths"].values()
        for operation in path.values()
        if isinstance(operation, Mapping)
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "query"
    }
    assert {"since", "resolution", "groupBy", "cursor"} <= names
    expect_named("parameter", names, code_spans(documentation()["docs/contract.md"]), "docs/contract.md")


def test_every_command_is_documented_with_its_options() -> None:
    rows = list(table_rows(part("docs/operations.md", "commands")))[1:]
    known = {code_spans(row[0])[0].partition(" ")[0]: set(code_spans(row[2])) for row in rows}
    commands = product.commands()
    assert {"seed", "migrate"} <= set(commands)
    expect_same("command", commands, known, "docs/operations.md#commands")
    for name, options in commands.items():
        expect_same(f"option of {name}", options, known[name], "docs/operations.md#commands")


def test_every_system_check_is_documented() -> None:
    names = product.checks(product.literals())
    assert {"statsapi.E001", "statsapi.W001"} <= set(names)
    expect_same("check", names, first_column("docs/operations.md", "system-checks"), "docs/operations.md#system-checks")


def test_every_metric_is_documented() -> None:
    known = first_column("docs/contract.md", "metrics")
    names = product.metrics(product.literals())
    assert {"statsapi_events_total", "statsapi_requests"} <= set(names)
    expect_named("metric", names, [*known, *(one.removesuffix("_total") for one in known)], "docs/contract.md#metrics")
    expect_same(
        "metric",
        {one for one in known if {one, one.removesuffix("_total")} & set(names)},
        known,
        "docs/contract.md#metrics",
    )


def test_every_header_is_documented() -> None:
    found = product.headers(product.literals())
    for name, source in product.sources().items():
        for header in product.used_as_headers(source):
            found.setdefault(header, set()).add(name)
    assert {"X-Stats-Resolution", "X-Sentry-Error", "X-Sentry-Auth", "Retry-After", "Link", "Vary"} <= set(found)
    text = "\n".join(map(code, documentation().values())).lower()  # ASGI has no capitals
    words = set(re.findall(r"[a-z]+(?:-[a-z]+)*", text))
    missing = sorted(header for header in found if header.lower() not in words)
    if missing:
        lines = (f"docs/contract.md: write down the header {one} of {', '.join(sorted(found[one]))}" for one in missing)
        pytest.fail("\n".join(lines), pytrace=False)


def test_every_outcome_category_and_reason_is_documented() -> None:
    where = "docs/contract.md#categories-and-reasons"
    here = code_spans(part("docs/contract.md", "categories-and-reasons"))
    expect_named("category", [*Category, *CATEGORY_NAMES], here, where)
    filters = first_column("docs/contract.md", "inbound-filters")
    expect_named("reason", REASONS, [*here, *filters], where)
    outcomes = first_column("docs/contract.md", "outcomes")
    expect_same("outcome", list(Outcome), outcomes, "docs/contract.md#outcomes")


def test_every_package_is_on_the_map() -> None:
    known = [span.rstrip("/") for span in first_column("docs/design.md", "rooms")]
    expect_named("package", product.packages(), known, "docs/design.md#rooms")


def test_every_stat_and_filter_is_documented() -> None:
    expect_named(
        "stat", STATS, first_column("docs/contract.md", "meaning-of-the-stats"), "docs/contract.md#meaning-of-the-stats"
    )
    expect_named(
        "filter", FILTERS, code_spans(part("docs/contract.md", "inbound-filters")), "docs/contract.md#inbound-filters"
    )


def test_every_scope_role_and_promise_is_documented() -> None:
    where = "docs/contract.md#scopes-and-roles"
    text = part("docs/contract.md", "scopes-and-roles")
    expect_named("scope", SCOPES, code_spans(text), where)
    expect_named("role", Membership.Role.values, [row[0] for row in table_rows(text)], where)
    health = code_spans(part("docs/contract.md", "health-and-readiness"))
    expect_named("address", [f"/readyz/{one}" for one in PROMISES], health, "docs/contract.md#health-and-readiness")
