"""Claims that prices settle by themselves: a move, a value, a run of falls, a multiple."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from eventstudy.claims.contract import (
    CANNOT_BE_SAID,
    CONTRADICTED,
    SUPPORTED,
    Finding,
    Kind,
    NotMeasuredError,
    Number,
    Parameters,
)
from eventstudy.claims.forecasts import cars, fit_before, reach, run_lengths
from eventstudy.claims.kinds.fields import Day, Sessions, StatedNumber, Ticker
from eventstudy.claims.verdicts import agrees, facts, judged
from eventstudy.claims.wording import counted, listed, shown

if TYPE_CHECKING:
    from eventstudy.claims.evidence import Evidence

READ_OFF = "closes are right and adjusted for splits; a number read off has no sampling error"
MOST_BACK = 10
"""Days by which the close of a year before may be older than that date."""


class MoveParameters(Parameters):
    """Parameters of `move`."""

    ticker: Ticker
    date: Day
    stated: StatedNumber
    against: tuple[Ticker, ...] = ()

    def tickers(self) -> tuple[str, ...]:
        """Return what has to have prices."""
        return (self.ticker, *self.against)


def check_move(asked: MoveParameters, evidence: Evidence) -> Finding:
    """Compare a close-to-close return with a stated one; abnormal returns stand beside it.

    Parameters
    ----------
    asked : MoveParameters
    evidence : Evidence
    """
    row = evidence.row(asked.date)
    before, after = _pair(evidence, asked.ticker, row)
    move = after / before - 1.0
    verdict = agrees(asked.stated, move, move)
    said = f"close {before:,.2f} to {after:,.2f}"
    numbers = [Number("close to close", move, "return", verdict=verdict, test=said)]
    missing = []
    for further in dict.fromkeys(((), asked.against)):
        try:
            numbers.append(_abnormal(evidence, asked.ticker, row, further))
        except NotMeasuredError as error:
            missing.append(f"the abnormal return against {_yardstick(evidence, further)}: {error}")
    news = evidence.news_on(row)
    also = f"which news moved it; session 0 of {listed(news)}" if news else "what moved it"
    part = "how much of the jump a fund that holds the share takes away with it"
    return Finding(
        verdict,
        f"{asked.ticker} moved {shown(move, 'return')} on {asked.date}; {asked.stated.text} was "
        "stated",
        tuple(numbers),
        (READ_OFF, *((ABNORMAL,) if len(numbers) > 1 else ())),
        (also, *((part,) if asked.against else ()), *missing),
    )


ABNORMAL = (
    "abnormal: the market model of the estimation window still holds on the day; p by ranks among "
    "its residuals (sq), no smaller than its floor"
)


def _pair(evidence: Evidence, ticker: str, row: int) -> tuple[float, float]:
    """Return the closes of the session before and of a session."""
    closes = evidence.closes(ticker)
    if row == 0 or not np.isfinite(closes[row - 1 : row + 1]).all():
        raise NotMeasuredError(
            f"{ticker} lacks a close on {evidence.days[row]} or the session before"
        )
    return float(closes[row - 1]), float(closes[row])


def _yardstick(evidence: Evidence, further: tuple[str, ...]) -> str:
    return " and ".join((evidence.study.config.benchmark or "the market", *further))


def _abnormal(evidence: Evidence, ticker: str, row: int, further: tuple[str, ...]) -> Number:
    from eventstudy.significance.single import sq_tails

    y, x = evidence.returns({ticker: 1.0}), evidence.market(*further)
    at = np.array([row])
    fit = fit_before(y, x, at, evidence.frame)
    found = cars(fit, y, x, at, 0, 0)
    car, se, dof = float(found.car[0]), float(found.se[0]), int(fit.dof[0])
    if not np.isfinite(se):
        raise NotMeasuredError(
            f"fewer than {evidence.frame.min_estimation} usable sessions before "
            f"{evidence.days[row]}"
        )
    ranks = sq_tails(found.car, fit.residuals, fit.leverage, 1)
    wide = reach(se, dof)
    return Number(
        f"abnormal, against {_yardstick(evidence, further)}",
        car, "return", car - wide, car + wide, float(ranks.two_sided[0]),
        test=f"sq among {ranks.draws[0]} residuals, p no smaller than "
        f"{2 / (ranks.draws[0] + 1):.3f}; interval by the forecast error, t({dof})",
    )  # fmt: skip


class MarketValueParameters(Parameters):
    """Parameters of `market_value`."""

    ticker: Ticker
    date: Day
    shares: StatedNumber
    passed: StatedNumber
    was: StatedNumber | None = None

    def tickers(self) -> tuple[str, ...]:
        """Return what has to have prices."""
        return (self.ticker,)


def check_market_value(asked: MarketValueParameters, evidence: Evidence) -> Finding:
    """Compare close x shares outstanding with a threshold that is said to have been passed.

    Parameters
    ----------
    asked : MarketValueParameters
    evidence : Evidence
    """
    row = evidence.row(asked.date)
    before, after = _pair(evidence, asked.ticker, row)
    shares, line = asked.shares, asked.passed.value
    if after * shares.lo >= line and before * shares.hi < line:
        verdict = SUPPORTED
    elif after * shares.hi < line or before * shares.lo >= line:
        verdict = CONTRADICTED
    else:
        verdict = CANNOT_BE_SAID
    said = f"close x {shares.text} shares, as exact as that count is"
    numbers = [
        Number(
            f"market value on {asked.date}", after * shares.value, "USD",
            after * shares.lo, after * shares.hi, verdict=verdict, test=said,
        ),
        Number(
            "market value the session before", before * shares.value, "USD",
            before * shares.lo, before * shares.hi, test=said,
            verdict=""
            if asked.was is None
            else agrees(asked.was, before * shares.lo, before * shares.hi),
        ),
        Number(
            f"shares above which it is {asked.passed.text}", line / after, "shares",
            test="threshold / close",
        ),
    ]  # fmt: skip
    return Finding(
        facts(judged(numbers)),
        f"{shown(before * shares.value, 'USD')} on the session before, "
        f"{shown(after * shares.value, 'USD')} on {asked.date}; {asked.passed.text} needs "
        f"{shown(line / after, 'shares')} shares",
        tuple(numbers),
        (READ_OFF, f"{shares.text} shares outstanding, one class, not diluted"),
        ("the count of shares: prices do not hold it",),
    )


class RunOfFallsParameters(Parameters):
    """Parameters of `run_of_falls`."""

    ticker: Ticker
    through: Day
    length: Sessions
    event: str | None = None

    def tickers(self) -> tuple[str, ...]:
        """Return what has to have prices."""
        return (self.ticker,)


def check_run_of_falls(asked: RunOfFallsParameters, evidence: Evidence) -> Finding:
    """Count the falls in a row that end on a session, and how common such a run is.

    Parameters
    ----------
    asked : RunOfFallsParameters
    evidence : Evidence
    """
    row = evidence.row(asked.through)
    closes = evidence.closes(asked.ticker)
    changes = np.diff(closes, prepend=np.nan)
    if row < asked.length or not np.isfinite(changes[row - asked.length + 1 : row + 1]).all():
        raise NotMeasuredError(
            f"{asked.ticker} lacks closes in the {asked.length} sessions to {asked.through}"
        )
    runs = run_lengths(changes < 0)
    run = int(runs[row])
    verdict = SUPPORTED if run >= asked.length else CONTRADICTED
    known = np.isfinite(changes)
    often = int((runs[known] >= asked.length).sum())
    first = evidence.days[row - run + 1] if run else None
    began = f", begun on {first}" if run else ""
    numbers = [
        Number(f"falls in a row to {asked.through}", run, "sessions", verdict=verdict,
               test=f"closes of consecutive sessions{began}"),
        Number(
            f"sessions that end {asked.length} falls or more", often / int(known.sum()), "share",
            n=int(known.sum()), test=f"{often} of all sessions of the prices",
        ),
    ]  # fmt: skip
    order = _order(asked, evidence, row, run)
    return Finding(
        verdict,
        f"{asked.ticker} fell {counted(run, 'session')} in a row to {asked.through}{began}; "
        f"{asked.length} were stated{order}",
        tuple(numbers),
        (READ_OFF,),
        ("why it fell: a run of falls has no cause of its own, and some come by chance",),
    )


def _order(asked: RunOfFallsParameters, evidence: Evidence, row: int, run: int) -> str:
    """Say whether the run began before the event could be traded on."""
    if asked.event is None or not run:
        return ""
    try:
        at = evidence.rows_of(evidence.event(asked.event))
    except NotMeasuredError as error:
        return f". Order to the event: {error}"
    started = row - run + 1
    told = []
    for name, session in at.items():
        early = min(max(session - started, 0), run)
        reading = "" if name == "stated" else f" (reading {name})"
        told.append(
            f"{early} of the falls came before session 0 of {asked.event}, "
            f"{evidence.days[session]}{reading}" + (", and cannot be its effect" if early else "")
        )
    return f". {'; '.join(told)}"


class MultipleOverParameters(Parameters):
    """Parameters of `multiple_over`."""

    ticker: Ticker
    dates: tuple[Day, ...] = Field(min_length=1)
    above: StatedNumber
    years: int = Field(1, ge=1, le=50, strict=True)

    def tickers(self) -> tuple[str, ...]:
        """Return what has to have prices."""
        return (self.ticker,)


def check_multiple_over(asked: MultipleOverParameters, evidence: Evidence) -> Finding:
    """Compare what a share grew to over years, dividends included, on each of several dates.

    Parameters
    ----------
    asked : MultipleOverParameters
    evidence : Evidence
    """
    total = evidence.total(asked.ticker)
    numbers = []
    for day in asked.dates:
        at, then = evidence.row(day), _year_before(evidence, total, day, asked.years)
        ratio = float(total[at] / total[then])
        if not np.isfinite(ratio):
            raise NotMeasuredError(f"{asked.ticker} has no price on {day}, or a long gap before it")
        verdict = SUPPORTED if ratio > asked.above.value else CONTRADICTED
        said = f"total return from {evidence.days[then]}"
        numbers.append(Number(f"on {day}", ratio, "ratio", verdict=verdict, test=said))
    verdicts = judged(numbers)
    met = [str(d) for d, v in zip(asked.dates, verdicts, strict=True) if v == SUPPORTED]
    verdict = verdicts[0] if len(set(verdicts)) == 1 else CANNOT_BE_SAID
    days = counted(len(asked.dates), "session")
    below = min(number.value for number in numbers)
    depends = (
        "; the claim names no day, and it holds on some only" if len(set(verdicts)) > 1 else ""
    )
    return Finding(
        verdict,
        f"above {asked.above.text} on {len(met)} of {days}"
        f"{' (' + ', '.join(met) + ')' if met and depends else ''}, lowest {below:.2f}x{depends}",
        tuple(numbers),
        ("dividends reinvested; a year before is the last close on or before that date",),
        ("which day and which start the article means; a low of the year gives more",),
    )


def _year_before(evidence: Evidence, total: np.ndarray, day: dt.date, years: int) -> int:
    """Return the row of the last price on or before a date some years earlier."""
    try:
        then = day.replace(year=day.year - years)
    except ValueError:
        then = day.replace(year=day.year - years, day=28)
    rows = np.flatnonzero(np.isfinite(total) & (evidence.days <= np.datetime64(then, "D")))
    if not len(rows) or (then - evidence.days[rows[-1]].item()).days > MOST_BACK:
        raise NotMeasuredError(f"no price around {then}; prices run from {evidence.span}")
    return int(rows[-1])


MOVE = Kind(
    "move",
    "a return from close to close on one day, against a stated one",
    "supported where the return rounds to the stated one, else contradicted; abnormal returns "
    "against the benchmark, and against further funds with it, stand beside it",
    MoveParameters,
    check_move,
)
MARKET_VALUE = Kind(
    "market_value",
    "close x shares outstanding that passed a threshold on one day",
    "supported where it was below the threshold a session before and above it on the day for any "
    "count of shares that rounds to the stated one; contradicted where it was not for any",
    MarketValueParameters,
    check_market_value,
)
RUN_OF_FALLS = Kind(
    "run_of_falls",
    "so many sessions of falling closes in a row, and when the run began",
    "supported where at least so many closes in a row fell, else contradicted; the order to an "
    "event is told beside it",
    RunOfFallsParameters,
    check_run_of_falls,
)
MULTIPLE_OVER = Kind(
    "multiple_over",
    "a multiple of the value years before, on each of several dates",
    "supported where it holds on every date, contradicted where on none, else it cannot be said",
    MultipleOverParameters,
    check_multiple_over,
)
