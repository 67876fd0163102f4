"""Reading a project's page as a test does: the numbers of its chart, its tables, and its command for the API."""

from __future__ import annotations

import html
import json
import re
import shlex
from typing import Any

from django.conf import settings
from django.test import Client

PAGE = "/o/acme/web/"
V2 = "/api/0/organizations/acme/stats_v2/"
QUANTITY = "sum(quantity)"


def show(client: Client, **parameters: str) -> str:
    """Return the page as text. `from_` is the parameter `from`."""
    response = client.get(PAGE, {name.rstrip("_"): value for name, value in parameters.items()})
    assert response.status_code == 200, response.content
    return response.content.decode()


def counts_of(page: str) -> Any:
    """Return what the chart of the page draws."""
    found = re.search(r'<script id="counts" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def chart(client: Client, **parameters: str) -> Any:
    """Return what the chart draws."""
    return counts_of(show(client, **parameters))


def text_of(part: str) -> str:
    """Return the text of a piece of HTML, with single blanks."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", part)).split())


def table_of(page: str, marker: str) -> list[list[str]]:
    """Return the cells of the rows of the first table after a text, without its head."""
    table = page[page.index(marker) :].partition("</table>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", table.partition("<tbody>")[2], re.DOTALL)
    return [[text_of(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)] for row in rows]


def totals_of(page: str) -> dict[str, str]:
    """Return the numbers beside the chart, by their names."""
    part = page[page.index('<dl class="totals"') :].partition("</dl>")[0]
    return dict(re.findall(r"<dt>(?:<span[^>]*></span>)?([^<]*)</dt><dd>([^<]*)</dd>", part))


def messages_of(page: str) -> list[str]:
    """Return the sentences that say what is not as it was asked for."""
    return [text_of(one) for one in re.findall(r'<p class="message[^>]*>(.*?)</p>', page, re.DOTALL)]


def url_of(page: str) -> str:
    """Return the path and query of the command for the API, as a shell would read it."""
    found = re.search(r'<pre id="curl">(.*?)</pre>', page, re.DOTALL)
    assert found
    words = [word for word in shlex.split(html.unescape(found[1])) if word.strip()]
    assert words[:3] == ["curl", "-H", "Authorization: Bearer $TOKEN"]
    (address,) = words[3:]
    assert address.startswith(settings.PUBLIC_URL + "/api/0/")
    return address.removeprefix(settings.PUBLIC_URL)
