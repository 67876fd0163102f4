"""A program that uses the client that openapi-python-client generated.

Arguments: the service's URL, a token, a slug. It makes a project with this slug, and prints JSON about what the client
read.
"""

from __future__ import annotations

import json
import sys

from generated_client import AuthenticatedClient
from generated_client.api.organizations import (
    create_project,
    list_organization_projects,
    list_organizations,
    retrieve_organization_event_counts,
    retrieve_outcomes,
)
from generated_client.api.projects import (
    change_project,
    count_outcomes,
    create_key,
    delete_project,
    list_keys,
    retrieve_key_event_counts,
    retrieve_project,
    retrieve_project_event_counts,
)
from generated_client.models.count_outcomes_body import CountOutcomesBody
from generated_client.models.new_key import NewKey
from generated_client.models.new_project import NewProject
from generated_client.models.project_change import ProjectChange
from generated_client.models.retrieve_outcomes_field_item import RetrieveOutcomesFieldItem as Field
from generated_client.models.retrieve_outcomes_group_by_item import RetrieveOutcomesGroupByItem as Group

URL, TOKEN, SLUG = sys.argv[1:]
ACME = "acme"

client = AuthenticatedClient(base_url=URL, token=TOKEN, raise_on_unexpected_status=True)
stranger = AuthenticatedClient(base_url=URL, token="sta_no", raise_on_unexpected_status=True)

made = create_project.sync(ACME, client=client, body=NewProject(name=SLUG, slug=SLUG))
again = create_project.sync_detailed(ACME, client=client, body=NewProject(name=SLUG, slug=SLUG))
nameless = create_project.sync_detailed(ACME, client=client, body=NewProject(name=""))
key = create_key.sync(ACME, SLUG, client=client, body=NewKey.from_dict({"rateLimit": {"count": 7, "window": 60}}))
change_project.sync(ACME, SLUG, client=client, body=ProjectChange.from_dict({"platform": "python"}))

rows = [{"outcome": "accepted", "quantity": 5, "key": key.public}, {"outcome": "filtered", "reason": "cors"}]
counted = count_outcomes.sync(ACME, SLUG, client=client, body=CountOutcomesBody.from_dict({"outcomes": rows}))

project = retrieve_project.sync(ACME, SLUG, client=client)
series = retrieve_project_event_counts.sync(ACME, SLUG, client=client, resolution="1h", stats_period="2h")
of_all = retrieve_organization_event_counts.sync(ACME, client=client, resolution="1h", stats_period="2h")
of_key = retrieve_key_event_counts.sync(ACME, SLUG, key.public, client=client)
outcomes = retrieve_outcomes.sync(
    ACME,
    client=client,
    field=[Field("sum(quantity)")],
    group_by=[Group("category"), Group("outcome")],
    project=[str(project.id)],
    stats_period="2h",
)
absent = retrieve_project.sync_detailed(ACME, "nowhere", client=client)
unknown = retrieve_project.sync_detailed(ACME, SLUG, client=stranger)
wrong = retrieve_project_event_counts.sync_detailed(ACME, SLUG, client=client, resolution="7s")
keys = list_keys.sync(ACME, SLUG, client=client)
listed = list_organization_projects.sync(ACME, client=client)
gone = delete_project.sync_detailed(ACME, SLUG, client=client)

print(
    json.dumps(
        {
            "organizations": [one.slug for one in list_organizations.sync(client=client)],
            "listed": SLUG in [one.slug for one in listed],
            "made": [made.slug, made.organization.slug, project.platform],
            "limits": [one.rate_limit and one.rate_limit.count for one in keys],
            "counted": counted.accepted,
            "received": [sum(count for _, count in series), sum(count for _, count in of_all) >= 6],
            "of_key": [sum(one.total for one in of_key), sum(one.accepted for one in of_key)],
            "outcomes": {one.by["outcome"]: one.totals["sum(quantity)"] for one in outcomes.groups},
            "taken": [again.status_code, again.parsed.detail],
            "nameless": [nameless.status_code, list(nameless.parsed.to_dict())],
            "absent": [absent.status_code, absent.parsed.detail],
            "unknown": [unknown.status_code, unknown.parsed.detail],
            "wrong": [wrong.status_code, wrong.parsed.detail],
            "gone": gone.status_code,
        }
    )
)
