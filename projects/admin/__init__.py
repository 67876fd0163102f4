"""Django's admin for the operators of the service. The admin's own log of changes is the audit log."""

from __future__ import annotations

from projects.admin.keys import KeyAdmin
from projects.admin.organizations import OrganizationAdmin
from projects.admin.projects import ProjectAdmin
from projects.admin.tokens import TokenAdmin
from projects.admin.users import UserAdmin

__all__ = ["KeyAdmin", "OrganizationAdmin", "ProjectAdmin", "TokenAdmin", "UserAdmin"]
