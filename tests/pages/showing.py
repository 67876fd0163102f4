"""Reading a project's page as a test does: the numbers of its chart, and the rows of its table."""

from __future__ import annotations

import json
import re
from typing import Any

from django.test import Client

PAGE = "/o/acme/web/"
V2 = "/api/0/organizations/acme/stats_v2/"
QUANTITY = "sum(quantity)"


def show(client: Client, **parameters: str) -> str:
    """Return the page as text."""
    response = client.get(PAGE, {name.rstrip("_"): value for name, value in parameters.items()})
    assert response.status_code == 200, response.content
    return response.content.decode()


def counts_of(page: str) -> Any:
    """Return what the chart of the page draws."""
    found = re.search(r'<script id="counts" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def chart(client: Client, **parameters: str) -> Any:
    """Return what the chart draws."""
    return counts_of(show(client, **parameters))
