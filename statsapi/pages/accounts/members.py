"""The members of an organization: inviting them, their roles, removing them, and leaving."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from projects import services
from projects.models import Membership
from projects.password_links import can_mail, link_days, mail_link, make_link
from projects.selectors import LARGEST_ID
from statsapi.pages.access import OWN, Place, in_organization
from statsapi.pages.refusals import refusals_as_messages, refusals_in


class RoleForm(forms.Form):
    """What a member may do."""

    role = forms.ChoiceField(label="Role", choices=Membership.Role.choices)


class InviteForm(forms.Form):
    """A person to invite, and what they may do."""

    email = forms.CharField(
        label="E-mail address",
        max_length=services.LONGEST_NAME,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    role = forms.ChoiceField(label="Role", choices=Membership.Role.choices)
    known = forms.BooleanField(label="I asked, and this account is theirs", required=False)
    is_doubtful = False
    """Whether the account is there already and can sign in, so that somebody else may have made it."""

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        account = services.find_account(self.cleaned_data.get("email", ""))
        self.is_doubtful = account is not None and not services.is_pending(account)
        if self.is_doubtful and not self.cleaned_data.get("known"):
            raise ValidationError(
                "There is an account of this name already, and another organization may have made it. Ask the person "
                "whether it is theirs. If it is, say so below and invite again."
            )
        return cleaned


@in_organization(methods=["GET", "POST"])
def members(request: HttpRequest, place: Place) -> HttpResponse:
    """Show the members with their roles. Invite a person, whose link is shown on the page that answers, this once."""
    form = InviteForm(None)
    if request.method == "POST":
        if not place.owns:
            raise PermissionDenied
        form = InviteForm(request.POST)
        if form.is_valid() and (invited := _invite(place, form)):
            if invited.needs_link:
                return _hand_over(request, place, invited.membership.user)
            messages.success(
                request,
                f"{invited.membership.user} has an account already and is a member now. They sign in with the password "
                "that they have.",
            )
            return redirect("members", organization=place.organization.slug)
    rows = place.organization.memberships.select_related("user").order_by("user__username")
    # Whether an owner may make a new link is asked of the service again when they do.
    context = {"place": place, "tab": "members", "form": form, "members": rows, "roles": Membership.Role.choices}
    return render(request, "pages/accounts/members.html", context)


@in_organization(OWN, ["POST"])
def member(request: HttpRequest, place: Place, member: str) -> HttpResponse:
    """Give a member another role."""
    membership, form = _find(place, member), RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, "There is no such role.")
    elif membership.role != form.cleaned_data["role"]:
        with refusals_as_messages(request):
            services.change_role(membership, form.cleaned_data["role"])
            messages.success(request, f"{membership.user} is {_a(membership)} now.")
    return redirect("members", organization=place.organization.slug)


@in_organization(OWN, ["POST"])
def link(request: HttpRequest, place: Place, member: str) -> HttpResponse:
    """Make a new link for a member who never chose a password. The earlier ones stop working."""
    membership = _find(place, member)
    with refusals_as_messages(request):
        return _hand_over(request, place, services.renew_invitation(membership))
    return redirect("members", organization=place.organization.slug)


@in_organization(OWN, ["GET", "POST"])
def remove(request: HttpRequest, place: Place, member: str) -> HttpResponse:
    """Ask whether to remove a member, and do it."""
    membership = _find(place, member)
    if membership.user == place.user:
        return redirect("leave", organization=place.organization.slug)
    if request.method == "POST":
        name = str(membership.user)
        with refusals_as_messages(request):
            services.remove_member(membership)
            messages.success(request, f"{name} is no member any more.")
        return redirect("members", organization=place.organization.slug)
    context = {"place": place, "tab": "members", "membership": membership}
    return render(request, "pages/accounts/remove.html", context)


@in_organization(methods=["GET", "POST"])
def leave(request: HttpRequest, place: Place) -> HttpResponse:
    """Ask whether to leave the organization, and do it."""
    membership = Membership.objects.filter(organization=place.organization, user=place.user).first()
    if membership is None:  # an operator who is no member
        return redirect("members", organization=place.organization.slug)
    if request.method == "POST":
        with refusals_as_messages(request):
            services.remove_member(membership)
            messages.success(request, f"You left {place.organization.name}.")
            return redirect("home")
        return redirect("members", organization=place.organization.slug)
    return render(request, "pages/accounts/leave.html", {"place": place, "tab": "members"})


def _invite(place: Place, form: InviteForm) -> services.Invited | None:
    """Invite the person of the form. If that is refused, return None, and the form says why."""
    with refusals_in(form):
        given = form.cleaned_data
        return services.invite(organization=place.organization, email=given["email"], role=given["role"])
    return None


def _hand_over(request: HttpRequest, place: Place, user: User) -> HttpResponse:
    """Mail a link if mail is sent, so that nobody else ever has it. Show it otherwise.

    Only the answer that shows it holds the link. No message, cookie or session carries it, and browsers keep no copy of
    the page.
    """
    link = make_link(user)
    if mail_link(user, link):
        messages.success(request, f"A link was mailed to {user.email}. It works once, for {link_days()} days.")
        return redirect("members", organization=place.organization.slug)
    if can_mail():
        messages.error(request, f"The link could not be mailed to {user.email}. Try “New link” in a moment.")
        return redirect("members", organization=place.organization.slug)
    context = {"place": place, "tab": "members", "person": user, "link": link, "days": link_days()}
    return render(request, "pages/accounts/invited.html", context)


def _find(place: Place, number: str) -> Membership:
    """Return the membership with this number. Raises Http404 if the organization has none."""
    pk = int(number) if number.isascii() and number.isdigit() and len(number) < 19 else LARGEST_ID
    found = Membership.objects.filter(organization=place.organization, pk=pk).select_related("user", "organization")
    membership = found.first()
    if membership is None:
        raise Http404
    return membership


def _a(membership: Membership) -> str:
    return f"an {membership.role}" if membership.role == Membership.Role.OWNER else f"a {membership.role}"
