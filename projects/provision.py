"""What a command asks for by name: found, or else made.

Of two commands that make the same at the same moment one may fail, and says that it is there already.
"""

from __future__ import annotations

from django.core.exceptions import ValidationError

from projects import services
from projects.models import Organization, Project, ProjectKey


def ensure_organization(slug: str) -> Organization:
    """Raises ValidationError for a slug that cannot be one."""
    found = Organization.objects.filter(slug=slug).first()
    if found:
        return found
    try:
        return services.create_organization(slug=slug, name=_name_of(slug))
    except ValidationError as error:
        raise _about(slug, error) from error


def ensure_project(organization: Organization, slug: str, name: str = "") -> Project:
    """A project that is there keeps its name. Raises ValidationError for a slug or a name that cannot be one."""
    found = Project.objects.filter(organization=organization, slug=slug).first()
    if found:
        return found
    try:
        return services.create_project(organization=organization, slug=slug, name=name or _name_of(slug))
    except ValidationError as error:
        raise _about(slug, error) from error


def ensure_key(project: Project) -> ProjectKey:
    """The project's first active key."""
    return project.keys.filter(active=True).first() or services.create_key(project=project)


def _name_of(slug: str) -> str:
    return slug.replace("-", " ").replace("_", " ").title().strip() or slug


def _about(slug: str, error: ValidationError) -> ValidationError:
    """An error with the messages of `error` that names the slug which was asked for."""
    return ValidationError(f"{slug!r} cannot be made: {' '.join(dict.fromkeys(error.messages))}")
