from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ProjectsConfig(AppConfig):
    """This package as a Django application."""

    name = "projects"
    verbose_name = "Organizations and projects"


class OperatorsAdminConfig(AdminConfig):
    """Django's admin, for superusers only (projects/admin_site.py)."""

    default_site = "projects.admin_site.OperatorSite"
