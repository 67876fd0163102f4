"""Every page of the service in a browser, signed in as a person of an organization or signed out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from playwright.sync_api import Browser, Page, Response

from tests.pages.routes import Route, routes
from tests.service import Service

# A function of the backstage process: fill an organization with one of everything, and return the names of it all.
FURNISH = """
import time
from django.contrib.auth.models import User
from django.test import Client
from projects.models import Organization
from projects.password_links import make_link
from tsdb import series
from tsdb.outcomes import Category, Outcome
from tsdb.store import Increment

def furnish(slug, project_slug, name):
    now = int(time.time())
    organization = Organization.objects.filter(slug=slug).first()
    organization = organization or services.create_organization(slug=slug, name=name)
    project = organization.projects.filter(slug=project_slug).first()
    project = project or services.create_project(organization=organization, slug=project_slug, name=name, platform=name)
    key = services.create_key(project=project, label=name)
    services.environment_id(project.pk, name[:64])
    budget = project.budgets.first() or services.create_budget(project, category="error", limit=1000, window=0)
    token = services.create_token(organization=organization, scopes=["org:read"], name=name).token
    link = services.create_link(project=project, name=name)
    boss = User.objects.create_user("owner of " + name)
    services.add_member(organization=organization, user_id=boss.pk, role="owner")
    boss.refresh_from_db()
    other = User.objects.create_user("viewer of " + name)
    member = services.add_member(organization=organization, user_id=other.pk, role="viewer")
    other.refresh_from_db()
    for outcome, reason in {
        Outcome.ACCEPTED: "none",
        Outcome.FILTERED: "web-crawlers",
        Outcome.RATE_LIMITED: "key_quota",
        Outcome.CLIENT_DISCARD: "sample_rate",
        Outcome.INVALID: "none",
    }.items():
        for hours in range(40):
            event = series.of_event(project.pk, key.pk, Category.ERROR, outcome, reason=reason)
            services.count(project.pk, [Increment(one, now - hours * 3600, hours + 1) for one in event], now=now)
    client = Client()
    client.force_login(boss)
    *_, number, choosing, _ = make_link(other).split("/")
    return {
        "session": client.cookies["sessionid"].value,
        "organization": slug,
        "project": project_slug,
        "public": key.public,
        "budget": str(budget.pk),
        "token": str(token.pk),
        "link": str(link.link.pk),
        "member": str(member.pk),
        "uidb64": number,
        "password-link.token": choosing,
        "share.token": link.secret,
        "share-picture.token": link.secret,
    }
"""


class Furnished(NamedTuple):
    """An organization with one of everything: the session of its owner, and what stands for the parameters of pages."""

    session: str
    names: Mapping[str, str]


def furnish(service: Service, organization: str, project: str, name: str) -> Furnished:
    """Make an organization with one of everything that pages show, all of it with this name."""
    service.run(FURNISH)
    names = service.run(f"answer = furnish({organization!r}, {project!r}, {name!r})")
    return Furnished(names.pop("session"), names)


def pages(service: Service, names: Mapping[str, str]) -> dict[Route, str]:
    """Return the address of every page that can be opened."""
    urls = {route: route.url(names) for route in routes()}
    return {route: url for route, url in urls.items() if "GET" in service.ask("TRACE", url).headers["allow"]}


class Visit(NamedTuple):
    """A page that was opened: the answer, everything that it loaded, and what went wrong in the browser."""

    page: Page
    answer: Response
    loaded: list[Response]
    wrong: list[str]

    @property
    def is_page(self) -> bool:
        """Whether the answer is HTML. An icon and a picture are not."""
        return self.answer.headers.get("content-type", "").startswith("text/html")


@contextmanager
def visiting(browser: Browser, service: Service, session: str = "", **options: Any) -> Iterator[Visitor]:
    """Yield a new browser session, signed in with `session`, if there is one. `options` are Playwright's."""
    context = browser.new_context(base_url=f"http://127.0.0.1:{service.port}", **options)
    context.set_default_timeout(60_000)
    if session:
        context.add_cookies([{"name": "sessionid", "value": session, "domain": "127.0.0.1", "path": "/"}])
    try:
        yield Visitor(context.new_page())
    finally:
        context.close()


class Visitor:
    """A tab of the browser, which opens one page after the other."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._loaded: list[Response] = []
        self._wrong: list[str] = []
        page.on("pageerror", lambda error: self._wrong.append(str(error)))
        page.on("console", lambda said: self._wrong.append(said.text) if "Security Policy" in said.text else None)
        page.on("response", lambda answer: self._loaded.append(answer))

    def open(self, url: str) -> Visit:
        """Open a page and wait until all that it loads is there."""
        self._loaded.clear()
        self._wrong.clear()
        answer = self.page.goto(url, wait_until="load")
        assert answer
        return Visit(self.page, answer, list(self._loaded), list(self._wrong))
