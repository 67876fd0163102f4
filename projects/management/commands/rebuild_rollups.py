"""manage.py rebuild_rollups: carry all counts over to the rollups of a changed TSDB_ROLLUPS.

It also finishes deletions and merges that were interrupted. It can be interrupted and run again, also beside a running
service. Status 0, or 1 with one line on stderr: Redis holds the counts of another installation, or a database or Redis
does not answer.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from django.core.management import BaseCommand
from tqdm import tqdm

from projects import services
from projects.connections import get_store
from projects.management.failures import command_errors, refuse_foreign_counts
from projects.models import Project
from tsdb.settling import delete_unnamed_rings, needs_settling, settle


class Command(BaseCommand):
    help = (
        "Carries all counts over to the resolutions that TSDB_ROLLUPS names. A resolution that was kept "
        "before takes over as many buckets as fit; a new one is added up from the next finer one. Rings of resolutions "
        "that are not named any more are deleted, and their number is printed. Events are counted meanwhile. It may be "
        "interrupted and run again. `make run` and the container do it before they serve, and when there is nothing to "
        "do it takes no time. Without it a project is carried over when it is next counted into or read."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        quiet = options["verbosity"] == 0
        silent = quiet or not self.stderr.isatty()
        with command_errors():
            refuse_foreign_counts()
            store = get_store()
            projects = list(Project.objects.order_by("pk").values_list("pk", flat=True))
            found = list(needs_settling(store, projects))
            gone: Counter[str] = Counter()
            for project in tqdm(found, desc="carried over", unit=" projects", disable=silent or not found):
                settle(store, project, now=int(time.time()), dropped=gone)
                services.settle([project])
            with tqdm(desc="looked for rings that no setting names", unit=" keys", disable=silent) as bar:
                gone.update(delete_unnamed_rings(store, on_step=bar.update))
        if found and not quiet:
            self.stdout.write(f"{_number(len(found), 'project')} carried over to {store.states.shapes}.")
        for shape, number in sorted(gone.items()):
            if not quiet:
                self.stdout.write(f"{_number(number, 'ring')} of {shape} deleted: TSDB_ROLLUPS does not name it.")


def _number(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")
