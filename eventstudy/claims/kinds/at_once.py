"""Claims on pieces of news that came at once, and whether daily data tells them apart."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from pydantic import Field, StrictStr

from eventstudy.claims.contract import (
    CANNOT_BE_SAID,
    SUPPORTED,
    Finding,
    Kind,
    NotMeasuredError,
    Number,
    Parameters,
)
from eventstudy.claims.forecasts import cars, fit_before, reach
from eventstudy.claims.kinds.fields import Series
from eventstudy.claims.verdicts import sided, together
from eventstudy.claims.wording import listed, told
from eventstudy.significance.multiple import holm

if TYPE_CHECKING:
    from eventstudy.claims.evidence import Evidence

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class SeparableParameters(Parameters):
    """Parameters of `separable`."""

    events: tuple[StrictStr, ...] = Field(min_length=2)
    series: tuple[Series, ...] = Field(min_length=1)

    def tickers(self) -> tuple[str, ...]:
        """Return what has to have prices."""
        return tuple(t for s in self.series for t in s.tickers())


def check_separable(asked: SeparableParameters, evidence: Evidence) -> Finding:
    """Ask whether daily data can tell events apart; measure their joint effect.

    Parameters
    ----------
    asked : SeparableParameters
    evidence : Evidence
    """
    events = [evidence.event(name) for name in asked.events]
    rows = [evidence.rows_of(event) for event in events]
    lines, one_session = _readings(asked.events, rows, evidence)
    every = sorted({row for found in rows for row in found.values()})
    others = {n for row in every for n in evidence.news_on(row)} - set(asked.events)
    joint = [_over(evidence, s, every[0], every[-1]) for s in asked.series]
    single = [
        _over(evidence, s, row, row, f" ({_names(asked.events, rows, row)})")
        for s in asked.series
        for row in every
        if len(every) > 1
    ]
    if one_session:
        verdict, why = CANNOT_BE_SAID, "under a reading they share a session"
    else:
        verdict, single = _each(asked, rows, every, single)
        why = "each has a session of its own"
    return Finding(
        verdict,
        f"{why}: {'; '.join(lines)}. Together: {'; '.join(told(n) for n in joint)}",
        (*joint, *single),
        (
            "the market model of the estimation window holds; p by ranks among its residuals (sq)",
            "the joint effect covers all sessions from the first event to the last",
        ),
        (
            f"the share of each of {listed(asked.events)}"
            if one_session
            else "what else happened on the same sessions",
            *((f"other news of these sessions: {listed(sorted(others))}",) if others else ()),
            "which of several statements of one event the market heard",
        ),
    )


def _readings(
    names: tuple[str, ...], rows: list[dict[str, int]], evidence: Evidence
) -> tuple[list[str], bool]:
    """Say for each combination of readings on which sessions the events fall."""
    lines, shared = [], False
    for chosen in product(*(found.items() for found in rows)):
        at = [row for _, row in chosen]
        shared |= len(set(at)) < len(at)
        lines.append(
            ", ".join(
                f"{name} {evidence.days[row]}{'' if reading == 'stated' else f' ({reading})'}"
                for name, (reading, row) in zip(names, chosen, strict=True)
            )
        )
    return lines, shared


def _names(names: tuple[str, ...], rows: list[dict[str, int]], row: int) -> str:
    held = [name for name, found in zip(names, rows, strict=True) if row in found.values()]
    return " or ".join(held) or "no event"


def _over(evidence: Evidence, series: Series, first: int, last: int, more: str = "") -> Number:
    """Measure a series from one session to another, both included."""
    from eventstudy.significance.single import sq_tails

    y = evidence.returns(evidence.weights(series.long, series.short))
    x, at = evidence.market(), np.array([first])
    fit = fit_before(y, x, at, evidence.frame)
    found = cars(fit, y, x, at, 0, last - first)
    car, se, dof = float(found.car[0]), float(found.se[0]), int(fit.dof[0])
    if not np.isfinite(se):
        raise NotMeasuredError(f"{series.name} has no full window at {evidence.days[first]}")
    ranks = sq_tails(found.car, fit.residuals, fit.leverage, found.length)
    wide = reach(se, dof)
    days = f"{evidence.days[first]}" + (f" to {evidence.days[last]}" if last > first else "")
    return Number(
        f"{series.name}, {days}{more or ', joint'}", car, "return", car - wide, car + wide,
        float(ranks.two_sided[0]),
        test=f"sq among {ranks.draws[0]}, p no smaller than {2 / (ranks.draws[0] + 1):.3f}",
    )  # fmt: skip


def _each(
    asked: SeparableParameters, rows: list[dict[str, int]], every: list[int], single: list[Number]
) -> tuple[str, list[Number]]:
    """Judge each event by its own session: one series on the claimed side is enough."""
    p = holm(np.array([number.p_value for number in single]))
    signs = [s.sign for s in asked.series for _ in every]
    marked = [
        replace(n, p_value=float(q), verdict=sided(sign, n.lo, n.hi, [float(q)]))
        for n, q, sign in zip(single, p, signs, strict=True)
    ]
    verdicts = []
    for found in rows:
        at = {every.index(row) for row in found.values()}
        own = [n.verdict for i, n in enumerate(marked) if i % len(every) in at]
        verdicts.append(SUPPORTED if SUPPORTED in own else CANNOT_BE_SAID)
    return together(verdicts), marked


SEPARABLE = Kind(
    "separable",
    "whether daily data can tell events apart, and their joint effect",
    "it cannot be said where they share a session under a reading; else supported where each "
    "event's own session moved a series to the claimed side; never contradicted",
    SeparableParameters,
    check_separable,
)
