"""A program that reads counts with pandas. Arguments: the URL of the API, a token, the slug of a project.

It prints JSON: for each table what it summed up.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import pandas

URL, TOKEN, SLUG = sys.argv[1:]


def read(path: str, **options: Any) -> Any:
    """Return the table at this path, read as somebody would in a notebook."""
    return pandas.read_csv(f"{URL}{path}", storage_options={"Authorization": f"Bearer {TOKEN}"}, **options)


stats = read(f"projects/acme/{SLUG}/stats/?format=csv&statsPeriod=3d&resolution=1h", parse_dates=["timestamp"])
by_project = read("organizations/acme/stats/?format=csv&group=project&statsPeriod=3d", parse_dates=["timestamp"])
summary = read("organizations/acme/stats-summary/?download=1&statsPeriod=3d&field=sum(quantity)")

days = stats.set_index("timestamp")["count"].resample("D").sum()
of_project = summary[(summary["slug"] == SLUG) & (summary["category"] == "error")]
hours = zip(stats["timestamp"], stats["count"], strict=True)
print(
    json.dumps(
        {
            "columns": [list(stats.columns), list(by_project.columns)],
            "zones": [str(table["timestamp"].dt.tz) for table in (stats, by_project)],
            "hours": {int(hour.timestamp()): int(count) for hour, count in hours if count},
            "days": [int(count) for count in days if count],
            "of_project": int(by_project.groupby("project")["count"].sum()[SLUG]),
            "summary": {name: int(of_project[name].iloc[0]) for name in ("accepted", "filtered", "dropped")},
        }
    )
)
