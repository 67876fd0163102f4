"""Making a public link on the page of a project, and finding its address there, as a person does."""

from __future__ import annotations

import re

from django.test import Client

LINKS = "/o/acme/web/links/"
ORGANIZATION = "/organization/acme/links/"


def make_link(client: Client, **fields: str) -> str:
    """Make a link with the form, and return its path: `/share/shl_…/`."""
    response = client.post(LINKS, fields)
    assert response.status_code == 200, response.content
    found = re.search(r'id="address">http://[^/<]+(/share/shl_[\w-]{43}/)</p>', response.content.decode())
    assert found, response.content.decode()
    return found[1]


def picture_of(path: str) -> str:
    """Return the path of the picture of a link."""
    return f"{path.removesuffix('/')}.svg"
