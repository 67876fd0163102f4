"""What a service refuses, shown in the form that asked for it: at the field, if the refusal is about one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django import forms
from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import IntegrityError
from django.http import HttpRequest
from redis.exceptions import RedisError

from projects import services
from projects.installation import ForeignRedis

REFUSALS = (ValidationError, IntegrityError, ObjectDoesNotExist, services.RowLocked, RedisError)
"""Errors of services that a person is told about. Whatever a service had begun in the database was taken back."""

SLUG_TAKEN = "This slug is taken. Choose another."
OVERTAKEN = "Somebody changed the same thing at this moment. Look at how it is now, and try again."
BUSY = "The project is being changed by somebody else. Try again in a moment."
UNREACHABLE = "The counts cannot be reached right now. Look at what was done, and try again in a moment."
FOREIGN = "Redis holds the counts of another installation, so nothing can be created. An operator has to look at it."


@contextmanager
def refusals_in(form: forms.Form) -> Iterator[None]:
    """Add what a service refuses in the block to the errors of the form, so that the form can be shown again.

    The block ends there. If nothing was refused, it is left as usual, by a return of a redirect.
    """
    try:
        yield
    except REFUSALS as error:
        for field, message in _messages(error):
            form.add_error(field if field in form.fields else None, message)


@contextmanager
def refusals_as_messages(request: HttpRequest) -> Iterator[None]:
    """Show what a service refuses in the block on the next page. For a button, which has no form to show again."""
    try:
        yield
    except REFUSALS as error:
        for _, message in _messages(error):
            messages.error(request, message)


def _messages(error: Exception) -> list[tuple[str | None, str]]:
    """Return the messages of a refusal in plain words, each with the field that it is about, or None."""
    match error:
        case ValidationError():
            by_field = error.error_dict if hasattr(error, "error_dict") else {None: error.error_list}
            return [(_field(field, one), _text(one)) for field, errors in by_field.items() for one in errors]
        case IntegrityError():
            return [(None, OVERTAKEN)]
        case ForeignRedis():
            return [(None, FOREIGN)]
        case RedisError():
            return [(None, UNREACHABLE)]
        case services.RowLocked():
            return [(None, BUSY)]
    return [(None, OVERTAKEN)]


def _field(field: str | None, error: ValidationError) -> str | None:
    # A slug is the only thing that people choose and that must be unique. Django puts the error of a constraint over
    # two columns at no field.
    return "slug" if _is_taken(error) else field


def _text(error: ValidationError) -> str:
    return SLUG_TAKEN if _is_taken(error) else " ".join(error.messages)


def _is_taken(error: ValidationError) -> bool:
    return error.code in ("unique", "unique_together")
