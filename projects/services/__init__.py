"""Writes. Each changes the database in one transaction, which also makes processes forget what is no longer true.

projects/known.py explains how. Deletions and merges take several steps: projects/services/deleting.py and
merging.py explain them.
"""

from projects.services.budgets import MOST_BUDGETS, change_budget, create_budget, delete_budget
from projects.services.counting import Unsettled, count, merge_projects, open_project, open_projects
from projects.services.deleting import empty as empty_project
from projects.services.deleting import finish as finish_projects
from projects.services.environments import MOST_ENVIRONMENTS, OTHER_ENVIRONMENT, environment_id
from projects.services.keys import create_key, delete_keys, save_intake
from projects.services.locking import RowLocked, locked_project
from projects.services.object_limits import LimitReached
from projects.services.organizations import (
    condemn_organizations,
    create_organization,
    delete_organization,
    finish_organizations,
    update_organization,
)
from projects.services.people import (
    LONGEST_NAME,
    Invited,
    add_member,
    change_role,
    ensure_account,
    find_account,
    invite,
    is_pending,
    keeping_owners,
    may_get_link_from_owner,
    note_departures,
    remove_member,
    renew_invitation,
    save_members,
    void_links,
)
from projects.services.preferences import keep_timezone, zone_names
from projects.services.projects import (
    changing_project,
    condemn_projects,
    create_project,
    delete_project,
    delete_projects,
    update_project,
)
from projects.services.public_links import Link, NewLink, create_link, revoke_link, use_link
from projects.services.settling import TRIES, settle, settled
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
    "LONGEST_NAME",
    "MOST_BUDGETS",
    "MOST_ENVIRONMENTS",
    "OTHER_ENVIRONMENT",
    "TRIES",
    "Invited",
    "LimitReached",
    "Link",
    "NewLink",
    "NewToken",
    "RowLocked",
    "Unsettled",
    "add_member",
    "change_budget",
    "change_role",
    "changing_project",
    "condemn_organizations",
    "condemn_projects",
    "count",
    "create_budget",
    "create_key",
    "create_link",
    "create_organization",
    "create_project",
    "create_token",
    "delete_budget",
    "delete_keys",
    "delete_organization",
    "delete_project",
    "delete_projects",
    "delete_tokens",
    "empty_project",
    "ensure_account",
    "environment_id",
    "find_account",
    "finish_organizations",
    "finish_projects",
    "invite",
    "is_pending",
    "keep_timezone",
    "keeping_owners",
    "locked_project",
    "may_get_link_from_owner",
    "merge_projects",
    "note_departures",
    "open_project",
    "open_projects",
    "remove_member",
    "renew_invitation",
    "revoke_link",
    "revoke_tokens",
    "rotate_token",
    "save_intake",
    "save_members",
    "settle",
    "settled",
    "update_organization",
    "update_project",
    "update_token",
    "use_link",
    "use_token",
    "void_links",
    "zone_names",
]
