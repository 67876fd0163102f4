"""`make run`: everything on this machine, with demo data, ready to be asked.

What it makes lies in VAR_DIR: a secret key, the SQLite database, the embedded server's data. It prepares and then
becomes the web server, so that nothing of the preparation stays in memory and a signal reaches the server itself.
"""

from __future__ import annotations

import os
import secrets
import socket
import sys
from pathlib import Path
from typing import Any

# Typing DEBUG in a `make run` is allowed, but not needed; everything else has a local default.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "statsapi.settings")


def main() -> None:
    make_secret_key()
    import django  # noqa: PLC0415 - the settings need the key that was just made

    django.setup()
    from django.conf import settings  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415

    from statsapi import demo  # noqa: PLC0415
    from tsdb import embedded  # noqa: PLC0415

    refuse_a_taken_port(settings.HOST, settings.PORT)
    if settings.TSDB_IS_EMBEDDED or settings.CACHE_IS_EMBEDDED:
        embedded.ensure(settings.VAR_DIR)
    call_command("migrate", verbosity=0, interactive=False)
    print(demo.welcome(), flush=True)
    serve(settings)


def make_secret_key() -> None:
    """Keeps a random key in VAR_DIR, made once, unless the environment gives one."""
    if os.environ.get("SECRET_KEY") or os.environ.get("SECRET_KEY_FILE"):
        return
    var_dir = Path(os.environ.get("VAR_DIR") or "var").expanduser().resolve()
    var_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = var_dir / "secret_key"
    if not file.exists():
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
            output.write(secrets.token_urlsafe(64))


def refuse_a_taken_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            sys.exit(f"Cannot listen on {host}:{port}: {error.strerror}. Choose another with: PORT=8001 make run")


def serve(settings: Any) -> None:
    """Becomes granian; WSGI with a few blocking threads a worker, as measured in the README."""
    from tsdb import embedded  # noqa: PLC0415

    if settings.TSDB_IS_EMBEDDED or settings.CACHE_IS_EMBEDDED:
        embedded.keep_across_exec(settings.VAR_DIR)
    granian = Path(sys.executable).with_name("granian")
    os.execv(  # noqa: S606
        granian,
        [
            str(granian),
            "statsapi.wsgi:application",
            *("--interface", "wsgi"),
            *("--host", settings.HOST, "--port", str(settings.PORT)),
            *("--workers", str(settings.WEB_WORKERS), "--blocking-threads", str(settings.WEB_THREADS)),
            *("--no-ws", "--log-level", "error", "--respawn-failed-workers"),
        ],
    )


if __name__ == "__main__":
    main()
