"""A page of another origin, in a real browser."""

from __future__ import annotations

import json
import os
import queue
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.clients.certificates import Certificate
from tests.servers import Missing, Server, wait_for

FOLDER = Path(__file__).parent

PAGE = """<!doctype html>
<script type="importmap">%s</script>
<script>
const fail = ({ reason, message }) =>
  fetch("/done", { method: "POST", body: JSON.stringify({ error: `${reason ?? message}` }) });
addEventListener("error", fail);
addEventListener("unhandledrejection", fail);
</script>
<script type="module" src="/scenarios/%s"></script>
"""


def chromium() -> str:
    """Return the path of the browser. Raises Missing."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise Missing("Chromium is not installed; on Debian: apt-get install chromium")


def visit(
    program: str,
    scenario: str,
    query: Mapping[str, object],
    *,
    headers: Mapping[str, str] | None = None,
    certificate: Certificate | None = None,
    until: Callable[[], bool] = lambda: True,
) -> dict[str, Any]:
    """Open a page that runs `scenarios/<scenario>` with this query, and return what the scenario reports at its end.

    The page has these `headers`, and is served by HTTPS if there is a certificate. It stays open after its end until
    `until` is true, for what the browser sends itself.
    """
    said: queue.Queue[dict[str, Any]] = queue.Queue()
    with (
        _site(scenario, said, headers or {}, certificate) as site,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
    ):
        options = [
            "--headless=new",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--short-reporting-delay",  # reports of the Reporting API wait a minute otherwise
            # The browser itself reaches nothing on the network.
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
            f"--user-data-dir={folder}/profile",
            *([f"--ignore-certificate-errors-spki-list={certificate.pin}"] if certificate else []),
            *(["--no-sandbox"] if os.getuid() == 0 else []),
        ]
        url = f"{site}/page?{urlencode(query)}"
        log = Path(folder, "log")
        browser = Server([program, *options, url], log)
        try:
            done = said.get(timeout=180)
            wait_for(until, "what the browser sends itself")
            return done
        except queue.Empty:
            raise AssertionError(f"the page never ended; the browser said: {log.read_text(errors='replace')}") from None
        finally:
            browser.stop()


@contextmanager
def _site(
    scenario: str, said: queue.Queue[dict[str, Any]], headers: Mapping[str, str], certificate: Certificate | None
) -> Iterator[str]:
    """Serve the page, and return the address of its site."""
    page = PAGE % (json.dumps(_import_map()), scenario)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, page.encode(), headers, said)) as server:
        if certificate:
            wrap = certificate.context.wrap_socket
            server.socket = wrap(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever).start()
        try:
            # A host that differs from the service's makes it another site, not only another origin.
            yield f"{'https' if certificate else 'http'}://localhost:{server.server_port}"
        finally:
            server.shutdown()


def _import_map() -> dict[str, Any]:
    """Return the import map of all installed packages: a package finds those in its own node_modules first."""
    modules = FOLDER / "node_modules"
    inner = (*modules.glob("sentry-browser-*/node_modules"), *modules.glob("@sentry*/*/node_modules"))
    scopes = {f"/{folder.parent.relative_to(FOLDER)}/": _imports(folder) for folder in inner}
    # 7 imports a package of CommonJS, which bundlers alone can do, for an integration that nobody asks for here.
    return {"imports": {**_imports(modules), "localforage": "data:text/javascript,export default {}"}, "scopes": scopes}


def _imports(modules: Path) -> dict[str, str]:
    """Return the address of each name that can be imported, read from each package.json as a bundler does."""
    found = {}
    for file in (*modules.glob("*/package.json"), *modules.glob("@*/*/package.json")):
        package = json.loads(file.read_text(encoding="utf-8"))
        exports = package.get("exports", {".": package.get("module")})
        for name, target in exports.items() if isinstance(exports, dict) else ():
            while isinstance(target, dict):
                target = next((target[key] for key in ("production", "import", "default") if key in target), None)
            if isinstance(target, str) and name.startswith(".") and "*" not in name:
                installed = file.parent.relative_to(modules).as_posix()  # differs from its own name for an alias
                found[installed + name[1:]] = f"/{(file.parent / target).relative_to(FOLDER)}"
    return found


class _Handler(SimpleHTTPRequestHandler):
    """A handler that serves the page and its modules, and takes what the page reports at its end."""

    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript"}

    def __init__(
        self, page: bytes, headers: Mapping[str, str], said: queue.Queue[dict[str, Any]], *arguments: Any
    ) -> None:
        self.page, self.page_headers, self.said = page, headers, said
        super().__init__(*arguments, directory=str(FOLDER))

    def do_GET(self) -> None:
        if self.path.startswith("/page?"):
            self._answer(self.page, self.page_headers)
        else:
            super().do_GET()

    def do_POST(self) -> None:
        self.said.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self._answer(b"")

    def _answer(self, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(200)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass
