"""When a client should ask again after a 503."""

RETRY_AFTER = {"Retry-After": "1"}
"""The header of a 503, in seconds: long enough to connect again, and short for a client that waits."""
