"""A second process of the service, like a management command, that runs the Python that a test sends to it.

Each line of its input is a JSON string of statements, which may set `answer`. Each line of its output is
{"answer": …} or {"error": …}.
"""

from __future__ import annotations

import json
import sys
import traceback
from typing import Any

import django
from django.db import close_old_connections


def main() -> None:
    django.setup()
    names: dict[str, Any] = {}
    for line in sys.stdin:
        names["answer"] = None
        close_old_connections()
        try:
            exec(json.loads(line), names)
            said = {"answer": names["answer"]}
        except Exception:
            said = {"error": traceback.format_exc()}
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
