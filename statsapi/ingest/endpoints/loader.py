"""The address of Sentry's script that loads its SDK into a page. This service has no such script, and says so.

docs/decisions/0011-no-loader-script.md says why.
"""

from __future__ import annotations

from statsapi.ingest.answers import Answer, json_answer
from statsapi.ingest.request import Request

NO_LOADER = (
    "There is no loader script here. Put @sentry/browser into your page yourself, from npm or as a bundle on your own "
    "site, and call Sentry.init with the DSN of the project."
)


async def loader(request: Request) -> Answer:
    """Answer 404, whatever key the address names."""
    return json_answer({"detail": NO_LOADER}, 404, {"Cache-Control": "public, max-age=3600"})
