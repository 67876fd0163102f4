"""Django's admin for whoever runs the service. Its own log of changes is the audit."""

from __future__ import annotations

from projects.admin.keys import KeyAdmin
from projects.admin.organizations import OrganizationAdmin
from projects.admin.projects import ProjectAdmin
from projects.admin.tokens import TokenAdmin
from projects.admin.users import UserAdmin

__all__ = ["KeyAdmin", "OrganizationAdmin", "ProjectAdmin", "TokenAdmin", "UserAdmin"]
