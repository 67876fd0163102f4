"""Security reports, which browsers send by themselves. Each is an error event without an SDK.

The bodies follow their specifications. Content-Type is ignored.
- `{"csp-report": {…}}`, Content Security Policy level 2, with names like `blocked-uri`;
- `[{"type": "csp-violation", "body": {…}}, …]`, the Reporting API, with names like `blockedURL`; its other types
  (deprecation, network-error, …) are not counted;
- `{"expect-ct-report": {…}}`, `{"expect-staple-report": {…}}`, and HPKP's `{"known-pins": […], …}` at the top level.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from projects.environment_names import environment_name
from statsapi.http.errors import BodyLimit, RequestError, empty_body
from statsapi.http.foreign_json import Buffer, as_mapping, as_text, parse_json
from statsapi.ingest.attributes import LONGEST_RELEASE, LONGEST_TEXT, EventAttributes
from statsapi.ingest.credentials import MOST_QUERY_FIELDS


@dataclass(frozen=True, slots=True)
class SecurityReport:
    """What the filters need of a report."""

    kind: str  # csp, expect-ct, expect-staple, hpkp
    page_url: str = ""
    blocked: str = ""  # csp: the URL that was not loaded
    source_file: str = ""  # csp: the script that loads it


def parse_security_reports(body: Buffer, reports: BodyLimit) -> tuple[SecurityReport, ...]:
    """Return the reports in the body, each of which is an event. There are none if the Reporting API sends other types.

    Raises RequestError 400 if the body is no security report, and 413 if it holds more than `reports` allows.
    """
    if not body:
        raise empty_body()
    try:
        value = parse_json(body)
    except ValueError as error:
        raise _invalid(str(error)) from None
    if isinstance(value, list):
        if len(value) > reports.maximum:
            raise reports.exceeded("the body", "reports")
        entries = [as_mapping(entry) for entry in value]
        return tuple(_violation(entry) for entry in entries if entry.get("type") == "csp-violation")
    return (_report(as_mapping(value)),)


def is_list(body: bytes) -> bool:
    """Return whether a body of JSON is a list, as the Reporting API sends it."""
    return body.lstrip().startswith(b"[")


def read_query(query: str) -> Mapping[str, str]:
    """Return the fields of the query string of the URL, or none if it cannot be read. The page's owner writes it."""
    try:
        return dict(parse_qsl(query, max_num_fields=MOST_QUERY_FIELDS))
    except ValueError:
        return {}


def security_attributes(
    report: SecurityReport, said: Mapping[str, str], *, client_ip: str, user_agent: str
) -> EventAttributes:
    """Return what the filters look at. `said` may hold `sentry_release` and `sentry_environment`."""
    return EventAttributes(
        client_ip=client_ip,
        user_ip=client_ip,
        user_agent=user_agent,
        page_url=report.page_url[:LONGEST_TEXT],
        release=said.get("sentry_release", "")[:LONGEST_RELEASE],
        csp_sources=tuple(source[:LONGEST_TEXT] for source in (report.blocked, report.source_file) if source),
        environment=environment_name(said.get("sentry_environment")),
    )


def _report(value: Mapping[str, object]) -> SecurityReport:
    for kind in ("csp", "expect-ct", "expect-staple"):
        report = value.get(f"{kind}-report")
        if isinstance(report, dict):
            return _csp(report) if kind == "csp" else _of_host(kind, report)
    if isinstance(value.get("known-pins"), list):
        return _of_host("hpkp", value)
    raise _invalid("expected csp-report, expect-ct-report, expect-staple-report, known-pins or a list of reports")


def _csp(report: Mapping[str, object]) -> SecurityReport:
    _require(report, "effective-directive", "violated-directive")
    return SecurityReport(
        kind="csp",
        page_url=as_text(report.get("document-uri")),
        blocked=as_text(report.get("blocked-uri")),
        source_file=as_text(report.get("source-file")),
    )


def _violation(entry: Mapping[str, object]) -> SecurityReport:
    body = as_mapping(entry.get("body"))
    _require(body, "effectiveDirective", "violatedDirective")
    return SecurityReport(
        kind="csp",
        page_url=as_text(body.get("documentURL")) or as_text(entry.get("url")),
        blocked=as_text(body.get("blockedURL")),
        source_file=as_text(body.get("sourceFile")),
    )


def _of_host(kind: str, report: Mapping[str, object]) -> SecurityReport:
    _require(report, "hostname")
    return SecurityReport(kind, page_url=f"https://{as_text(report.get('hostname'))}/")


def _require(report: Mapping[str, object], *names: str) -> None:
    if not any(as_text(report.get(name)) for name in names):
        raise _invalid(f"the report has no {' and no '.join(names)}")


def _invalid(cause: str) -> RequestError:
    return RequestError(400, "invalid JSON data", [cause], "invalid_json")
