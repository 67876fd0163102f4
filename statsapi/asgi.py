"""The ASGI application, for granian or any other server."""

import gc
import os

import django
from django.conf import settings

from statsapi.door import threads
from statsapi.door.body import Receive, Scope, Send
from statsapi.door.django import Django
from statsapi.door.stopping import Stopping
from statsapi.http.handler import Handler
from tsdb.rollups import check_rollups

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "statsapi.settings")
check_rollups(settings.TSDB_ROLLUPS)  # a server that is started by hand runs no system checks
django.setup(set_prefix=False)

# These modules import models, so Django must be set up before.
from statsapi.ingest import app as intake  # noqa: E402
from statsapi.ingest.addresses import endpoint_of  # noqa: E402
from statsapi.postgresql import requests  # noqa: E402
from statsapi.start import warming  # noqa: E402

requests.bound_queries()
requests.close_only_at_the_end()
warming.warm_up()
threads.switch_often()

# The payload of an event may be 300 000 small objects in a megabyte, and this process serves nothing else while it is
# parsed. Each garbage collection meanwhile would look at all that is loaded above, which takes five times as long.
gc.freeze()
gc.set_threshold(50_000, 20, 50)

_by_django = Django(Handler(), settings.DATA_UPLOAD_MAX_MEMORY_SIZE, settings.BODY_TIMEOUT, settings.WEB_THREADS)


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        raise ValueError(f"this application answers HTTP alone, not {scope['type']}")  # servers go on without the rest
    found = endpoint_of(scope["path"])
    if found:
        await intake.answer(found, scope, receive, send)
    else:
        await _by_django(scope, receive, send)


application = Stopping(_answer)
