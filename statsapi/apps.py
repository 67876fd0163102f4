"""The Django application of the service, which registers the system checks."""

from django.apps import AppConfig
from django.conf import settings

from statsapi.operations import metrics_files


class StatsApiConfig(AppConfig):
    name = "statsapi"

    def ready(self) -> None:
        if settings.METRICS_TOKEN:
            metrics_files.use(settings.METRICS_DIR)  # before anything imports prometheus_client, as the checks do
        from statsapi.operations import checks  # noqa: F401 - importing registers the checks
