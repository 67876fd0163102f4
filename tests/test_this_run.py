"""The stores that the tests run on, in each of the two runs of `make test`."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection

from projects.connections import get_store
from tests import servers


def test_this_run_works_on_what_its_option_says(db: None, pytestconfig: pytest.Config) -> None:
    server = get_store().clients.read.info("server")
    with connection.cursor() as cursor:
        if pytestconfig.getoption("external"):
            assert connection.vendor == "postgresql"
            cursor.execute("SELECT inet_server_port()")
            assert cursor.fetchone() == (urlsplit(settings.DATABASE_URL).port,)
            assert not settings.TSDB_IS_EMBEDDED
            assert not settings.CACHE_IS_EMBEDDED
            assert server["tcp_port"] == urlsplit(settings.TSDB_URL).port
            assert Path(server["executable"]).resolve() == Path(servers.redis_binary()).resolve()
        else:
            assert connection.vendor == "sqlite"
            assert settings.TSDB_IS_EMBEDDED
            assert settings.CACHE_IS_EMBEDDED
            assert server["tcp_port"] == 0
            assert server["server_name"] == "valkey"


def test_this_run_has_a_var_dir_of_its_own() -> None:
    assert not settings.VAR_DIR.is_relative_to(servers.ROOT)
