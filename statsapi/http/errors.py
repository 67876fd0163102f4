"""The exception for a request that is refused, and the limits of a body that it may name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

BAD_DATA = frozenset({400, 413})


class RequestError(Exception):
    """A request that is refused.

    status: the HTTP status: 400, 401, 403 or 413.
    detail: the text for the client (docs/contract.md#intake-answers); it never repeats what the client sent.
    causes: what exactly was wrong, outermost first.
    reason: the reason of the outcome *invalid* that intake counts for it.
    """

    def __init__(self, status: int, detail: str, causes: Sequence[str] = (), reason: str = "other") -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.causes = tuple(causes)
        self.reason = reason

    def body(self) -> dict[str, object]:
        """Return the JSON of the answer: bad data has a list of causes, and so has what else names one."""
        if self.causes or self.status in BAD_DATA:
            return {"detail": self.detail, "causes": list(self.causes)}
        return {"detail": self.detail}


def empty_body() -> RequestError:
    """Return the error to raise for an empty body."""
    return RequestError(400, "empty request body", reason="empty")


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """A maximum of a body and the name of its setting, so that a 413 says what to change."""

    setting: str
    maximum: int

    def exceeded(self, what: str, unit: str = "bytes") -> RequestError:
        """Return the error to raise if `what` is above the limit."""
        text = f"{what} exceeds the limit of {self.maximum} {unit} (setting {self.setting})"
        return RequestError(413, text, [f"raise {self.setting} to accept it"], "too_large")
