"""Public links: who may frame them, and what browsers and search engines may do with their address."""

from __future__ import annotations

import pytest
from django.test import Client

from projects import services
from projects.models import Project, PublicLink
from tests.security.test_content_security_policy import POLICY, policy

pytestmark = [pytest.mark.django_db, pytest.mark.once]

SITES = "https://wiki.example.com\nhttp://localhost:8080"


def make(project: Project, origins: str = "") -> str:
    return f"/share/{services.create_link(project=project, origins=origins).secret}"


def test_a_page_may_be_framed_by_the_sites_of_its_link_alone(client: Client, project: Project) -> None:
    response = client.get(f"{make(project, SITES)}/")
    assert policy(response) == {**POLICY, "frame-ancestors": "https://wiki.example.com http://localhost:8080"}
    assert "X-Frame-Options" not in response.headers


def test_nobody_frames_a_link_without_sites_or_its_picture_or_any_other_page(
    client: Client, admin_client: Client, project: Project
) -> None:
    framed = make(project, SITES)
    paths = [f"{make(project)}/", f"{make(project)}.svg", f"{framed}.svg", "/share/shl_x/", "/login/"]
    for response in (*map(client.get, paths), admin_client.get("/o/acme/web/"), admin_client.get("/o/acme/web/links/")):
        assert policy(response)["frame-ancestors"] == "'none'"
        assert response.headers["X-Frame-Options"].lower() == "deny"


def test_nobody_frames_a_link_that_is_revoked(client: Client, project: Project) -> None:
    path = f"{make(project, SITES)}/"
    services.revoke_link(PublicLink.objects.get())
    response = client.get(path)
    assert (response.status_code, policy(response)) == (404, POLICY)
    assert response.headers["X-Frame-Options"].lower() == "deny"


def test_no_site_can_add_a_directive_to_the_policy(client: Client, project: Project) -> None:
    path = f"{make(project)}/"
    # As if somebody could write to the database: what the service refuses stands in the row.
    PublicLink.objects.update(origins="https://a.example; script-src *")
    response = client.get(path)
    assert policy(response)["default-src"] == "'self'"
    assert "script-src" not in policy(response)


@pytest.mark.parametrize("form", ["/", ".svg"])
def test_its_address_is_not_listed_and_not_told_to_other_sites(client: Client, project: Project, form: str) -> None:
    response = client.get(make(project) + form)
    assert response.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    if form == "/":
        assert b'<meta name="robots" content="noindex, nofollow">' in response.content
        assert b'<meta name="referrer" content="no-referrer">' in response.content
        assert "no-store" in response.headers["Cache-Control"]


def test_its_page_does_not_repeat_its_address(client: Client, project: Project) -> None:
    path = make(project, SITES)
    for form in ("/", ".svg"):
        response = client.get(path + form, {"range": "30d", "theme": "dark"})
        assert path.removeprefix("/share/") not in response.content.decode() + str(response.headers)
