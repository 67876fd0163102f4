"""The rules that the database enforces, whoever writes to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, transaction

from projects import services
from projects.models import (
    SCOPES,
    ApiToken,
    Environment,
    Membership,
    Organization,
    Project,
    ProjectFilters,
    ProjectKey,
    ProjectRedirect,
)

pytestmark = pytest.mark.django_db

GOOD_SLUGS = ["a", "web", "0a", "a0", "-", "_", "--", "1-2", "x" * 100]
BAD_SLUGS = [
    "", "Web", "WEB", "1", "0123", "9" * 30, "a b", " a", "a ", "a\n", "\na", "a\tb", "é", "ａ", "١a", "a.b", "a/b",
    "a:b", "{a}", "a*", "x" * 101,
]  # fmt: skip
GOOD_HEX = ["0" * 32, "0123456789abcdef" * 2]
BAD_HEX = ["", "0" * 31, "0" * 33, "A" * 32, "g" * 32, "0" * 32 + "\n", "０" * 32, " " * 32]


def is_refused(write: Callable[[], Any]) -> bool:
    try:
        with transaction.atomic():
            write()
    except (IntegrityError, DatabaseError):
        return True
    return False


def makers(organization: Organization) -> list[Callable[[str], Any]]:
    return [
        lambda slug: Organization.objects.create(slug=slug, name="O"),
        lambda slug: Project.objects.create(organization=organization, slug=slug, name="P"),
        lambda slug: Organization.objects.filter(pk=organization.pk).update(slug=slug),
        lambda slug: Organization.objects.bulk_create([Organization(slug=f"{slug}", name="O")]),
    ]


@pytest.mark.parametrize("kind", range(4))
@pytest.mark.parametrize("slug", GOOD_SLUGS)
def test_a_slug_is_kept(organization: Organization, kind: int, slug: str) -> None:
    assert not is_refused(lambda: makers(organization)[kind](slug))


@pytest.mark.parametrize("kind", range(4))
@pytest.mark.parametrize("slug", BAD_SLUGS, ids=ascii)
def test_what_is_no_slug_is_refused_by_the_database(organization: Organization, kind: int, slug: str) -> None:
    assert is_refused(lambda: makers(organization)[kind](slug))


@pytest.mark.parametrize("slug", BAD_SLUGS, ids=ascii)
def test_what_is_no_slug_is_refused_with_a_message_before_that(organization: Organization, slug: str) -> None:
    with pytest.raises(ValidationError, match="slug"):
        services.create_organization(slug=slug, name="O")
    with pytest.raises(ValidationError, match="slug"):
        services.create_project(organization=organization, slug=slug, name="P")


@pytest.mark.parametrize("field", ["public", "secret"])
@pytest.mark.parametrize(("value", "good"), [*((one, True) for one in GOOD_HEX), *((one, False) for one in BAD_HEX)])
def test_a_key_is_32_hexadecimal_digits(project: Project, field: str, value: str, good: bool) -> None:
    assert is_refused(lambda: ProjectKey.objects.filter(project=project).update(**{field: value})) is not good
    ProjectKey.objects.all().delete()
    assert is_refused(lambda: ProjectKey.objects.create(project=project, **{field: value})) is not good


@pytest.mark.parametrize(
    ("digest", "good"), [("0" * 64, True), ("0" * 63, False), ("F" * 64, False), ("0" * 64 + "\n", False)]
)
def test_of_a_token_a_digest_is_kept(organization: Organization, digest: str, good: bool) -> None:
    assert is_refused(lambda: ApiToken.objects.create(organization=organization, digest=digest)) is not good


@pytest.mark.parametrize(
    ("count", "window", "good"),
    [
        (None, None, True),
        (0, 1, True),
        (100, 86400, True),
        (1, 0, False),
        (1, 86401, False),
        (1, None, False),
        (None, 60, False),
        (-1, 60, False),
        (1, -60, False),
    ],
)
def test_a_rate_limit_is_a_count_and_a_window(project: Project, count: int, window: int, good: bool) -> None:
    limit = {"rate_limit_count": count, "rate_limit_window": window}
    assert is_refused(lambda: ProjectKey.objects.create(project=project, **limit)) is not good


def test_what_must_be_there_once_is_refused_twice(organization: Organization, project: Project, owner: User) -> None:
    key = project.keys.get()
    token = services.create_token(organization=organization, scopes=SCOPES).token
    Environment.objects.create(project=project, name="production")
    ProjectRedirect.objects.create(organization=organization, slug="old", project=project)
    again: list[Callable[[], Any]] = [
        lambda: Organization.objects.create(slug="acme", name="Other"),
        lambda: Project.objects.create(organization=organization, slug="web", name="Other"),
        lambda: ProjectKey.objects.create(project=project, public=key.public),
        lambda: ApiToken.objects.create(organization=organization, digest=token.digest),
        lambda: Membership.objects.create(organization=organization, user=owner),
        lambda: Environment.objects.create(project=project, name="production"),
        lambda: ProjectRedirect.objects.create(organization=organization, slug="old", project=project),
    ]
    assert all(is_refused(one) for one in again)


def test_two_organizations_may_have_a_project_of_one_name(project: Project, other_organization: Organization) -> None:
    assert not is_refused(lambda: services.create_project(organization=other_organization, slug="web", name="Web"))


@pytest.mark.parametrize("role", ["", "admin", "Owner"])
def test_a_membership_has_a_known_role(organization: Organization, outsider: User, role: str) -> None:
    assert is_refused(lambda: Membership.objects.create(organization=organization, user=outsider, role=role))


def test_keys_are_random_and_no_two_are_alike(project: Project) -> None:
    keys = [ProjectKey.objects.create(project=project) for _ in range(20)]
    assert len({half for key in keys for half in (key.public, key.secret)}) == 40


def test_a_token_shows_no_secret(organization: Organization) -> None:
    new = services.create_token(organization=organization, scopes=["org:read"], name="ci", expires=datetime.now(UTC))
    row = ApiToken.objects.filter(pk=new.token.pk).values().get()
    shown = f"{row} {new.token} {new.token!r} {new!r}"
    assert new.secret not in shown
    assert new.secret[4:] not in shown
    assert str(new.token) == f"ci …{new.secret[-4:]}"


def test_the_migrations_are_what_the_models_say() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.parametrize("text", ["banana", "10.0.0.0/33", "10.0.0.1\nbanana", "1.2.3"])
def test_a_filter_takes_addresses_and_networks_alone(project: Project, text: str) -> None:
    filters = ProjectFilters(project=project, ip_addresses=text)
    with pytest.raises(ValidationError, match="neither an address nor a network"):
        filters.full_clean()


def test_a_filter_takes_an_address_or_a_network_a_line(project: Project) -> None:
    ProjectFilters(project=project, ip_addresses="192.0.2.7\n\n 10.0.0.0/8 \n2001:db8::/32").full_clean()


def test_a_filter_takes_names_of_legacy_browsers_alone(project: Project) -> None:
    ProjectFilters(project=project, legacy_browser_subfilters="ie9\n\n chrome \n").full_clean()
    with pytest.raises(ValidationError, match="“netscape” is none of ie, edge,"):
        ProjectFilters(project=project, legacy_browser_subfilters="ie9\nnetscape").full_clean()


@pytest.mark.parametrize("field", ["release_versions", "error_messages"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\n".join(f"*{number}*" for number in range(501)), "Keep to 500 globs, .* these are 501"),
        ("1.*\n*" + "a" * 500, "Keep each glob to 500 characters: “\\*a{19}…” has 501"),
        ("\n".join(f"*{number}{{a,b}}*" for number in range(251)), "Keep to 500 globs, .* these are 502"),
        ("{a,b}" * 100, "“{a,b}{a,b}{a,b}{a,b}…” has too many alternatives. Keep to 500"),
    ],
)
def test_a_list_that_takes_too_long_to_compare_is_refused(project: Project, field: str, text: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said) as error:
        ProjectFilters(project=project, **{field: text}).full_clean()
    assert list(error.value.message_dict) == [field]


def test_a_list_of_500_globs_or_of_a_long_one_is_taken(project: Project) -> None:
    many, long = "\n\n".join(f"*{number}*" for number in range(500)), "a" * 500
    ProjectFilters(project=project, release_versions=many, error_messages=long).full_clean()


def test_a_longer_list_that_was_saved_before_stays_until_it_is_changed(project: Project) -> None:
    list_of_before = "\n".join(f"*{number}*" for number in range(1200))
    row = ProjectFilters.objects.create(project=project, error_messages=list_of_before)
    row.localhost = True
    row.full_clean()
    row.error_messages += "\n*one more*"
    with pytest.raises(ValidationError, match="Keep to 500 globs"):
        row.full_clean()
