"""A certificate of localhost that nobody signed, for servers that a browser has to reach by HTTPS."""

from __future__ import annotations

import base64
import hashlib
import shutil
import ssl
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.servers import Missing


class Certificate(NamedTuple):
    context: ssl.SSLContext
    """For a server."""
    pin: str
    """The digest of its public key, as Chromium wants it to be named."""


def new_certificate(folder: Path) -> Certificate:
    """Make a certificate in this folder. Raises Missing if openssl is absent."""
    if shutil.which("openssl") is None:
        raise Missing("openssl is not installed; on Debian: apt-get install openssl")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    kind = ("-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    names = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    files = ("-keyout", str(key), "-out", str(certificate))
    subprocess.run(["openssl", "req", *kind, *names, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    public = subprocess.check_output(["openssl", "x509", "-in", str(certificate), "-noout", "-pubkey"], text=True)
    body = "".join(line for line in public.splitlines() if not line.startswith("-"))
    return Certificate(context, base64.b64encode(hashlib.sha256(base64.b64decode(body)).digest()).decode())
