"""The settings of the API's framework. They are fixed; statsapi/settings.py has those that the environment gives."""

from __future__ import annotations

from statsapi import __version__

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["statsapi.api.authentication.Authentication"],
    "DEFAULT_PERMISSION_CLASSES": ["statsapi.api.permissions.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [],  # statsapi/api/json_body.py reads bodies within bounds
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "statsapi.api.negotiation.AlwaysJSON",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "statsapi.api.errors.exception_handler",
    # The documented example has ", " and ": " and ASCII only, which is what Python's json module writes by default.
    "COMPACT_JSON": False,
    "UNICODE_JSON": False,
    "UNAUTHENTICATED_USER": None,
}
# What scripts of other origins may read of an answer.
CORS_EXPOSE_HEADERS = [
    "Link",
    "Retry-After",
    "X-Stats-Resolution",
    "X-Stats-Retained-Since",
    "X-Stats-Timezone",
    "X-Stats-Projects",
]
SPECTACULAR_SETTINGS = {
    "TITLE": "Event counts",
    "DESCRIPTION": "Sentry-compatible event counter: counts events per project and answers how many there were.",
    "VERSION": __version__,
    "OAS_VERSION": "3.1.0",  # 3.0 cannot say that a pair is a number and an integer
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "PREPROCESSING_HOOKS": ["statsapi.api.schema.extensions.only_the_api"],
    "POSTPROCESSING_HOOKS": [
        "statsapi.api.schema.extensions.complete_operations",
        "statsapi.api.resources.links.add_links",
    ],
}
