"""What runs around the views, and for whom."""

from __future__ import annotations

import re
from typing import NamedTuple

PROBES = re.compile(r"/(healthz|readyz(/(reads|counting|managing))?)")
"""The paths of those who look whether the service is up. They ask by address and without HTTPS."""


class Runs(NamedTuple):
    """A middleware, and whether it runs for a request of each kind."""

    middleware: str
    probes: bool
    """PROBES, whoever asks."""
    token: bool
    """The API under /api/0/, asked with a token."""
    session: bool
    """The API, asked by the browser of a person who is signed in, or by nobody who is known."""
    pages: bool
    """Pages, files, and everything else."""


YES, NO = True, False
TABLE = (
    # Outermost first. A middleware with "answers" calls the view itself, so the kinds that it is for end there.
    # The columns: probes, token, session, pages.
    Runs("statsapi.middleware.response_headers", YES, YES, YES, YES),
    Runs("django.middleware.security.SecurityMiddleware", YES, YES, YES, YES),
    Runs("statsapi.middleware.probes", YES, YES, YES, YES),  # answers probes
    Runs("corsheaders.middleware.CorsMiddleware", NO, YES, YES, YES),  # if CORS_ORIGINS is set
    Runs("statsapi.api.fast_path.fast_path_for_tokens", NO, YES, YES, YES),  # answers those with a token
    Runs("csp.middleware.CSPMiddleware", NO, NO, YES, YES),
    Runs("whitenoise.middleware.WhiteNoiseMiddleware", NO, NO, YES, YES),
    Runs("statsapi.middleware.failures_as_json", NO, NO, YES, YES),
    Runs("statsapi.middleware.words_for_wrong_methods", NO, NO, YES, YES),
    Runs("django.contrib.sessions.middleware.SessionMiddleware", NO, NO, YES, YES),
    Runs("django.middleware.common.CommonMiddleware", NO, NO, YES, YES),
    Runs("django.middleware.csrf.CsrfViewMiddleware", NO, NO, YES, YES),
    Runs("django.contrib.auth.middleware.AuthenticationMiddleware", NO, NO, YES, YES),
    Runs("statsapi.middleware.short_forms", NO, NO, YES, YES),
    Runs("django.contrib.messages.middleware.MessageMiddleware", NO, NO, YES, YES),
    Runs("django.middleware.clickjacking.XFrameOptionsMiddleware", NO, NO, YES, YES),
    Runs("axes.middleware.AxesMiddleware", NO, NO, YES, YES),
)
