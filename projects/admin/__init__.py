"""Django's admin for whoever runs the service. Its own log of changes is the audit."""

from __future__ import annotations

from django.contrib import admin

from projects.admin.keys import KeyAdmin
from projects.admin.organizations import OrganizationAdmin
from projects.admin.projects import ProjectAdmin
from projects.admin.tokens import TokenAdmin

admin.site.site_header = "Event counts"
admin.site.site_title = "Event counts"
admin.site.index_title = "Who is counted, and who may ask"
admin.site.site_url = None

__all__ = ["KeyAdmin", "OrganizationAdmin", "ProjectAdmin", "TokenAdmin"]
