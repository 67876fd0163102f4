"""The addresses under /api/0/."""

from django.urls import path

from statsapi.api.outcomes import OutcomesView
from statsapi.api.project_stats import ProjectStatsView

_PROJECT = "projects/<str:organization_slug>/<str:project_slug>"

urlpatterns = [
    path(f"{_PROJECT}/stats/", ProjectStatsView.as_view(), name="project-stats"),
    path(f"{_PROJECT}/outcomes/", OutcomesView.as_view(), name="project-outcomes"),
]
