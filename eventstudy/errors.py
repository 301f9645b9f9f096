"""Errors that a user can act on: what was given, what is allowed, and where.

Every error that stems from the user's input derives from `EventStudyError`; the
command line prints its text as one paragraph and exits with 2. Anything else is
our own fault and exits with 1.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


def readable(text: str) -> str:
    """Return a text with letters that cannot be seen by their number, ``[U+202E]``.

    A name out of a file may hold what clears a terminal, turns a line round or starts a new one.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else f"[U+{ord(c):04X}]" for c in text)


class EventStudyError(Exception):
    """A mistake in the input: the message says what was given and what is allowed."""

    def __str__(self) -> str:
        return "\n".join(readable(line) for line in super().__str__().split("\n"))


class UnknownNameError(EventStudyError):
    """A name of a model, test, basket, strategy, source or ticker that does not exist."""

    def __init__(self, what: str, given: str, choices: Iterable[str]) -> None:
        self.what, self.given, self.choices = what, given, tuple(sorted(choices))
        known = ", ".join(self.choices) or "none"
        super().__init__(
            f"unknown {what} {given!r}{did_you_mean(given, self.choices)}; known: {known}"
        )


class PriceError(EventStudyError):
    """Prices that are missing, unreadable or not fit for use."""


class StudyError(EventStudyError):
    """A study that cannot be run as asked: windows, sample or parameters."""


class BacktestError(EventStudyError):
    """A backtest that cannot be run as asked: strategy, costs, prices or parameters."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: of a cell of a file, or of a setting.

    Attributes
    ----------
    file : str
        The file, as the user named it.
    problem : str
        What is wrong, and what is allowed.
    row : int or None
        Line in the file, the header being line 1; None for the file as a whole.
    column : str or None
        Column name.
    value : str or None
        The text that was found, at most 80 characters of it.
    setting : str or None
        ``--overlap`` or ``key overlap``, where the fault is in no table.
    count : int
        How many faults it stands for: above one where further ones of a kind are counted only.
    """

    file: str
    problem: str
    row: int | None = None
    column: str | None = None
    value: str | None = None
    setting: str | None = None
    count: int = 1

    def __str__(self) -> str:
        where = self.file
        if self.row is not None:
            where += f", row {self.row}"
        if self.column is not None:
            where += f", column {_short(self.column)}"
        if self.setting is not None:
            where += f", {_short(self.setting)}"
        problem = _short(self.problem, LONGEST_PROBLEM)
        if self.value is None:
            return readable(f"{where}: {problem}")
        return readable(f"{where}: {_short(self.value)!r}: {problem}")


LONGEST_PROBLEM = 1500


def _short(text: str, most: int = 80) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."


class InputError(EventStudyError):
    """All the faults of a file at once.

    Parameters
    ----------
    faults : sequence of Fault
        At least one. The first of them are told, then those that stand for many.
    """

    shown = 50

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        count = sum(fault.count for fault in self.faults)
        single = [fault for fault in self.faults if fault.count == 1]
        told = [*single[: self.shown], *(fault for fault in self.faults if fault.count > 1)]
        lines = [f"{count:,} fault{'s' if count != 1 else ''} in the input:"]
        lines += [f"  {fault}" for fault in told]
        if len(single) > self.shown:
            lines.append(f"  ... and {len(single) - self.shown} more")
        super().__init__("\n".join(lines))


def did_you_mean(given: str, choices: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the nearest choice, or an empty string.

    Nearest in spelling; failing that, the only or the first choice that begins with what was
    given, at least three letters of it.
    """
    by_folded = {choice.casefold(): choice for choice in choices}
    folded = given.casefold()
    near = difflib.get_close_matches(folded, by_folded, n=1, cutoff=0.6)
    if not near and len(folded) >= 3:
        near = [choice for choice in by_folded if choice.startswith(folded)][:1]
    return f" (did you mean {by_folded[near[0]]!r}?)" if near else ""
