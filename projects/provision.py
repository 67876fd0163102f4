"""Organizations, projects and keys that a command names: get each one, or create it if it is missing.

If two commands create the same one at the same moment, one of them may fail and say that it exists already.
"""

from __future__ import annotations

from django.core.exceptions import ValidationError

from projects import services
from projects.models import Organization, Project, ProjectKey


def ensure_organization(slug: str) -> Organization:
    """Return the organization with this slug, created if it is missing. Raises ValidationError for a bad slug."""
    found = Organization.objects.filter(slug=slug).first()
    if found:
        return found
    try:
        return services.create_organization(slug=slug, name=_name_of(slug))
    except ValidationError as error:
        raise _about(slug, error) from error


def ensure_project(organization: Organization, slug: str, name: str = "") -> Project:
    """Return the project with this slug, created if it is missing.

    `name` is for a new project, and is made from the slug if it is empty. An existing project keeps its name. Raises
    ValidationError for a bad slug or name, and as services.create_project does.
    """
    found = Project.objects.filter(organization=organization, slug=slug).first()
    if found:
        return found
    try:
        return services.create_project(organization=organization, slug=slug, name=name or _name_of(slug))
    except ValidationError as error:
        raise _about(slug, error) from error


def ensure_key(project: Project) -> ProjectKey:
    """Return the project's first active key, created if there is none. Raises services.LimitReached."""
    return project.keys.filter(active=True).first() or services.create_key(project=project)


def _name_of(slug: str) -> str:
    return slug.replace("-", " ").replace("_", " ").title().strip() or slug


def _about(slug: str, error: ValidationError) -> ValidationError:
    """Return an error that has the messages of `error` and names the slug."""
    return ValidationError(f"{slug!r} cannot be made: {' '.join(dict.fromkeys(error.messages))}")
