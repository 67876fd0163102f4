from __future__ import annotations

import time_machine
from django.test import Client

from projects.models import Project
from statsapi.api.schema import EXAMPLE_COUNTS, EXAMPLE_START

URL = "/api/0/projects/acme/web/stats/"

EXAMPLE = (
    "[[1537308000.0, 459], [1537311600.0, 1290], [1537315200.0, 1460], [1537318800.0, 1059], "
    "[1537322400.0, 1154], [1537326000.0, 943], [1537329600.0, 1849], [1537333200.0, 545], "
    "[1537336800.0, 832], [1537340400.0, 1726], [1537344000.0, 1174], [1537347600.0, 653], "
    "[1537351200.0, 935], [1537354800.0, 1383], [1537358400.0, 1766], [1537362000.0, 1341], "
    "[1537365600.0, 1508], [1537369200.0, 1142], [1537372800.0, 1259], [1537376400.0, 959], "
    "[1537380000.0, 1591], [1537383600.0, 1571], [1537387200.0, 834], [1537390800.0, 1343]]"
)


def test_it_answers_the_original_documentation_byte_for_byte(api: Client, project: Project) -> None:
    with time_machine.travel(EXAMPLE_START + 24 * 3600 - 1, tick=False):
        outcomes = [
            {"outcome": "accepted", "quantity": count, "timestamp": EXAMPLE_START + 3600 * hour}
            for hour, count in enumerate(EXAMPLE_COUNTS)
        ]
        posted = api.post("/api/0/projects/acme/web/outcomes/", {"outcomes": outcomes}, content_type="application/json")
        assert (posted.status_code, posted.json()) == (201, {"accepted": sum(EXAMPLE_COUNTS)})
        response = api.get(URL)

    assert response.status_code == 200
    assert response.content.decode() == EXAMPLE
    shown = {
        "Content-Length": "520",
        "X-XSS-Protection": "1; mode=block",
        "Content-Language": "en",
        "X-Content-Type-Options": "nosniff",
        "Vary": "Accept-Language, Cookie",
        "Allow": "GET, HEAD, OPTIONS",
        "X-Frame-Options": "deny",
        "Content-Type": "application/json",
    }
    assert {name: response[name] for name in shown} == shown
    assert response["X-Stats-Resolution"] == "3600"
