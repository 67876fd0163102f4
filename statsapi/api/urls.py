"""The URLs under /api/0/."""

from django.urls import path

from statsapi.api.resources.budgets import BudgetsView, BudgetView
from statsapi.api.resources.environments import OrganizationEnvironmentsView, ProjectEnvironmentsView
from statsapi.api.resources.filters import FiltersView, FilterView
from statsapi.api.resources.keys import KeysView, KeyView, OrganizationKeysView
from statsapi.api.resources.members import MembersView, MemberView
from statsapi.api.resources.organizations import OrganizationsView, OrganizationView, TeamsView, TeamView
from statsapi.api.resources.outcomes import OutcomesView
from statsapi.api.resources.projects import (
    MergeView,
    OrganizationProjectsView,
    ProjectsView,
    ProjectView,
    TeamProjectsView,
)
from statsapi.api.root import AuthView, MyselfView, RootView
from statsapi.api.stats.key import KeyStatsView
from statsapi.api.stats.organization import OrganizationStatsView, TeamStatsView
from statsapi.api.stats.project import ProjectStatsView
from statsapi.api.stats.summary import StatsSummaryView
from statsapi.api.stats.v2 import StatsV2View

_ORGANIZATION = "organizations/<str:organization_slug>"
_TEAM = "teams/<str:organization_slug>/<str:team_slug>"
_PROJECT = "projects/<str:organization_slug>/<str:project_slug>"

urlpatterns = [
    # This is first because Django tries them in turn, and it is asked far more often than all others.
    path(f"{_PROJECT}/stats/", ProjectStatsView.as_view(), name="project-stats"),
    path("", RootView.as_view(), name="root"),
    path("auth/", AuthView.as_view(), name="auth"),
    path("users/me/", MyselfView.as_view(), name="user"),
    path("organizations/", OrganizationsView.as_view(), name="organizations"),
    path(f"{_ORGANIZATION}/", OrganizationView.as_view(), name="organization"),
    path(f"{_ORGANIZATION}/stats/", OrganizationStatsView.as_view(), name="organization-stats"),
    path(f"{_ORGANIZATION}/stats_v2/", StatsV2View.as_view(), name="stats-v2"),
    path(f"{_ORGANIZATION}/stats-summary/", StatsSummaryView.as_view(), name="stats-summary"),
    path(f"{_ORGANIZATION}/teams/", TeamsView.as_view(), name="teams"),
    path(f"{_ORGANIZATION}/projects/", OrganizationProjectsView.as_view(), name="organization-projects"),
    path(f"{_ORGANIZATION}/project-keys/", OrganizationKeysView.as_view(), name="organization-keys"),
    path(f"{_ORGANIZATION}/environments/", OrganizationEnvironmentsView.as_view(), name="organization-environments"),
    path(f"{_ORGANIZATION}/members/", MembersView.as_view(), name="members"),
    path(f"{_ORGANIZATION}/members/<str:member_id>/", MemberView.as_view(), name="member"),
    path(f"{_TEAM}/", TeamView.as_view(), name="team"),
    path(f"{_TEAM}/stats/", TeamStatsView.as_view(), name="team-stats"),
    path(f"{_TEAM}/projects/", TeamProjectsView.as_view(), name="team-projects"),
    path("projects/", ProjectsView.as_view(), name="projects"),
    path(f"{_PROJECT}/", ProjectView.as_view(), name="project"),
    path(f"{_PROJECT}/environments/", ProjectEnvironmentsView.as_view(), name="project-environments"),
    path(f"{_PROJECT}/filters/", FiltersView.as_view(), name="filters"),
    path(f"{_PROJECT}/filters/<str:filter_id>/", FilterView.as_view(), name="filter"),
    path(f"{_PROJECT}/merge/", MergeView.as_view(), name="project-merge"),
    path(f"{_PROJECT}/budgets/", BudgetsView.as_view(), name="budgets"),
    path(f"{_PROJECT}/budgets/<str:budget_id>/", BudgetView.as_view(), name="budget"),
    path(f"{_PROJECT}/keys/", KeysView.as_view(), name="keys"),
    path(f"{_PROJECT}/keys/<str:public_key>/", KeyView.as_view(), name="key"),
    path(f"{_PROJECT}/keys/<str:public_key>/stats/", KeyStatsView.as_view(), name="key-stats"),
    path(f"{_PROJECT}/outcomes/", OutcomesView.as_view(), name="project-outcomes"),
]
