"""Calendar-time portfolios of a long-run study: their returns and their alphas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from eventstudy.errors import StudyError
from eventstudy.longrun.calendar_time import (
    held_sessions,
    lagged,
    portfolio_returns,
    trailing_mean,
)
from eventstudy.longrun.config import LongRunConfig
from eventstudy.longrun.outcomes import Market
from eventstudy.longrun.tables import kinds_of
from eventstudy.models.newey_west import default_lags, newey_west
from eventstudy.prices.table import PriceTable
from eventstudy.significance.contract import student
from eventstudy.study.observed import Observation
from eventstudy.windows import Window, window_name

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.factors import FactorTable

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Days = npt.NDArray[np.datetime64]

CALENDAR = (
    "group", "alignment", "horizon", "weights", "model", "alpha", "se", "statistic", "p_value",
    "p_greater", "p_less", "n", "n_events", "n_firms", "mean_firms", "least_firms",
    "most_firms", "lags", "r2", "loadings", "distribution", "caveat",
)  # fmt: skip
PROXY_SESSIONS = 21
"""Sessions over which dollar volume is averaged for a weight."""


@dataclass(frozen=True, eq=False)
class Yardstick:
    """What the portfolio's excess return is regressed on.

    Attributes
    ----------
    names : tuple of str, length F
    factors : ndarray, shape (S, F), decimals per session
    rf : ndarray, shape (S,), decimals per session
    notes : tuple of str
    """

    names: tuple[str, ...]
    factors: Floats
    rf: Floats
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Portfolio:
    """One calendar-time portfolio.

    Attributes
    ----------
    returns : ndarray, shape (S,)
        NaN at a session that does not count.
    firms : ndarray, shape (S,), int
    n_events, n_firms : int
    notes : tuple of str
    """

    returns: Floats
    firms: Ints
    n_events: int
    n_firms: int
    notes: tuple[str, ...] = field(default=())


def make_yardstick(
    factors: FactorTable | pd.DataFrame | None,
    names: Sequence[str] | None,
    market: Market,
    benchmark: str,
) -> Yardstick:
    """Return the benchmark's excess return, or the user's factors, on the grid.

    Parameters
    ----------
    factors : FactorTable, DataFrame or None
        A frame is in decimals.
    names : sequence of str or None
        Which of them; all but ``rf`` for None.
    market : Market
    benchmark : str

    Raises
    ------
    StudyError
        Where no factor has a figure at the sessions of the price table.
    """
    if factors is None:
        if names is not None:
            raise StudyError("factor_names are given without factors")
        note = "no risk-free rate given: taken as zero"
        return Yardstick(
            (benchmark,), market.benchmark[:, None], np.zeros(len(market.days)), (note,)
        )
    from eventstudy.factors import FactorTable, load_factors

    table = factors if isinstance(factors, FactorTable) else load_factors(factors, units="decimal")
    has_rf = "rf" in table.names
    rf = table.on_sessions(market.days, ["rf"])[:, 0] if has_rf else np.zeros(len(market.days))
    notes = () if has_rf else ("no rf among the factors: taken as zero",)
    used = tuple(n for n in table.names if n != "rf") if names is None else tuple(names)
    if not used:
        return Yardstick((benchmark,), (market.benchmark - rf)[:, None], rf)
    values = table.on_sessions(market.days, used)
    if not np.isfinite(values).all(axis=1).any():
        raise StudyError(
            f"factors {', '.join(used)} have no figures at the sessions of the price table, "
            f"{market.days[0]} to {market.days[-1]}"
        )
    return Yardstick(used, values, rf, notes)


def on_days(frame: object, what: str, days: Days) -> Floats:
    """Return a user's frame by date on the grid, shape (S, K): the last figures before each day.

    Parameters
    ----------
    frame : DataFrame
        A row a date.
    what : str
        Its name, for an error.
    days : ndarray, shape (S,), datetime64[D]

    Raises
    ------
    StudyError
    """
    import pandas as pd

    if not isinstance(frame, pd.DataFrame) or not len(frame.columns):
        raise StudyError(f"{what}: give a DataFrame with a row a date and a column each")
    if not isinstance(frame.index, pd.DatetimeIndex):
        raise StudyError(f"{what}: the index holds {frame.index.dtype}, dates are needed")
    try:
        numbers = frame.astype(float)
    except (TypeError, ValueError) as error:
        raise StudyError(f"{what}: not all figures are numbers: {error}") from None
    dated = numbers.set_axis(frame.index.tz_localize(None).normalize()).sort_index()
    if dated.index.has_duplicates:
        twice = dated.index[dated.index.duplicated()][0].date()
        raise StudyError(f"{what}: two rows for {twice}")
    index = pd.DatetimeIndex(days)
    return np.asarray(dated.reindex(index, method="ffill"), dtype=float)


def make_weights(
    kept: Sequence[Observation],
    market: Market,
    prices: PriceTable,
    caps: pd.DataFrame | None,
    kind: str,
) -> Floats | None:
    """Return weights of every ticker known before each session, shape (S, N), or None.

    ``value``: the last market capitalisation on or before the session before.
    ``dollar_volume``: close times volume, averaged over the 21 sessions before.

    Raises
    ------
    StudyError
        Where a firm that is held has no figure at all.
    """
    if kind == "equal":
        return None
    needed = sorted({ticker for o in kept for ticker, _ in o.weights})
    size = np.full(market.returns.shape, np.nan)
    if kind == "value" and caps is not None:
        table = on_days(caps, "caps", market.days)
        place = {str(name): i for i, name in enumerate(caps.columns)}
        for i, ticker in enumerate(market.tickers):
            if ticker in place:
                size[:, i] = table[:, place[ticker]]
        without = "caps hold no figure for"
    else:
        size = trailing_mean(prices.close * prices.volume, PROXY_SESSIONS)
        without = "weights 'dollar_volume' need closes and volume, which are missing for"
    missing = [t for t in needed if not np.isfinite(size[:, market.tickers.index(t)]).any()]
    if missing:
        raise StudyError(f"{without} {', '.join(missing)}")
    return lagged(np.where(size > 0, size, np.nan))


def make_portfolio(
    kept: Sequence[Observation],
    horizon: Window,
    market: Market,
    weights: Floats | None,
    min_firms: int,
) -> Portfolio:
    """Hold every firm over the horizon of each of its events.

    A basket is one holding, brought back to its own weights each session; its weight among
    others is the sum of its members'.
    """
    keys = [o.weights for o in kept]
    columns = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    place = {ticker: i for i, ticker in enumerate(market.tickers)}
    returns = np.empty((len(market.days), len(columns)))
    size = np.empty_like(returns)
    for key, column in columns.items():
        take = [place[t] for t, _ in key]
        returns[:, column] = market.returns[:, take] @ np.array([w for _, w in key])
        if weights is not None:
            size[:, column] = weights[:, take].sum(axis=1)
    held = held_sessions(
        np.array([o.reading.position for o in kept], dtype=np.int64),
        np.array([columns[key] for key in keys], dtype=np.int64),
        horizon,
        (returns.shape[0], returns.shape[1]),
    )
    found, firms = portfolio_returns(held, returns, None if weights is None else size)
    counted = np.isfinite(found) & (firms >= min_firms)
    notes = _left_out(held, returns, firms, counted, min_firms, weighted=weights is not None)
    return Portfolio(np.where(counted, found, np.nan), firms, len(kept), len(columns), notes)


def _left_out(
    held: npt.NDArray[np.bool_],
    returns: Floats,
    firms: Ints,
    counted: npt.NDArray[np.bool_],
    min_firms: int,
    *,
    weighted: bool,
) -> tuple[str, ...]:
    notes = []
    lost = int(held.sum() - firms.sum())
    without_return = int((held & ~np.isfinite(returns)).sum())
    if without_return:
        notes.append(f"{without_return} firm-sessions without a return left out")
    if weighted and lost > without_return:
        notes.append(f"{lost - without_return} firm-sessions without a weight left out")
    thin = int(((firms > 0) & ~counted).sum())
    if thin:
        notes.append(f"{thin} sessions with fewer than {min_firms} firms left out")
    return tuple(notes)


def alpha_of(
    portfolio: Portfolio, yardstick: Yardstick, days: Days, lags: int | None
) -> dict[str, Any]:
    """Regress the portfolio's excess return on the factors with Newey-West errors.

    Sessions that do not count are left out and their neighbours taken as consecutive.

    Returns
    -------
    dict
        The columns of the calendar-time table from ``alpha`` on.
    """
    y = portfolio.returns - yardstick.rf
    used = np.isfinite(y) & np.isfinite(yardstick.factors).all(axis=1)
    n, k = int(used.sum()), len(yardstick.names) + 1
    x = np.column_stack([np.ones(n), yardstick.factors[used]])
    firms = portfolio.firms[used]
    row: dict[str, Any] = dict.fromkeys(CALENDAR[5:], np.nan)
    row |= {
        "n": n,
        "n_events": portfolio.n_events,
        "n_firms": portfolio.n_firms,
        "mean_firms": float(firms.mean()) if n else np.nan,
        "least_firms": int(firms.min()) if n else 0,
        "most_firms": int(firms.max()) if n else 0,
        "loadings": "",
        "caveat": "",
    }
    if n <= k:
        return row | {"lags": 0, "distribution": f"undefined: {n} sessions, {k} coefficients"}
    if np.linalg.matrix_rank(x) < k:
        return row | {"lags": 0, "distribution": "undefined: the factors do not vary"}
    fit = newey_west(y[used], x, default_lags(n) if lags is None else lags)
    t = fit.params[:1] / fit.se[:1]
    verdict = student(t, fit.dof)
    return row | {
        "alpha": fit.params[0],
        "se": fit.se[0],
        "statistic": t[0],
        "p_value": verdict.two_sided[0],
        "p_greater": verdict.greater[0],
        "p_less": verdict.less[0],
        "lags": fit.lags,
        "r2": fit.r2,
        "loadings": " ".join(
            f"{name}={b:.6g}" for name, b in zip(yardstick.names, fit.params[1:], strict=True)
        ),
        "distribution": verdict.distribution,
        "caveat": "; ".join(_doubts(portfolio, yardstick, used, firms)),
    }


def _doubts(
    portfolio: Portfolio, yardstick: Yardstick, used: npt.NDArray[np.bool_], firms: Ints
) -> list[str]:
    found = [*portfolio.notes, *yardstick.notes]
    missing = int(np.isfinite(portfolio.returns).sum() - used.sum())
    if missing:
        found.append(f"{missing} sessions without factors left out")
    at = np.flatnonzero(used)
    holes = int((np.diff(at) > 1).sum())
    if holes:
        found.append(f"{holes} holes in the series closed up")
    if firms.mean() < 10:
        found.append(f"{firms.mean():.1f} firms on average: not diversified")
    return found


def calendar_tables(
    kept: Mapping[Window, Sequence[Observation]],
    alignments: Sequence[str],
    market: Market,
    sizes: Mapping[str, Floats | None],
    yardstick: Yardstick,
    config: LongRunConfig,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return alphas by group, alignment, horizon and weights, and the portfolios' returns."""
    import pandas as pd

    rows, series = [], []
    for alignment in alignments:
        for horizon, everyone in kept.items():
            held = [o for o in everyone if alignment in o.reading.alignments]
            for group, at in kinds_of([o.reading.event.kind for o in held]).items():
                for name in config.weights:
                    members = [held[i] for i in at]
                    if not members:
                        continue
                    made = make_portfolio(members, horizon, market, sizes[name], config.min_firms)
                    labels = {
                        "group": group,
                        "alignment": alignment,
                        "horizon": window_name(horizon),
                        "weights": name,
                    }
                    model = {"model": " ".join(yardstick.names)}
                    rows.append(
                        labels | model | alpha_of(made, yardstick, market.days, config.lags)
                    )
                    series.append(_series(labels, made, market.days))
    return pd.DataFrame(rows, columns=list(CALENDAR)), pd.concat(series, ignore_index=True)


def _series(labels: Mapping[str, str], made: Portfolio, days: Days) -> pd.DataFrame:
    import pandas as pd

    used = np.isfinite(made.returns)
    frame = pd.DataFrame(
        {
            "date": days[used].astype("datetime64[s]"),
            "return": made.returns[used],
            "firms": made.firms[used],
        }
    )
    for place, (name, value) in enumerate(labels.items()):
        frame.insert(place, name, value)
    return frame
