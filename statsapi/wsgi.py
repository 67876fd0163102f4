"""The WSGI application, for granian or any other server."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from tsdb.rollups import check_rollups

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "statsapi.settings")
check_rollups(settings.TSDB_ROLLUPS)  # a server that is started by hand runs no checks
application = get_wsgi_application()
