"""The one exception of event intake, and the limits that it may speak of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

BAD_DATA = frozenset({400, 413})


class IntakeError(Exception):
    """A request that intake refuses.

    status: the HTTP status: 400, 401, 403 or 413.
    detail: the text for the client, as the contract has it; it never repeats what the client sent.
    causes: what was wrong in particular, outermost first.
    """

    def __init__(self, status: int, detail: str, causes: Sequence[str] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.causes = tuple(causes)

    def body(self) -> dict[str, object]:
        """The answer's JSON. Bad data has a list of causes, a refused credential has none."""
        if self.status in BAD_DATA:
            return {"detail": self.detail, "causes": list(self.causes)}
        return {"detail": self.detail}


@dataclass(frozen=True, slots=True)
class Limit:
    """A maximum, and the name of the setting that moves it, so that a 413 says which knob to turn."""

    setting: str
    maximum: int

    def exceeded(self, what: str, unit: str = "bytes") -> IntakeError:
        text = f"{what} exceeds the limit of {self.maximum} {unit} (setting {self.setting})"
        return IntakeError(413, text, [f"raise {self.setting} to accept it"])
