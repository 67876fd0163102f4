from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ProjectsConfig(AppConfig):
    name = "projects"
    verbose_name = "Organizations and projects"


class OperatorsAdminConfig(AdminConfig):
    default_site = "projects.admin_site.OperatorSite"
