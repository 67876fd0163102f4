"""The service behind a real web server on a free port, with SQLite and an embedded Valkey of its own."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from tests.servers import Server, free_port, listens, wait_for
from tests.service import PATIENT

ROOT = Path(__file__).resolve().parents[2]

SETUP = """
import django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.contrib.auth.models import User
from projects import services
from projects.models import SCOPES
organization = services.create_organization(slug="acme", name="Acme")
services.add_member(organization=organization, user_id=User.objects.create_user("owner").pk, role="owner")
services.create_project(organization=organization, slug="web", name="Web")
print(services.create_token(organization=organization, scopes=SCOPES).secret)
"""

STATS = "/api/0/projects/acme/web/stats/"
OUTCOMES = "/api/0/projects/acme/web/outcomes/"


class Answer(NamedTuple):
    """What the server answered."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class LiveServer:
    """A running server, and a token for it with all scopes."""

    def __init__(self, server: Server, port: int, token: str, log: Path) -> None:
        self.server, self.port, self.token, self.log = server, port, token, log

    def request(self, method: str, path: str, body: bytes | None = None, /, **headers: str) -> Answer:
        """Send a request.

        Keyword arguments are headers. The token is sent unless there is an `authorization`; empty: none.
        """
        headers.setdefault("authorization", f"Bearer {self.token}")
        sent = {name.replace("_", "-"): value for name, value in headers.items() if value}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def exchange(self, *parts: bytes) -> bytes:
        """Send these bytes, and return everything that the server sends until it closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), 20) as connection:
            try:
                for part in parts:
                    connection.sendall(part)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it has answered already
            received = b""
            while piece := connection.recv(65536):
                received += piece
            return received

    def cut_off(self, sent: bytes) -> None:
        """Send these bytes, and close the sending side of the connection."""
        with socket.create_connection(("127.0.0.1", self.port), 20) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass

    def chunked(self, path: str, *chunks: bytes) -> Answer:
        """Send a POST whose body has no Content-Length."""
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self.token}\r\n"
            "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        )
        sent = [b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks]
        received = self.exchange(head.encode(), *sent, b"0\r\n\r\n")
        return _parse(received)

    def stop(self) -> None:
        self.server.stop()


def _parse(received: bytes) -> Answer:
    reader, writer = socket.socketpair()
    with reader, writer:
        writer.sendall(received)
        writer.shutdown(socket.SHUT_WR)
        response = http.client.HTTPResponse(reader)
        response.begin()
        return Answer(response.status, response.headers, response.read())


def start_live_server(kind: str, folder: Path, *, set_up: bool = True, **settings: str) -> LiveServer:
    """Start the service.

    `kind` is granian or uvicorn. `settings` are environment variables. Without `set_up` there is no database.
    """
    port, log = free_port(), folder / "server.log"
    environment = {
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "statsapi.settings",
        "VAR_DIR": str(folder / "var"),
        "PORT": str(port),
        "TSDB_TIMEOUT": PATIENT["TSDB_TIMEOUT"],
        **dict.fromkeys(("DATABASE_URL", "TSDB_URL", "CACHE_URL"), ""),
        **settings,
    }
    token = "sta_there-is-no-database-to-ask"
    if set_up:
        command = [sys.executable, "-c", SETUP]
        token = subprocess.check_output(command, env={**os.environ, **environment}, text=True).strip()
    folder_of_programs = Path(sys.executable).parent
    listen = {
        "granian": ["--interface", "asginl", "--http", "1", "--host", "127.0.0.1", "--port", str(port), "--no-ws"],
        "uvicorn": ["--host", "127.0.0.1", "--port", str(port), "--no-access-log"],
    }
    command = [str(folder_of_programs / kind), "statsapi.asgi:application", *listen[kind]]
    server = Server(command, log, **environment)
    wait_for(lambda: listens(port), f"the start of {kind}")
    return LiveServer(server, port, token, log)
