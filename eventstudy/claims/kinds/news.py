"""Claims on a kind of news: what tickers did after each event of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field, StrictStr

from eventstudy.claims.contract import (
    CANNOT_BE_SAID,
    Finding,
    Kind,
    NotMeasuredError,
    Number,
    Parameters,
)
from eventstudy.claims.forecasts import cars, fit_before, reach, two_sided
from eventstudy.claims.kinds.fields import Side, Ticker
from eventstudy.claims.verdicts import sided, together
from eventstudy.claims.wording import counted, listed, shown, told
from eventstudy.errors import did_you_mean
from eventstudy.significance.rank import signed_rank

if TYPE_CHECKING:
    from eventstudy.claims.evidence import Evidence
    from eventstudy.events import Event

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

EARLY = "one observation a session; events of one session are one"


def mean_effect(what: str, values: Floats, sign: int) -> Number:
    """Judge the mean of abnormal returns of distinct sessions.

    t with N - 1 degrees of freedom, which allows for a variance of the event days' own, and
    Wilcoxon's signed ranks, exact, which need no normality; the larger p counts. Below six
    sessions the ranks cannot reach 5%.

    Parameters
    ----------
    what : str
    values : ndarray, shape (N,)
        Finite.
    sign : int
        The side that is claimed.
    """
    n = len(values)
    if n < 2:
        value = float(values[0]) if n else np.nan
        return Number(
            what, value, "return", n=n, verdict=CANNOT_BE_SAID,
            test=f"{counted(n, 'session')}: no mean to test",
        )  # fmt: skip
    mean, se = float(values.mean()), float(values.std(ddof=1) / np.sqrt(n))
    if se == 0.0:
        return Number(what, mean, "return", n=n, verdict=CANNOT_BE_SAID, test="no variance")
    _, greater, less, _ = signed_rank(values[values != 0.0])
    ranks = min(1.0, 2.0 * min(greater, less))
    wide = reach(se, n - 1)
    p = max(two_sided(mean / se, n - 1), ranks)
    return Number(
        what, mean, "return", mean - wide, mean + wide, p, n,
        sided(sign, mean - wide, mean + wide, [p]),
        f"t({n - 1}) and Wilcoxon, the larger p",
    )  # fmt: skip


def abnormal_on(evidence: Evidence, weights: dict[str, float], rows: Ints, last: int = 0) -> Floats:
    """Return abnormal returns over days 0 to `last` of sessions, shape (n,); NaN where none."""
    y, x = evidence.returns(weights), evidence.market()
    fit = fit_before(y, x, rows, evidence.frame)
    return cars(fit, y, x, rows, 0, last).car


class AfterKindParameters(Parameters):
    """Parameters of `after_kind`."""

    events_of: Annotated[StrictStr, Field(min_length=1)]
    series: tuple[Ticker, ...] = Field(min_length=1)
    side: Side
    untested: StrictStr = ""

    def tickers(self) -> tuple[str, ...]:
        """Return what has to have prices."""
        return self.series


def check_after_kind(asked: AfterKindParameters, evidence: Evidence) -> Finding:
    """Measure tickers on the first session after each event of a kind.

    Parameters
    ----------
    asked : AfterKindParameters
    evidence : Evidence
    """
    rows, events = _sessions_of_kind(asked.events_of, evidence)
    sign = 1 if asked.side == "+" else -1
    numbers, gone = [], []
    for name in asked.series:
        try:
            found = abnormal_on(evidence, evidence.weights(name), rows)
        except NotMeasuredError as error:
            gone.append(str(error))
            continue
        numbers.append(mean_effect(f"{name}, mean of session 0", found[np.isfinite(found)], sign))
    verdict = together([n.verdict for n in numbers]) if not gone else CANNOT_BE_SAID
    paths = _paths(asked.series, rows, evidence)
    directions = [v for e in events for v in e.expects.values()]
    others = {other for row in rows for other in evidence.news_on(int(row))}
    shared = others - {event.event_id for event in events}
    not_identified = [
        *((asked.untested,) if asked.untested else ()),
        *(("the other half: no event of the kind carries bad news",) if min(directions or [0]) >= 0
          else ()),
        *((f"the kind apart from other news of its sessions: {listed(sorted(shared))}",)
          if shared else ()),
        *_missed(numbers),
        "the paths: one history each, with everything else that happened; nothing tests them",
    ]  # fmt: skip
    said = "; ".join(told(n) for n in numbers)
    return Finding(
        verdict,
        said + ("; " if said and gone else "") + "; ".join(gone),
        (*numbers, *paths),
        (
            EARLY,
            "sessions independent of each other; an uncertain hour is read as the later session",
            "all tickers have to show it, each at 5%: no correction is needed for that",
        ),
        tuple(not_identified),
    )


def _missed(numbers: list[Number]) -> tuple[str, ...]:
    """Say which means the sample would mostly have missed: (t_0.975 + t_0.80) se, Bloom 1995."""
    from scipy.special import stdtrit

    known = [n for n in numbers if np.isfinite(n.hi)]
    if not known:
        return ()
    least_of = []
    for n in known:
        t = float(stdtrit(n.n - 1, 0.975))
        least = (n.hi - n.lo) / (2.0 * t) * (t + float(stdtrit(n.n - 1, 0.80)))
        least_of.append(f"{n.what.split(',')[0]} {shown(least, 'return')}")
    return (f"smaller means: below {listed(least_of)} this sample would mostly miss them",)


def _sessions_of_kind(kind: str, evidence: Evidence) -> tuple[Ints, list[Event]]:
    """Return the sessions 0 of the studied events of a kind, each once, and the events."""
    studied = evidence.study.events.study
    events = [event for event in studied if event.kind == kind]
    if not events:
        kinds = {event.kind for event in studied if event.kind}
        raise NotMeasuredError(
            f"the calendar has no studied event of kind {kind!r}{did_you_mean(kind, kinds)}"
        )
    inside = [e for e in events if e.next >= evidence.days[0] and e.next <= evidence.days[-1]]
    if not inside:
        raise NotMeasuredError(f"no event of kind {kind!r} lies in the prices, {evidence.span}")
    rows = np.unique(np.searchsorted(evidence.days, [event.next for event in inside]))
    return rows.astype(np.int64), inside


def _paths(tickers: tuple[str, ...], rows: Ints, evidence: Evidence) -> list[Number]:
    """Return what each ticker and the benchmark earned from before the first event to the end."""
    start = max(int(rows[0]) - 1, 0)
    found = []
    for ticker in dict.fromkeys((*tickers, str(evidence.study.config.benchmark))):
        try:
            total = evidence.total(ticker)
        except NotMeasuredError:
            continue
        held = np.flatnonzero(np.isfinite(total))
        held = held[held >= start]
        if len(held) > 1:
            value = float(total[held[-1]] / total[held[0]] - 1.0)
            what = f"{ticker}, {evidence.days[held[0]]} to {evidence.days[held[-1]]}"
            found.append(Number(what, value, "return", test="total return, one path"))
    return found


AFTER_KIND = Kind(
    "after_kind",
    "abnormal returns of tickers on the first session after each event of a kind",
    "supported where the mean of every ticker is on the claimed side, contradicted where one is "
    "on the other and none on it",
    AfterKindParameters,
    check_after_kind,
)
