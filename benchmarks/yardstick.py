"""The yardstick: the constant views behind granian's WSGI interface, as the whole service was served once.

The settings and the middleware are the service's, and so is what the garbage collector is told. Ratios to these views
stay comparable when the service changes its server.
"""

from __future__ import annotations

import gc
import os

import django

from statsapi.http.handler import Handler

BLOCKING_THREADS = 512
"""The threads of a worker."""

if os.environ.get("BENCH_YARDSTICK"):  # for whoever only reads the number
    django.setup(set_prefix=False)
    application = Handler()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
