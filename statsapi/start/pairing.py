"""What a start makes of what the database and Redis say of each other."""

from __future__ import annotations

import sys

from projects import installation
from projects.installation import Kind


def pair_or_exit() -> None:
    """Pairs the stores after migrate. Exits where they do not belong together; what else is wrong goes to stderr.

    Raises DatabaseError, RedisError.
    """
    for finding in installation.pair():
        told = f"{finding.text}\n\tHINT: {finding.hint}"
        if finding.kind is Kind.FOREIGN:
            sys.exit(f"Not started: {told}")
        print(f"Warning: {told}", file=sys.stderr, flush=True)  # noqa: T201
