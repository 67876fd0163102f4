"""Members of organizations, and the accounts of people who are invited.

An invited person has an account without a usable password, and gets a link on which to choose one
(projects/password_links.py). Whoever holds the link can take the account. So an owner gets a link only for an account
that can do nothing outside the organization, and earlier links stop working as soon as an account is invited again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet

from projects.models import Membership, Organization
from projects.services import history, wording
from projects.services.object_limits import lock, refuse_more

LONGEST_NAME = 150
"""The most characters of a user's name, which is the e-mail address of a person who was invited."""


class Invited(NamedTuple):
    """A new membership, and whether its person needs a link to choose a password. If not, they have one already."""

    membership: Membership
    needs_link: bool


# --- Accounts ------------------------------------------------------------------------------------------------


def find_account(name: str) -> User | None:
    """Return the account with this name. For an e-mail address, upper and lower case are the same."""
    name = name.strip()
    if not name or "\0" in name or len(name) > LONGEST_NAME:
        return None
    # Some databases find more with iexact than Python means by lower case.
    found = [one for one in User.objects.filter(username__iexact=name) if one.username.lower() == name.lower()]
    exact = [one for one in found if one.username == name]
    return exact[0] if exact else found[0] if found and "@" in name else None


@transaction.atomic
def ensure_account(email: str, *, operator: bool = False) -> User:
    """Return the account of this e-mail address, made without a usable password if it is missing.

    The account of an operator is a superuser afterwards. Raises ValidationError.
    """
    found = find_account(email)
    user = found or _make_account(email)
    _refuse_inactive(user)
    if found and (is_pending(found) or (operator and not user.is_superuser)):
        # An owner of some organization may have made the account and chosen its password. Whoever becomes an operator
        # chooses a new one, and is signed out everywhere.
        void_links(found)
    if operator and not user.is_superuser:
        user.is_staff = user.is_superuser = True
        user.save(update_fields=["is_staff", "is_superuser"])
    return user


def is_pending(user: User) -> bool:
    """Return whether the person never chose a password."""
    return not user.has_usable_password()


def may_get_link_from_owner(user: User, organization: Organization) -> bool:
    """Return whether an owner of the organization may be given a link to choose this account's password."""
    return (
        is_pending(user)
        and user.is_active
        and not (user.is_staff or user.is_superuser)
        and not user.memberships.exclude(organization=organization).exists()
    )


def void_links(user: User) -> None:
    """Take the password of an account away. Its links stop working, and its sessions end."""
    user.set_unusable_password()  # it is random, and part of what a link's token is made of
    user.save(update_fields=["password"])


def _make_account(email: str) -> User:
    email = email.strip().lower()
    # Other letters than ASCII's may look alike, or be the same to one database and not to another.
    if len(email) > LONGEST_NAME or not email.isascii():
        raise ValidationError(f"Use an e-mail address of at most {LONGEST_NAME} characters of ASCII.")
    validate_email(email)
    user = User(username=email, email=email)
    user.set_unusable_password()
    user.full_clean()
    user.save()
    return user


def _refuse_inactive(user: User) -> None:
    if not user.is_active:
        raise ValidationError(f"The account {user} is switched off. An operator can switch it on again.")


# --- Members -------------------------------------------------------------------------------------------------


@transaction.atomic
def invite(*, organization: Organization, email: str, role: str) -> Invited:
    """Make a person a member of the organization, with an account if they have none.

    Raises ValidationError, for example if they are a member already, and LimitReached.
    """
    lock(organization)
    user = find_account(email) or _make_account(email)
    _refuse_inactive(user)
    member = organization.memberships.filter(user=user).first()
    if member is not None:
        raise ValidationError(f"{user} is a member already: {member.role}. Change the role in the list.")
    membership = add_member(organization=organization, user_id=user.pk, role=role)
    membership.user = _locked_users([user.pk])[0]  # its earlier links were made void meanwhile
    return Invited(membership, may_get_link_from_owner(membership.user, organization))


@transaction.atomic
def renew_invitation(membership: Membership) -> User:
    """Make the earlier links of a member who never chose a password stop working. Return the account, for a new link.

    Raises ValidationError if an owner may not be given a link for it.
    """
    lock(membership.organization)
    user = _locked_users([membership.user_id])[0]
    if not may_get_link_from_owner(user, membership.organization):
        raise ValidationError(
            f"{user} has a password, or an account with other rights: only an operator can make a link for it."
        )
    void_links(user)
    return user


def add_member(*, organization: Organization, user_id: int, role: str = Membership.Role.VIEWER) -> Membership:
    """Make a user a member of the organization and return the membership. Raises ValidationError, LimitReached."""
    membership = Membership(organization=organization, user_id=user_id, role=role)
    save_members(organization, membership)
    return membership


def change_role(membership: Membership, role: str) -> None:
    """Give a member another role. Raises ValidationError, also for the last owner."""
    membership.role = role
    save_members(membership.organization, membership)


def remove_member(membership: Membership) -> None:
    """Remove a member from the organization. Raises ValidationError for the last owner."""
    save_members(membership.organization, removed=[membership])


def save_members(organization: Organization, *changed: Membership, removed: Collection[Membership] = ()) -> None:
    """Save new and changed members and remove others, all or none. Raises ValidationError, LimitReached.

    An organization that has an owner keeps one.
    """
    with keeping_owners([organization]):
        numbers = [one.pk for one in (*changed, *removed) if one.pk]
        known = organization.memberships.select_related("user").in_bulk(numbers)
        _part_from(removed)
        for membership in removed:
            history.note(organization.pk, *wording.of_member(known.get(membership.pk), None))
            membership.delete()
        refuse_more(
            organization.memberships.all(),
            adding=sum(membership._state.adding for membership in changed),
            setting="ORGANIZATION_MAX_MEMBERS",
            of="organization",
            what="members",
            do="remove some, or raise the limit",
        )
        _meet_new_members(changed)
        for membership in changed:
            membership.full_clean()
            membership.save()
            history.note(organization.pk, *wording.of_member(known.get(membership.pk), membership))


def note_departures(memberships: QuerySet[Membership]) -> None:
    """Write into the histories that these members leave, because their accounts are deleted."""
    for membership in memberships.select_related("user"):
        history.note(membership.organization_id, *wording.of_member(membership, None))


@contextmanager
def keeping_owners(organizations: Iterable[Organization]) -> Iterator[None]:
    """Open a transaction that locks the organizations. Raises ValidationError if one of them loses its last owner.

    Only owners whose accounts are active count. An organization that had none before may stay without one.
    """
    with transaction.atomic():
        found = sorted(organizations, key=lambda organization: organization.pk)
        for organization in found:
            lock(organization)
        owned = [organization for organization in found if _has_owner(organization)]
        yield
        for organization in owned:
            if not _has_owner(organization):
                raise ValidationError(
                    f"This is the last owner of {organization.name}. Make somebody else an owner first."
                )


def _has_owner(organization: Organization) -> bool:
    return organization.memberships.filter(role=Membership.Role.OWNER, user__is_active=True).exists()


def _meet_new_members(memberships: Collection[Membership]) -> None:
    """Void the links of accounts that come into an organization and have no password.

    Otherwise the owner of another organization, who was given the link, could come in with it. Raises ValidationError
    for a change of a membership that was removed meanwhile.
    """
    known = dict(Membership.objects.filter(pk__in=[one.pk for one in memberships]).values_list("pk", "user_id"))
    for one in memberships:
        if not one._state.adding and one.pk not in known:
            raise ValidationError(f"{one.user} was removed at this moment.")
    for user in _locked_users([one.user_id for one in memberships if known.get(one.pk) != one.user_id]):
        if is_pending(user):
            void_links(user)


def _part_from(memberships: Collection[Membership]) -> None:
    """Void the links of accounts that have no password yet. Somebody who was removed must not come back with one."""
    for user in _locked_users([one.user_id for one in memberships]):
        if is_pending(user):
            void_links(user)


def _locked_users(numbers: Collection[int]) -> list[User]:
    """Lock and return these users, so that two organizations that invite one person at once see each other."""
    return list(User.objects.select_for_update(no_key=True).filter(pk__in=numbers).order_by("pk"))
