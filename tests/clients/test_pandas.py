"""pandas reads the CSV of the API from its URL, as in a notebook."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from tests.clients.live import IntakeService, Sender
from tests.clients.programs import SCENARIOS
from tests.clients.wheels import Python

pytestmark = pytest.mark.once

HOUR, DAY = 3600, 86400


def test_the_sums_of_each_table_are_those_that_were_counted(
    service: IntakeService, sender: Sender, python_of: Callable[[str], Python]
) -> None:
    today = int(time.time()) // DAY * DAY
    hours = {today - 1 * DAY + 5 * HOUR: 7, today - 1 * DAY + 6 * HOUR: 11, today - 2 * DAY + 23 * HOUR: 13}
    rows = [
        *({"outcome": "accepted", "quantity": count, "timestamp": hour} for hour, count in hours.items()),
        {"outcome": "filtered", "reason": "cors", "quantity": 3, "timestamp": today - 1 * DAY + 5 * HOUR},
        {"outcome": "rate_limited", "reason": "key_quota", "quantity": 2, "timestamp": today - 1 * DAY + 5 * HOUR},
        {"outcome": "accepted", "category": "transaction", "quantity": 99, "timestamp": today - 1 * DAY},
    ]
    hours[today - 1 * DAY + 5 * HOUR] += 3 + 2
    assert service.ask("POST", f"/api/0/projects/acme/{sender.slug}/outcomes/", {"outcomes": rows}).status == 201

    pandas = python_of("pandas")
    api = f"http://127.0.0.1:{service.port}/api/0/"
    read = json.loads(pandas(str(SCENARIOS / "read_with_pandas.py"), api, service.token, sender.slug))

    assert read == {
        "columns": [["timestamp", "count"], ["project_id", "project", "timestamp", "count"]],
        "zones": ["UTC", "UTC"],
        "hours": {str(hour): count for hour, count in hours.items()},
        "days": [13, 23],
        "of_project": 36,
        "summary": {"accepted": 31, "filtered": 3, "dropped": 2},
    }
