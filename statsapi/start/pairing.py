"""Pairing the database and Redis at a start."""

from __future__ import annotations

import sys

from projects import installation
from projects.installation import Kind


def pair_or_exit() -> None:
    """Pair the stores after migrate. Exits if they do not belong together, and prints other findings to stderr.

    Raises DatabaseError, RedisError.
    """
    for finding in installation.pair():
        told = f"{finding.text}\n\tHINT: {finding.hint}"
        if finding.kind is Kind.FOREIGN:
            sys.exit(f"Not started: {told}")
        print(f"Warning: {told}", file=sys.stderr, flush=True)  # noqa: T201
