"""Claims on what comes after: a date, jumps, falls in a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from eventstudy.claims.contract import (
    CANNOT_BE_SAID,
    CONTRADICTED,
    SUPPORTED,
    Finding,
    Kind,
    Number,
    Parameters,
)
from eventstudy.claims.forecasts import (
    Cars,
    after_marked,
    cars,
    fit_before,
    reach,
    run_lengths,
    spread_out,
    two_sided,
)
from eventstudy.claims.kinds.fields import Day, Series, Sessions, Ticker
from eventstudy.claims.verdicts import LEVEL, sided, together
from eventstudy.claims.wording import counted, listed, p_text, shown
from eventstudy.significance.multiple import holm

if TYPE_CHECKING:
    from eventstudy.claims.evidence import Evidence
    from eventstudy.models.linear import LinearFit

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

FEWEST = 5
"""Windows apart from each other below which nothing is said in general."""


class AfterJumps(BaseModel):
    """After abnormal returns of a ticker beyond so many standard errors of their forecast."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ticker: Ticker
    beyond: Annotated[float, Field(gt=0, le=100, strict=True)]
    direction: Literal["up", "down"]
    series: Series

    @property
    def name(self) -> str:
        """For a reader."""
        return f"after {self.ticker} {self.direction} by more than {self.beyond:g} s.e."


class AfterFalls(BaseModel):
    """After the session on which a ticker's closes have fallen so often in a row."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ticker: Ticker
    length: Sessions
    series: Series

    @property
    def name(self) -> str:
        """For a reader."""
        return f"after {self.length} falls of {self.ticker}"


class WhatFollowsParameters(Parameters):
    """Parameters of `what_follows`."""

    horizons: tuple[Sessions, ...] = Field(min_length=1)
    date: Day | None = None
    series: tuple[Series, ...] = ()
    after_jumps: tuple[AfterJumps, ...] = ()
    after_falls: tuple[AfterFalls, ...] = ()

    @model_validator(mode="after")
    def _something(self) -> Self:
        if (self.date is None) != (not self.series):
            raise ValueError("date and series belong together: give both or neither")
        if self.date is None and not self.after_jumps and not self.after_falls:
            raise ValueError("give a date with series, after_jumps or after_falls")
        return self

    def tickers(self) -> tuple[str, ...]:
        """Return what has to have prices."""
        found = [t for s in self.series for t in s.tickers()]
        both: tuple[AfterJumps | AfterFalls, ...] = (*self.after_jumps, *self.after_falls)
        for general in both:
            found += [general.ticker, *general.series.tickers()]
        return tuple(found)


@dataclass(frozen=True, slots=True)
class _Part:
    """Numbers of one part of the claim, by horizon, with what has to be at most 5% beside p."""

    name: str
    sign: int
    numbers: list[Number]
    floors: list[float]


class _Follow:
    """Forward abnormal returns of the series of a claim, fitted once each."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.market = evidence.market()
        self.rows = np.arange(len(evidence.days))
        self._fits: dict[tuple[str, str | None], tuple[Floats, LinearFit]] = {}

    def fitted(self, long: str, short: str | None) -> tuple[Floats, LinearFit]:
        key = (long, short)
        if key not in self._fits:
            y = self.evidence.returns(self.evidence.weights(long, short))
            self._fits[key] = y, fit_before(y, self.market, self.rows, self.evidence.frame)
        return self._fits[key]

    def cars(self, long: str, short: str | None, first: int, last: int) -> Cars:
        y, fit = self.fitted(long, short)
        return cars(fit, y, self.market, self.rows, first, last)


def check_what_follows(asked: WhatFollowsParameters, evidence: Evidence) -> Finding:
    """Measure what followed a date, and what follows jumps and falls in general.

    Parameters
    ----------
    asked : WhatFollowsParameters
    evidence : Evidence
    """
    follow = _Follow(evidence)
    parts = []
    if asked.date is not None:
        row = evidence.row(asked.date)
        parts += [_after_date(s, row, asked, follow) for s in asked.series]
    for jumps in asked.after_jumps:
        marks = _jumps(jumps, follow)
        parts.append(_in_general(jumps.name, jumps.series, marks, asked.horizons, follow))
    for falls in asked.after_falls:
        changes = np.diff(evidence.closes(falls.ticker), prepend=np.nan)
        marks = run_lengths(changes < 0) == falls.length
        parts.append(_in_general(falls.name, falls.series, marks, asked.horizons, follow))
    return _finding(_adjusted(parts), asked)


def _after_date(series: Series, row: int, asked: WhatFollowsParameters, follow: _Follow) -> _Part:
    """Measure one series after one date, against its forecast error and its own past."""
    numbers, floors = [], []
    for horizon in asked.horizons:
        found = follow.cars(series.long, series.short, 1, horizon)
        car, se, dof = float(found.car[row]), float(found.se[row]), int(found.fit.dof[row])
        # The past alone: windows that had ended by the date.
        past = np.flatnonzero(np.isfinite(found.scar) & (follow.rows + horizon <= row))
        larger = int((np.abs(found.scar[past]) >= abs(car / se)).sum()) if len(past) else 0
        by_rank = (1.0 + larger) / (len(past) + 1.0) if len(past) and np.isfinite(car) else np.nan
        apart = spread_out(past, horizon)
        wide = reach(se, dof) if dof > 0 else np.nan
        what = f"{series.name}, {counted(horizon, 'session')} from {asked.date}"
        why = f"ranks among {len(past)} windows before, {apart} of them apart"
        if not np.isfinite(car):
            why = "not measured: the window or its estimation window lies outside the prices"
        p = float(np.max([two_sided(car / se, dof), by_rank]))
        numbers.append(Number(what, car, "return", car - wide, car + wide, p, 1, test=why))
        floors.append(1.0 / (apart + 1.0))
    return _Part(series.name, series.sign, numbers, floors)


def _jumps(jumps: AfterJumps, follow: _Follow) -> Bools:
    scar = follow.cars(jumps.ticker, None, 0, 0).scar
    with np.errstate(invalid="ignore"):
        return scar > jumps.beyond if jumps.direction == "up" else scar < -jumps.beyond


def _in_general(
    name: str, series: Series, marks: Bools, horizons: Sequence[int], follow: _Follow
) -> _Part:
    """Compare what follows marked sessions with what follows any."""
    numbers, floors = [], []
    for horizon in horizons:
        found = after_marked(follow.cars(series.long, series.short, 1, horizon).car, marks, horizon)
        p = float(np.max([found.p_shift, found.p_across]))
        numbers.append(
            Number(
                f"{series.name}, {counted(horizon, 'session')} {name}", found.difference, "return",
                found.lo, found.hi, p, found.n,
                test=f"less the mean of all sessions; circular shifts, and t across {found.n} "
                f"({found.apart} apart)",
            )
        )  # fmt: skip
        floors.append(0.0 if found.apart >= FEWEST else 1.0)
    return _Part(f"{series.name} {name}", series.sign, numbers, floors)


def _adjusted(parts: Sequence[_Part]) -> list[_Part]:
    """Adjust all p-values of the claim together and judge each number."""
    p = holm(np.array([n.p_value for part in parts for n in part.numbers], dtype=float))
    tested, at = int(np.isfinite(p).sum()), 0
    judged = []
    for part in parts:
        numbers = []
        for number, floor in zip(part.numbers, part.floors, strict=True):
            verdict = sided(part.sign, number.lo, number.hi, [float(p[at]), floor])
            test = number.test
            if np.isfinite(p[at]):
                test += f"; p {p_text(number.p_value)} before Holm over {tested}"
            numbers.append(replace(number, p_value=float(p[at]), verdict=verdict, test=test))
            at += 1
        judged.append(replace(part, numbers=numbers))
    return judged


def _over_horizons(part: _Part) -> str:
    """Return the verdict on a part: one horizon is enough, the others may not speak against it."""
    seen = {number.verdict for number in part.numbers}
    for verdict, other in ((SUPPORTED, CONTRADICTED), (CONTRADICTED, SUPPORTED)):
        if verdict in seen and other not in seen:
            return verdict
    return CANNOT_BE_SAID


def _path(part: _Part, horizons: Sequence[int]) -> str:
    values = ", ".join(shown(n.value, n.unit) for n in part.numbers)
    return f"{part.name} {values} over {listed([str(h) for h in horizons])} sessions"


def _finding(parts: Sequence[_Part], asked: WhatFollowsParameters) -> Finding:
    verdicts = [_over_horizons(part) for part in parts]
    numbers = tuple(n for part in parts for n in part.numbers)
    known = [n.p_value for n in numbers if np.isfinite(n.p_value)]
    held = [p.name for p, v in zip(parts, verdicts, strict=True) if v == SUPPORTED]
    against = [p.name for p, v in zip(parts, verdicts, strict=True) if v == CONTRADICTED]
    least = f", smallest adjusted p {min(known):.3f}" if known else ""
    told = "; ".join(_path(part, asked.horizons) for part in parts)
    told += f". {len(held)} of {counted(len(parts), 'part')} supported"
    told += f" ({listed(held)})" if held else ""
    told += f", contradicted: {listed(against)}" if against else ""
    return Finding(
        together(verdicts),
        f"{told}; {counted(len(known), 'test')}{least}",
        numbers,
        (
            "the market model of the estimation window holds over the horizon; its error grows "
            "with it",
            "one date: the larger of t by the forecast error and the rank among earlier windows, "
            f"of which enough ({round(1 / LEVEL) - 1}) have to be apart from each other",
            "in general: sessions alike but for what marks them; the larger of circular shifts "
            f"and t across sessions, at least {FEWEST} windows apart; the case is among them",
        ),
        (
            "why it came: other news of the horizon is in it",
            "that a price was too high or too low before: a fall that follows does not show it",
        ),
    )


WHAT_FOLLOWS = Kind(
    "what_follows",
    "abnormal returns over horizons from a date, and in general after jumps and falls in a row",
    "a part is supported where one horizon is, on the claimed side, and none on the other; the "
    "claim where all its parts are",
    WhatFollowsParameters,
    check_what_follows,
)
