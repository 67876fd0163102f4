"""The entries of the cache under which a project is found."""

from __future__ import annotations

from projects import selectors
from projects.models import Project


def cache_keys(project: Project) -> list[str]:
    """Return the cache's keys for the project's id, its slug, and its earlier slugs."""
    references = [str(project.pk), project.slug, *project.redirects.values_list("slug", flat=True)]
    return [selectors.project_cache_key(project.organization_id, reference) for reference in references]
