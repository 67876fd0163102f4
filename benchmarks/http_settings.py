"""The service's settings with the URLs of benchmarks/http_urls.py."""

from statsapi.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.http_urls"
