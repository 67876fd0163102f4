"""Every URL of the service."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularSwaggerSplitView

from statsapi.api.schema.document import SchemaView
from statsapi.operations import health, metrics
from statsapi.sign_in.passwords import one_at_a_time

# The framework has an answer to OPTIONS, but its template cannot show it.
DOCS = SpectacularSwaggerSplitView.as_view(template_name="statsapi/docs.html", http_method_names=["get", "head"])

urlpatterns = [
    path("api/0/", include("statsapi.api.urls")),
    path("", include("statsapi.pages.urls")),
    path("admin", RedirectView.as_view(url="/admin/")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    *(path(f"readyz/{one}", health.readyz, {"promise": one}, name=f"readyz-{one}") for one in health.PROMISES),
    path("metrics", metrics.metrics, name="metrics"),
    path("api/schema/", SchemaView.as_view(), name="schema"),
    path("api/docs/", DOCS, name="docs"),
    path("admin/login/", one_at_a_time(admin.site.login)),
    path("admin/password_change/", one_at_a_time(admin.site.admin_view(admin.site.password_change, cacheable=True))),
    path("admin/", admin.site.urls),
]

handler400 = "statsapi.http.failures.bad_request"
handler403 = "statsapi.http.failures.forbidden"
handler404 = "statsapi.http.failures.not_found"
handler500 = "statsapi.http.failures.server_error"
