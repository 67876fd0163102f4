"""What a service refuses, shown in the form that asked for it: at the field, if the refusal is about one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType

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


class _Refusals(AbstractContextManager[None, bool]):
    """A block that ends where a service refuses something. What was refused is said, a message at a time."""

    def __init__(self, say: Callable[[str | None, str], object], *, has_slug: bool = False) -> None:
        self._say = say
        self._has_slug = has_slug

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, REFUSALS):
            return False
        for field, message in _messages(error, has_slug=self._has_slug):
            self._say(field, message)
        return True


def refusals_in(form: forms.Form) -> _Refusals:
    """Return a block whose refusals are added to the errors of the form, so that the form can be shown again.

    If nothing was refused, the block is left as usual, by a return of a redirect.
    """
    return _Refusals(
        lambda field, message: form.add_error(field if field in form.fields else None, message),
        has_slug="slug" in form.fields,
    )


def refusals_as_messages(request: HttpRequest) -> _Refusals:
    """Return a block whose refusals are shown on the next page. For a button, which has no form to show again."""
    return _Refusals(lambda _, message: messages.error(request, message))


def _messages(error: Exception, *, has_slug: bool) -> list[tuple[str | None, str]]:
    """Return the messages of a refusal in plain words, each with the field that it is about, or None.

    `has_slug` says whether a slug was asked for.
    """
    match error:
        case ValidationError():
            by_field = error.error_dict if hasattr(error, "error_dict") else {None: error.error_list}
            return [_message(field, one, has_slug) for field, errors in by_field.items() for one in errors]
        case IntegrityError():
            return [(None, OVERTAKEN)]
        case ForeignRedis():
            return [(None, FOREIGN)]
        case RedisError():
            return [(None, UNREACHABLE)]
        case services.RowLocked():
            return [(None, BUSY)]
    return [(None, OVERTAKEN)]


def _message(field: str | None, error: ValidationError, has_slug: bool) -> tuple[str | None, str]:
    if error.code not in ("unique", "unique_together"):
        return field, " ".join(error.messages)
    # A slug is the only thing that people choose here and that must be unique. Django puts the error of a constraint
    # over two columns at no field. Anything else was made by somebody else after the service had looked for it.
    return ("slug", SLUG_TAKEN) if has_slug else (None, OVERTAKEN)
