"""The text that `make run` shows when it is up: the addresses, and a command to copy."""

from __future__ import annotations

import os
import secrets
import shlex
import sys
import time
from contextlib import suppress

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from projects import seeding, services
from projects.dsn import dsn
from projects.models import ApiToken, Organization, Project
from tsdb.budgets import MONTH
from tsdb.outcomes import Category
from tsdb.units import MINUTE

TOKEN_NAME = "make run"  # noqa: S105
ADMIN = "admin"


def welcome() -> str:
    """Return the text to show. Fill an empty database with demo data, and make the token and the user of the text.

    The token is new each time and replaces the last one, so that they do not accumulate. Raises
    redis.exceptions.RedisError, django.db.DatabaseError.
    """
    if not Organization.objects.exists():
        _make_demo_data()
    parts = [
        f"Counting events at {settings.PUBLIC_URL} (Ctrl-C ends it)",
        _part("The page", f"{settings.PUBLIC_URL}/", _who_signs_in()),
    ]
    project = Project.objects.select_related("organization").order_by("pk").first()
    if project is None:
        parts += [_part("A project to count into", _manage("createproject", "ORGANIZATION", "PROJECT"))]
    else:
        parts += [_part("How many events were there in the last 24 hours?", _curl(project))]
        key = project.keys.filter(active=True).first()
        if key:
            parts += [_part(f"The DSN of {project.slug}, for any Sentry SDK", dsn(key.public, project.pk))]
    parts += [
        _part("The API's pages", f"{settings.PUBLIC_URL}/api/docs/"),
        _part("The admin, with the same user", f"{settings.PUBLIC_URL}/admin/"),
    ]
    return "\n\n".join(["", *parts, ""])


def _part(title: str, *lines: str) -> str:
    return "\n    ".join([f"  {title}", *lines])


def _make_demo_data() -> None:
    now = int(time.time())
    organization, projects = seeding.make_projects(seeding.ORGANIZATION, seeding.PROJECTS)
    try:
        for project in projects:
            seeding.count(project, seeding.default_plan(), now=now)
        _make_budgets(projects[0].project)
    except BaseException:
        # For example Ctrl-C. The next start then begins from nothing again.
        services.delete_organization(organization=organization)
        raise


def _make_budgets(project: Project) -> None:
    """Give the project two budgets, as far as the rollups make up such windows."""
    for limit, window in ((1_000, 5 * MINUTE), (1_000_000, MONTH)):
        with suppress(ValidationError):
            services.create_budget(project, category=Category.ERROR, limit=limit, window=window)


def _curl(project: Project) -> str:
    services.delete_tokens(ApiToken.objects.filter(name=TOKEN_NAME))
    token = services.create_token(
        organization=project.organization, scopes=["project:read", "org:read"], name=TOKEN_NAME
    )
    path = f"/api/0/projects/{project.organization.slug}/{project.slug}/stats/"
    return shlex.join(["curl", "-H", f"Authorization: Bearer {token.secret}", settings.PUBLIC_URL + path])


def _who_signs_in() -> str:
    superuser = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    if superuser:
        name = superuser.get_username()
        return f"user {name}; a new password: {_manage('changepassword', name)}"
    if User.objects.filter(username=ADMIN).exists():
        return f"there is no operator yet: {_manage('createuser', 'EMAIL', '--operator')}"
    password = secrets.token_urlsafe(12)
    User.objects.create_superuser(ADMIN, password=password)
    return f"user {ADMIN}, password {password} (shown this once)"


def _manage(*arguments: str) -> str:
    """Return a command of manage.py as it can be typed where this was started."""
    program = [os.path.relpath(path) for path in (sys.executable, settings.BASE_DIR / "manage.py")]
    var_dir = os.environ.get("VAR_DIR")
    prefix = f"VAR_DIR={shlex.quote(var_dir)} " if var_dir else ""
    return prefix + shlex.join([*program, *arguments])
