"""Clients that do not read their answer. faults/intake/test_slow_clients.py shows that others are served."""

from __future__ import annotations

import os
import socket

import pytest

from statsapi.start import slow_readers

pytestmark = pytest.mark.once


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux alone has it")
def test_each_connection_ends_whose_client_takes_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, open(os.devnull) as file:
        assert slow_readers._set_timeouts([listening.fileno(), file.fileno(), 10**6]) == 1
        with socket.create_connection(listening.getsockname()), listening.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 1000 * slow_readers.SECONDS
