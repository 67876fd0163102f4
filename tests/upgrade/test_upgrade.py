"""This version on a real var/ of an earlier one, which kept 10 s for an hour, hours for a week and days for 90 days."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.servers import ROOT
from tests.service import PATIENT
from tests.upgrade.thaw import ThawedVar

pytestmark = pytest.mark.once
SECRET_KEY = "of-the-thawed-folder-alone-0123456789-0123456789-0123456789"


def answers_on(var: ThawedVar, *how: str) -> dict[str, Any]:
    numbers = {slug: project["id"] for slug, project in var.expected["projects"].items()}
    command = [sys.executable, "-m", "tests.upgrade.afterwards", str(var.clock), var.expected["token"]]
    unset = ("DATABASE_URL", "TSDB_URL", "CACHE_URL", "TSDB_ROLLUPS")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    done = subprocess.run(
        [*command, json.dumps(numbers), *how],
        cwd=ROOT,
        env={**environment, **PATIENT, "VAR_DIR": str(var.var_dir), "SECRET_KEY": SECRET_KEY},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers


def expected_after(var: ThawedVar) -> dict[str, Any]:
    """Return what the earlier version answered, except that the counts of the interrupted merge are back."""
    projects = {slug: dict(project) for slug, project in var.expected["projects"].items()}
    parting, like_it = projects["parting"], projects["arriving"]
    parting["stats"] = like_it["stats"]
    return projects


@pytest.mark.parametrize("how", [("rebuild",), ()], ids=["by the command", "when it is read"])
def test_every_count_is_there_at_every_resolution(thawed_var: ThawedVar, how: tuple[str, ...]) -> None:
    found = answers_on(thawed_var, *how)
    for slug, project in expected_after(thawed_var).items():
        for what, answer in project.items():
            assert found["projects"][slug][what] == answer, f"{what} of {slug}"
    for stat, resolutions in thawed_var.expected["organization"].items():
        for resolution, pairs in resolutions.items():
            assert set(dict(pairs)) <= set(dict(found["organization"][stat][resolution]))


def test_a_range_that_hours_hold_in_part_is_answered_whole_by_the_day(thawed_var: ThawedVar) -> None:
    month = answers_on(thawed_var, "rebuild")["month"]
    assert len(month["&interval=1d"]["intervals"]) == 31
    assert month["&interval=1h"] == month[""] == month["&interval=1d"]
