"""The WSGI application, for granian or any other server."""

import gc
import os

import django
from django.conf import settings

from statsapi.http import slow_bodies
from statsapi.http.handler import Handler
from tsdb.rollups import check_rollups

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "statsapi.settings")
check_rollups(settings.TSDB_ROLLUPS)  # a server that is started by hand runs no system checks
django.setup(set_prefix=False)
application = Handler()
slow_bodies.watch()

# These modules import models, so Django must be set up before.
from statsapi.postgresql import requests  # noqa: E402
from statsapi.start import threads, warming  # noqa: E402

threads.close_what_they_leave()
requests.bound_queries()
warming.warm_up()

# The payload of an event may be 300 000 small objects in a megabyte, and this process serves nothing else while it is
# parsed. Each garbage collection meanwhile would look at all that is loaded above, which takes five times as long.
gc.freeze()
gc.set_threshold(50_000, 20, 50)
