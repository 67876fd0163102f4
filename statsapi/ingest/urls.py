"""The URLs of intake under /api/{project_id}/."""

from django.urls import path

from statsapi.ingest import views

urlpatterns = [
    path("envelope/", views.envelope, name="envelope"),
    path("store/", views.store, name="store"),
    path("store", views.store),  # old SDKs omit the slash
    path("security/", views.security, name="security"),
    path("csp-report/", views.security, name="csp-report"),
]
