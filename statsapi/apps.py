"""The Django application of the service, which registers the system checks."""

from django.apps import AppConfig


class StatsApiConfig(AppConfig):
    name = "statsapi"

    def ready(self) -> None:
        from statsapi.operations import checks  # noqa: F401 - importing registers the checks
