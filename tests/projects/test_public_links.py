"""Public links: what is stored of them, until when they may be used, and which sites they may name."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
import time_machine
from django.conf import LazySettings
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from projects import services
from projects.models import Project, PublicLink
from projects.services.public_links import clean_origins

pytestmark = pytest.mark.django_db

NOW = 1_700_000_000


def test_only_a_digest_is_stored_and_the_secret_has_256_bits(project: Project) -> None:
    new = services.create_link(project=project, name="Wiki")
    row = PublicLink.objects.get()
    assert re.fullmatch(r"shl_[\w-]{43}", new.secret)
    assert row.digest == sha256(new.secret.encode()).hexdigest()
    assert row.last_four == new.secret[-4:]
    assert new.secret not in str(list(PublicLink.objects.values()))
    assert new.secret not in repr(new)
    assert services.create_link(project=project).secret != new.secret


def test_a_link_leads_to_its_project(project: Project) -> None:
    secret = services.create_link(project=project, origins="https://a.example\nhttp://b.example:8080").secret
    found = services.use_link(secret, now=NOW)
    assert found is not None
    assert (found.project, found.origins) == (project, ("https://a.example", "http://b.example:8080"))


def test_what_was_never_made_leads_nowhere_and_asks_nothing_of_the_database(project: Project) -> None:
    services.create_link(project=project)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        for text in ("", "shl_", "shl_short", "sta_" + "a" * 43, "shl_" + "ä" * 43, "shl_" + "a" * 43 + "\n"):
            assert services.use_link(text, now=NOW) is None
    assert len(queries) == 0
    assert services.use_link("shl_" + "a" * 43, now=NOW) is None


def test_a_revoked_link_leads_nowhere(project: Project) -> None:
    new, other = services.create_link(project=project), services.create_link(project=project)
    assert services.revoke_link(new.link)
    assert services.use_link(new.secret, now=NOW) is None
    assert services.use_link(other.secret, now=NOW)
    at = PublicLink.objects.get(pk=new.link.pk).revoked
    assert not services.revoke_link(new.link)
    assert PublicLink.objects.get(pk=new.link.pk).revoked == at


def test_a_link_ends_at_its_second(project: Project) -> None:
    new = services.create_link(project=project, expires=datetime.fromtimestamp(NOW, UTC))
    assert [bool(services.use_link(new.secret, now=now)) for now in (NOW - 1, NOW, NOW + 1)] == [True, False, False]


def test_a_link_is_gone_with_its_project(project: Project) -> None:
    secret = services.create_link(project=project).secret
    services.delete_project(project=project)
    assert services.use_link(secret, now=NOW) is None


def test_the_last_use_is_stored_once_an_hour(project: Project) -> None:
    secret = services.create_link(project=project).secret

    def last_used(now: int) -> float:
        services.use_link(secret, now=now)
        found = PublicLink.objects.get().last_used
        assert found
        return found.timestamp()

    assert [last_used(NOW + later) for later in (0, 1, 3599, 3600, 3601)] == [NOW, NOW, NOW, NOW + 3600, NOW + 3600]


def test_a_link_that_was_just_used_is_one_read_of_the_database(project: Project) -> None:
    secret = services.create_link(project=project).secret
    services.use_link(secret, now=NOW)
    with CaptureQueriesContext(connection) as queries:
        services.use_link(secret, now=NOW + 1)
    assert len(queries) == 1


@pytest.mark.django_db(transaction=True)
def test_a_use_that_cannot_be_noted_is_still_a_use(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    secret = services.create_link(project=project).secret
    with connection.cursor() as cursor:
        # As a full disk or a lock would: the row refuses every change.
        if connection.vendor == "sqlite":
            cursor.execute(
                "CREATE TRIGGER refuse BEFORE UPDATE ON projects_publiclink BEGIN SELECT RAISE(ABORT, 'no'); END"
            )
        else:
            cursor.execute("ALTER TABLE projects_publiclink ADD CONSTRAINT refuse CHECK (last_used IS NULL)")
    try:
        assert services.use_link(secret, now=NOW)
    finally:
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("DROP TRIGGER refuse")
            else:
                cursor.execute("ALTER TABLE projects_publiclink DROP CONSTRAINT refuse")
    assert "was not noted" in caplog.text
    assert secret not in caplog.text
    assert PublicLink.objects.get().last_used is None


def test_links_that_are_over_do_not_count_and_only_the_latest_of_them_stay(
    project: Project, settings: LazySettings
) -> None:
    settings.PROJECT_MAX_LINKS = 2
    with time_machine.travel(NOW, tick=False):
        first = services.create_link(project=project, expires=datetime.now(UTC) + timedelta(days=1)).link
    made = []
    for _ in range(4):
        made.append(services.create_link(project=project).link)
        services.revoke_link(made[-1])
    services.create_link(project=project, name="in force")
    left = PublicLink.objects.order_by("id")
    assert [one.pk for one in left if one.revoked or one.expires] == [made[2].pk, made[3].pk]
    assert not PublicLink.objects.filter(pk=first.pk).exists()


@pytest.mark.parametrize(("name", "origins"), [("", "example.com"), ("x" * 101, "")])
def test_a_link_that_is_refused_leaves_nothing(project: Project, name: str, origins: str) -> None:
    with pytest.raises(ValidationError):
        services.create_link(project=project, name=name, origins=origins)
    assert not PublicLink.objects.exists()


# --- the sites that may show it in a frame -------------------------------------------------------------------


def test_sites_are_written_as_browsers_write_them_each_once() -> None:
    text = " https://Wiki.Example.com/ \n\nhttp://localhost:8080\r\nhttps://wiki.example.com\nhttps://10.0.0.1"
    assert clean_origins(text) == ["https://wiki.example.com", "http://localhost:8080", "https://10.0.0.1"]


@pytest.mark.parametrize(
    "wrong",
    [
        "example.com",
        "*",
        "https://*",
        "https://*.example.com",
        "https:",
        "https://",
        "ftp://example.com",
        "https://example.com/path",
        "https://example.com?x",
        "https://user@example.com",
        "https://example.com:",
        "https://example.com:0",
        "https://example.com:65536",
        "https://example.com:443443",
        "https://example.com; script-src *",
        "https://example.com, https://evil.example",
        "https://example.com https://evil.example",
        "https://exa\tmple.com",
        "'self'",
        "https://-example.com",
        "https://example..com",
        "https://example.com.",
        "https://bücher.example",
        "https://[::1]",
        "https://" + "a" * 64 + ".com",
        "https://" + "a." * 127 + "com",
        "data:",
    ],
)
def test_what_is_not_exactly_a_site_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError) as refused:
        clean_origins(f"https://good.example\n{wrong}")
    assert list(refused.value.message_dict) == ["origins"]


def test_a_link_names_twenty_sites_at_most() -> None:
    twenty = [f"https://a{number}.example" for number in range(20)]
    assert clean_origins("\n".join(twenty)) == twenty
    with pytest.raises(ValidationError):
        clean_origins("\n".join([*twenty, "https://one-more.example"]))
