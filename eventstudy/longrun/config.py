"""What a long-run study was asked to do, checked at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eventstudy.errors import StudyError, did_you_mean
from eventstudy.longrun.matching import CHARACTERISTICS
from eventstudy.windows import Frame, Window, parse_window, window_name

WEIGHTS = ("equal", "value", "dollar_volume")
OVERLAPS = {
    "keep": "all stay",
    "drop": "none of them stays",
    "keep-first": "the first of them stays",
    "joint": "all stay, for joint estimation is of event windows and has no counterpart here",
}
"""What becomes of the BHARs of one firm whose horizons share sessions, by the study's names."""
REBALANCE = ("never", "session")
Matched = Mapping[str, str | Sequence[str]] | Sequence[str]


@dataclass(frozen=True, slots=True)
class LongRunConfig:
    """The question, complete enough to ask it again.

    Attributes
    ----------
    benchmark : str
    on : str
        ``own``: each event on its own ticker; otherwise the ticker or basket observed.
    frame : Frame
        Its windows are the horizons.
    controls : mapping of str to tuple of str
        By event or ticker, where the user named them.
    candidates : tuple of str
        Among which neighbours were looked for; empty where none were.
    neighbours : int
    match_on : tuple of str
    rebalance : {"never", "session"}
        Of the matched portfolio.
    weights : tuple of str
        Of the calendar-time portfolios.
    overlap : {"keep", "drop", "keep-first", "joint"}
        What becomes of the BHARs of one firm's overlapping horizons; see `OVERLAPS`.
    min_firms : int
        Fewest firms with which a session of the calendar-time portfolio counts.
    lags : int or None
        Of the Newey-West errors; None for the rule.
    draws, seed : int
        Of the bootstrap.
    """

    benchmark: str
    on: str
    frame: Frame
    controls: Mapping[str, tuple[str, ...]]
    candidates: tuple[str, ...]
    neighbours: int
    match_on: tuple[str, ...]
    rebalance: str
    weights: tuple[str, ...]
    overlap: str
    min_firms: int
    lags: int | None
    draws: int
    seed: int

    @property
    def horizons(self) -> tuple[Window, ...]:
        """Horizons [a, b] in sessions from session 0, both ends included."""
        return self.frame.windows

    @property
    def matches(self) -> bool:
        """Whether BHARs are taken against matched portfolios too."""
        return bool(self.controls or self.candidates)

    def as_dict(self) -> dict[str, object]:
        """Return plain values for a manifest."""
        return {
            "benchmark": self.benchmark,
            "on": self.on,
            "horizons": [window_name(w) for w in self.horizons],
            "estimation": self.frame.estimation,
            "gap": self.frame.gap,
            "min_estimation": self.frame.min_estimation,
            "controls": {k: list(v) for k, v in self.controls.items()},
            "candidates": list(self.candidates),
            "neighbours": self.neighbours,
            "match_on": list(self.match_on),
            "rebalance": self.rebalance,
            "weights": list(self.weights),
            "overlap": self.overlap,
            "min_firms": self.min_firms,
            "lags": self.lags,
            "draws": self.draws,
            "seed": self.seed,
        }


def as_horizons(given: object) -> list[object]:
    """Return horizons in which a single number b is [1, b]: months end there, not a day.

    Parameters
    ----------
    given : str, int, (int, int), or an iterable of them
        Two whole numbers are one horizon [a, b].

    Raises
    ------
    StudyError
        Where a single number is not positive, or a text is no window.
    """
    if isinstance(given, str | int | np.integer) or not isinstance(given, Iterable):
        return [_from_one_number(given)]
    listed = list(given)
    if len(listed) == 2 and all(isinstance(x, int | np.integer) for x in listed):
        return [tuple(listed)]
    return [_from_one_number(horizon) for horizon in listed]


def _from_one_number(horizon: object) -> object:
    if isinstance(horizon, int | np.integer):
        last = int(horizon)
    elif isinstance(horizon, str) and not any(mark in horizon for mark in ",:"):
        last, _ = parse_window(horizon)
    else:
        return horizon
    if last < 1:
        raise StudyError(
            f"horizon {last}: one number is the last session after the event, 1 or more; write "
            f"{last},{last} for that session alone"
        )
    return 1, last


def named(given: str | Iterable[str]) -> tuple[str, ...]:
    """Return one name or several without repeats."""
    return (given,) if isinstance(given, str) else tuple(dict.fromkeys(given))


def split_matched(
    matched: Matched | None,
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Return controls by event or ticker, and the candidates for neighbours.

    Raises
    ------
    StudyError
        Where it is neither, or a list of controls is empty.
    """
    if matched is None:
        return {}, ()
    if isinstance(matched, Mapping):
        controls = {key: named(value) for key, value in matched.items()}
        empty = [key for key, value in controls.items() if not value]
        if empty or not controls:
            raise StudyError(f"matched: no control firm for {', '.join(empty) or 'any event'}")
        return controls, ()
    if isinstance(matched, str) or not isinstance(matched, Sequence):
        raise StudyError(
            f"matched={matched!r}: give control firms by ticker or event, such as "
            "{'AVGO': ['QCOM', 'MU']}, or a list of candidates"
        )
    if not matched:
        raise StudyError("matched: the list of candidates is empty")
    return {}, named(matched)


def require_options(config: LongRunConfig, *, has_caps: bool) -> None:
    """Check the options against what there is; all faults at once.

    Raises
    ------
    StudyError
    """
    faults = [
        f"{name} {value!r}: known are {', '.join(known)}{did_you_mean(value, known)}"
        for name, values, known in (
            ("weights", config.weights, WEIGHTS),
            ("overlap", (config.overlap,), OVERLAPS),
            ("rebalance", (config.rebalance,), REBALANCE),
            ("match_on", config.match_on, CHARACTERISTICS),
        )
        for value in values
        if value not in known
    ]
    if not config.weights:
        faults.append("weights: none was given")
    if not config.match_on:
        faults.append("match_on: none was given")
    if "value" in config.weights and not has_caps:
        faults.append(
            "weights 'value' needs market capitalisations, which prices do not hold: give "
            "caps (--caps FILE), a row a date and a column a ticker, or name the proxy "
            "'dollar_volume'"
        )
    if has_caps and "value" not in config.weights:
        faults.append("caps are given but weights do not ask for 'value'")
    for name, number, least in (
        ("neighbours", config.neighbours, 1),
        ("min_firms", config.min_firms, 1),
        ("draws", config.draws, 100),
        ("lags", config.lags or 0, 0),
    ):
        if number < least:
            faults.append(f"{name} {number}: must be {least} or more")
    if faults:
        raise StudyError("; ".join(faults))
