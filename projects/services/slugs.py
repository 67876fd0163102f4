"""What the cache keeps of a project's slugs."""

from __future__ import annotations

from projects import selectors
from projects.models import Project


def cache_keys(project: Project) -> list[str]:
    """Under which a project is found: its id, its slug, and those that it had before."""
    references = [str(project.pk), project.slug, *project.redirects.values_list("slug", flat=True)]
    return [selectors.project_cache_key(project.organization_id, reference) for reference in references]
