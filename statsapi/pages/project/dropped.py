"""What was dropped, and why: each reason with its number and a sentence, and who dropped it by key and so on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from projects.durations import length_words
from projects.models import ProjectKey
from statsapi.pages.project.budgets import BudgetLine
from statsapi.pages.project.names import category_name
from statsapi.pages.project.numbers import LABELS, Numbers, share_text
from statsapi.pages.project.reasons import why
from tsdb.outcomes import RECEIVED, Category, Outcome
from tsdb.quotas import QuotaUse
from tsdb.series import NO_KEY

KEY_QUOTA, BUDGET = "key_quota", "project_quota"


class Reason(NamedTuple):
    """A reason: its outcome and name, a sentence and further ones, its number, and its share of everything."""

    outcome: str
    label: str
    name: str
    sentence: str
    details: list[str]
    amount: str
    share: str


class Part(NamedTuple):
    """A key, an environment or a category: the number of each outcome, all together, and the share that was dropped."""

    name: str
    link: str
    counts: list[str]
    total: str
    share: str


class Split(NamedTuple):
    """The parts of what the page shows, by key, by environment or by category."""

    by: str
    columns: list[tuple[str, str]]
    parts: list[Part]
    note: str


@dataclass(frozen=True)
class Dropped:
    """What was dropped of the category that is shown. `total` is all that was sent or held back."""

    amount: str
    total: str
    share: str
    is_any: bool
    reasons: list[Reason]
    splits: list[Split]


def dropped(
    numbers: Numbers,
    keys: Mapping[int, ProjectKey],
    uses: Mapping[int, QuotaUse],
    budgets: Sequence[BudgetLine],
    environments: Mapping[str, Mapping[Outcome, int]],
) -> Dropped:
    """Return what was dropped. `keys` are those of the project, by id, and `uses` what those with a quota used of it.

    `budgets` are all of the project, and `environments` has totals by name.
    """
    total = sum(numbers.totals.values())
    lost = total - numbers.totals[Outcome.ACCEPTED]
    splits = [_by_environment(numbers, environments), _by_category(numbers)]
    if not numbers.query.environment:
        splits.insert(0, _by_key(numbers, keys))
    return Dropped(
        amount=f"{lost:,}",
        total=f"{total:,}",
        share=share_text(lost, total),
        is_any=lost > 0,
        reasons=_reasons(numbers, keys, uses, budgets, total),
        splits=[split for split in splits if split.parts],
    )


def _reasons(
    numbers: Numbers,
    keys: Mapping[int, ProjectKey],
    uses: Mapping[int, QuotaUse],
    budgets: Sequence[BudgetLine],
    total: int,
) -> list[Reason]:
    amounts: dict[tuple[Outcome, str], dict[int, int]] = {}
    for fact, counts in numbers.facts.items():
        if fact.category == numbers.query.category and fact.outcome != Outcome.ACCEPTED:
            by_key = amounts.setdefault((Outcome(fact.outcome), fact.reason), {})
            by_key[fact.key] = by_key.get(fact.key, 0) + sum(counts)
    reasons = []
    for (outcome, reason), by_key in sorted(amounts.items(), key=lambda item: (-sum(item[1].values()), item[0])):
        name, sentence = why(outcome, reason)
        amount = sum(by_key.values())
        details = []
        if (outcome, reason) == (Outcome.RATE_LIMITED, KEY_QUOTA):
            details = _quotas(numbers, keys, uses, by_key)
        elif (outcome, reason) == (Outcome.RATE_LIMITED, BUDGET):
            details = _budgets(numbers, budgets)
        reasons.append(
            Reason(outcome.value, LABELS[outcome], name, sentence, details, f"{amount:,}", share_text(amount, total))
        )
    return reasons


def _quotas(
    numbers: Numbers, keys: Mapping[int, ProjectKey], uses: Mapping[int, QuotaUse], by_key: Mapping[int, int]
) -> list[str]:
    """Return a sentence about the quota of each key that refused something, the one that refused most first."""
    sentences = []
    for number, amount in sorted(by_key.items(), key=lambda item: -item[1]):
        said, use = f"{_key_name(number, keys)}: {amount:,}.", uses.get(number)
        if use is None and number in keys:
            said += " It has no quota now."
        elif use and not use.limit:
            said += " Its quota is 0, so it takes none."
        elif use:
            window, until = length_words(keys[number].rate_limit_window or 0), _clock(use.until, numbers)
            said += f" Its quota is {use.limit:,} in {window}: {use.used:,} are taken, until {until}."
        sentences.append(said)
    return sentences


def _budgets(numbers: Numbers, budgets: Sequence[BudgetLine]) -> list[str]:
    """Return a sentence about each budget of the category that is shown."""
    said = []
    for line in budgets:
        if line.budget.category == numbers.query.category and line.use:
            rest = f"{line.used} are taken, until {line.until} ({numbers.query.zone.name})."
            said.append(f"{line.limit}: {rest}" if line.use.limit else "A budget is 0, so it takes none.")
    return said


def _clock(instant: int, numbers: Numbers) -> str:
    zone = numbers.query.zone
    moment, now = (datetime.fromtimestamp(one, zone.info) for one in (instant, numbers.shown.now))
    day = "" if moment.date() == now.date() else f"{moment:%Y-%m-%d} "
    return f"{day}{moment:%H:%M}{f':{moment:%S}' if moment.second else ''} ({zone.name})"


def _by_key(numbers: Numbers, keys: Mapping[int, ProjectKey]) -> Split:
    sums: dict[int, dict[Outcome, int]] = {}
    for fact, counts in numbers.facts.items():
        if fact.category == numbers.query.category:
            of_key, outcome = sums.setdefault(fact.key, {}), Outcome(fact.outcome)
            of_key[outcome] = of_key.get(outcome, 0) + sum(counts)
    return _split("Key", numbers.series, ((_key_name(number, keys), "", sums[number]) for number in sums))


def _by_environment(numbers: Numbers, environments: Mapping[str, Mapping[Outcome, int]]) -> Split:
    if numbers.query.category != Category.ERROR or not environments:
        return Split("Environment", [], [], "")
    rows = [(name, numbers.query.link(environment=name), counts) for name, counts in environments.items()]
    shown = [outcome for outcome in numbers.series if outcome in RECEIVED]
    note = "SDK reports and invalid data name no environment."
    if numbers.environments_since is not None:
        note += " Filtered and rate-limited events are counted by environment for a part of this range only."
    elif not numbers.query.environment:
        # The two are read one after the other. What was counted in between is in the second only, so a rest could be
        # negative.
        rest = {
            outcome: max(0, numbers.totals[outcome] - sum(counts.get(outcome, 0) for counts in environments.values()))
            for outcome in shown
        }
        if any(rest.values()):
            rows.append(("none named", "", rest))
    return _split("Environment", shown, rows, note)


def _by_category(numbers: Numbers) -> Split:
    if numbers.query.environment or len(numbers.categories) < 2:
        return Split("Category", [], [], "")
    outcomes = [outcome for outcome in LABELS if any(sums.get(outcome) for sums in numbers.categories.values())]
    rows = (
        (category_name(category), numbers.query.link(category=category), sums)
        for category, sums in numbers.categories.items()
    )
    return _split("Category", outcomes, rows)


def _split(
    by: str, outcomes: Iterable[Outcome], rows: Iterable[tuple[str, str, Mapping[Outcome, int]]], note: str = ""
) -> Split:
    """Return the rows as parts, those with the most first."""
    shown = list(outcomes)
    parts = []
    for name, link, counts in sorted(rows, key=lambda row: (-sum(row[2].values()), row[0])):
        total = sum(counts.values())
        lost = total - counts.get(Outcome.ACCEPTED, 0)
        texts = [f"{counts.get(outcome, 0):,}" for outcome in shown]
        parts.append(Part(name, link, texts, f"{total:,}", share_text(lost, total)))
    return Split(by, [(outcome.value, LABELS[outcome]) for outcome in shown], parts, note)


def _key_name(number: int, keys: Mapping[int, ProjectKey]) -> str:
    if number == NO_KEY:
        return "No key"
    key = keys.get(number)
    return f"Key “{key.label}”" if key else f"A deleted key (number {number})"
