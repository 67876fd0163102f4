"""The limits of intake as they are set, each with the name of its setting."""

from __future__ import annotations

from django.conf import settings

from statsapi.http.errors import Limit
from statsapi.ingest.envelope import EnvelopeLimits


def limit(setting: str) -> Limit:
    return Limit(setting, getattr(settings, setting))


def envelope_limits() -> EnvelopeLimits:
    return EnvelopeLimits(
        header_line=limit("INGEST_MAX_HEADER_BYTES"),
        item=limit("INGEST_MAX_ITEM_BYTES"),
        items=limit("INGEST_MAX_ITEMS"),
    )
