"""Filters of an installation that is older than the choice of legacy browsers: each catches what it did."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from projects import services
from projects.legacy_browsers import LEGACY_BROWSERS
from projects.models import Project, ProjectFilters
from statsapi.ingest.config import _filters

pytestmark = pytest.mark.django_db(transaction=True)
BEFORE = [("projects", "0004_pages")]
FLAGS = "localhost, web_crawlers, legacy_browsers, browser_extensions, invalid_csp"


def migrate(targets: list[tuple[str, str]] | None = None) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(targets or [leaf for leaf in executor.loader.graph.leaf_nodes() if leaf[0] == "projects"])


def write_as_before(project: Project) -> None:
    """Write a row as the earlier version does, which knows nothing of the new column."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO projects_projectfilters (project_id, {FLAGS}, ip_addresses, release_versions, error_messages)"
            " VALUES (%s, false, false, true, false, false, '10.0.0.0/8', '', '*boom*')",
            [project.pk],
        )


def test_old_filters_stay_and_the_earlier_version_can_still_write_some() -> None:
    organization = services.create_organization(slug="acme", name="Acme")
    web, shop = (services.create_project(organization=organization, slug=slug, name=slug) for slug in ("web", "shop"))
    ProjectFilters.objects.all().delete()
    try:
        migrate(BEFORE)
        write_as_before(web)
    finally:
        migrate()
    write_as_before(shop)
    for row in ProjectFilters.objects.all():
        assert (row.legacy_browsers, row.ip_addresses, row.error_messages) == (True, "10.0.0.0/8", "*boom*")
        assert _filters(row).legacy_browsers == LEGACY_BROWSERS
    assert ProjectFilters.objects.count() == 2
