"""When a client should ask again after a 503."""

RETRY_AFTER = {"Retry-After": "1"}
"""The header of a 503, in seconds. A lost connection can be made anew in that time, and a client waits little."""
