"""The project's settings with the addresses of benchmarks/http_urls.py."""

from statsapi.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.http_urls"
