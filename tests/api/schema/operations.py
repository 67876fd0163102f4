"""A request that succeeds for each operation of the API, and the objects that these requests ask for."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.test import Client

from projects import services
from projects.models import Budget, Membership, Organization, Project, ProjectKey

KEY, OTHER_KEY = "a" * 32, "b" * 32
MEMBER, BUDGET = 999, 998


class Ask(NamedTuple):
    """A request. `body` is sent as JSON; without one, `query` is sent."""

    path: str
    query: dict[str, str] = {}
    body: dict[str, Any] | None = None


ORGANIZATION = "organizations/acme/"
PROJECT = "projects/acme/web/"
OUTCOMES = {"field": "sum(quantity)", "category": "error"}

ASKS = {
    "retrieve_caller": Ask(""),
    "retrieve_session": Ask("auth/"),
    "retrieve_user": Ask("users/me/"),
    "list_organizations": Ask("organizations/"),
    "retrieve_organization": Ask(ORGANIZATION),
    "list_teams": Ask(f"{ORGANIZATION}teams/"),
    "list_organization_projects": Ask(f"{ORGANIZATION}projects/"),
    "create_project": Ask(f"{ORGANIZATION}projects/", body={"name": "New", "platform": "python"}),
    "retrieve_organization_event_counts": Ask(f"{ORGANIZATION}stats/"),
    "retrieve_outcomes": Ask(f"{ORGANIZATION}stats_v2/", OUTCOMES),
    "summarize_outcomes": Ask(f"{ORGANIZATION}stats-summary/", OUTCOMES),
    "list_organization_environments": Ask(f"{ORGANIZATION}environments/"),
    "list_organization_keys": Ask(f"{ORGANIZATION}project-keys/"),
    "list_members": Ask(f"{ORGANIZATION}members/"),
    "retrieve_member": Ask(f"{ORGANIZATION}members/{MEMBER}/"),
    "retrieve_team": Ask("teams/acme/acme/"),
    "retrieve_team_event_counts": Ask("teams/acme/acme/stats/"),
    "list_team_projects": Ask("teams/acme/acme/projects/"),
    "create_team_project": Ask("teams/acme/acme/projects/", body={"name": "New", "slug": "new"}),
    "list_projects": Ask("projects/"),
    "retrieve_project": Ask(PROJECT),
    "change_project": Ask(PROJECT, body={"platform": None}),
    "delete_project": Ask(PROJECT),
    "merge_project": Ask(f"{PROJECT}merge/", body={"into": "shop"}),
    "count_outcomes": Ask(f"{PROJECT}outcomes/", body={"outcomes": [{"outcome": "accepted"}]}),
    "retrieve_project_event_counts": Ask(f"{PROJECT}stats/"),
    "list_project_environments": Ask(f"{PROJECT}environments/"),
    "list_filters": Ask(f"{PROJECT}filters/"),
    "change_filter": Ask(f"{PROJECT}filters/legacy-browsers/", body={"subfilters": ["ie", "opera_mini"]}),
    "list_keys": Ask(f"{PROJECT}keys/"),
    "create_key": Ask(f"{PROJECT}keys/", body={"public": OTHER_KEY, "rateLimit": {"count": 5, "window": 60}}),
    "retrieve_key": Ask(f"{PROJECT}keys/{KEY}/"),
    "change_key": Ask(f"{PROJECT}keys/{KEY}/", body={"name": "Another", "rateLimit": None}),
    "delete_key": Ask(f"{PROJECT}keys/{KEY}/"),
    "list_budgets": Ask(f"{PROJECT}budgets/"),
    "create_budget": Ask(f"{PROJECT}budgets/", body={"category": "span", "limit": 5, "window": "month"}),
    "retrieve_budget": Ask(f"{PROJECT}budgets/{BUDGET}/"),
    "change_budget": Ask(f"{PROJECT}budgets/{BUDGET}/", body={"limit": 10}),
    "delete_budget": Ask(f"{PROJECT}budgets/{BUDGET}/"),
    "retrieve_key_event_counts": Ask(f"{PROJECT}keys/{KEY}/stats/"),
}
"""By the operation's id."""


def set_up(organization: Organization, project: Project, api: Client) -> None:
    """Make the key, the budget, the second project and the member that the requests ask for, and count something."""
    services.create_project(organization=organization, slug="shop", name="Shop")
    member = User.objects.create_user("member", "member@example.com", "secret")
    Membership.objects.create(pk=MEMBER, organization=organization, user=member)
    services.save_intake(project, ProjectKey(project=project, public=KEY))
    Budget.objects.create(pk=BUDGET, project=project, category="error", limit=1000, window=300)
    rows = [{"outcome": "accepted", "key": KEY}, {"outcome": "filtered", "reason": "cors"}]
    assert api.post(f"/api/0/{PROJECT}outcomes/", {"outcomes": rows}, "application/json").status_code == 201


def answer_to(operation: str, method: str, api: Client, **query: str) -> Any:
    """Send the operation's request, with these query parameters too."""
    ask = ASKS[operation]
    if ask.body is None:
        return getattr(api, method)(f"/api/0/{ask.path}", {**ask.query, **query} or None)
    return getattr(api, method)(f"/api/0/{ask.path}", ask.body, "application/json")
