from django.apps import AppConfig


class StatsApiConfig(AppConfig):
    name = "statsapi"

    def ready(self) -> None:
        from statsapi.operations import checks  # noqa: F401 - registers itself, once the applications are loaded
