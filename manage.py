#!/usr/bin/env python
"""Django's command line. A wrong setting or a VAR_DIR that cannot be used ends it with one line, and status 1."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from projects.acting import acting_as
from tsdb.embedded import EmbeddedServerError

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "statsapi.settings")
    try:
        with acting_as(" ".join(["command", *sys.argv[1:2]])):
            execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"A setting is wrong: {error}")
    except EmbeddedServerError as error:
        sys.exit(str(error))
