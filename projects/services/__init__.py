"""Writes. Each is one transaction that also marks what the cache holds of it (projects/cache.py)."""

from projects.services.counting import (
    MOST_ENVIRONMENTS,
    OTHER_ENVIRONMENT,
    Unsettled,
    count,
    environment_id,
    merge_projects,
    open_project,
)
from projects.services.keys import create_key, delete_keys, save_intake
from projects.services.organizations import (
    add_member,
    create_organization,
    delete_organization,
    delete_organizations,
    update_organization,
)
from projects.services.projects import (
    changing_project,
    create_project,
    delete_project,
    delete_projects,
    update_project,
)
from projects.services.tokens import (
    NewToken,
    create_token,
    delete_tokens,
    revoke_tokens,
    rotate_token,
    update_token,
    use_token,
)

__all__ = [
    "MOST_ENVIRONMENTS",
    "OTHER_ENVIRONMENT",
    "NewToken",
    "Unsettled",
    "add_member",
    "changing_project",
    "count",
    "create_key",
    "create_organization",
    "create_project",
    "create_token",
    "delete_keys",
    "delete_organization",
    "delete_organizations",
    "delete_project",
    "delete_projects",
    "delete_tokens",
    "environment_id",
    "merge_projects",
    "open_project",
    "revoke_tokens",
    "rotate_token",
    "save_intake",
    "update_organization",
    "update_project",
    "update_token",
    "use_token",
]
