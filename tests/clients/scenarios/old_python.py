"""A program that sends with raven, the predecessor of sentry-sdk. Arguments: the DSN, the number of messages."""

from __future__ import annotations

import math
import sys

from raven import Client, breadcrumbs
from raven.transport.http import HTTPTransport

client = Client(sys.argv[1], transport=HTTPTransport, environment="production", release="1.0")
for number in range(int(sys.argv[2])):
    client.captureMessage(f"message {number}")
try:
    raise RuntimeError("it broke")
except RuntimeError:
    breadcrumbs.record(message="a rate", data={"rate": math.nan})  # it writes NaN, though that is no JSON
    client.captureException()
