"""The address of a client, which a proxy may report."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Return the address of the sender.

    With TRUST_PROXY it is the last one in X-Forwarded-For, which the proxy appends.
    """
    return sender_address(request.META.get("REMOTE_ADDR", ""), request.META.get("HTTP_X_FORWARDED_FOR", ""))


def sender_address(peer: str, forwarded_for: str) -> str:
    """Return the address of the sender: of the `peer` of the connection, or what its X-Forwarded-For says."""
    if settings.TRUST_PROXY:
        forwarded = forwarded_for.rpartition(",")[2].strip()
        if forwarded:
            return _without_port(forwarded)
    return peer


def _without_port(address: str) -> str:
    """Return the address without a port: some proxies write `192.0.2.1:4711` and `[2001:db8::1]:4711`."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address
