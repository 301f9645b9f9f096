"""Returns by month and year."""

from __future__ import annotations

import calendar
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Days = npt.NDArray[np.datetime64]

MONTHLY = ("strategy", "year", "month", "return", "sessions", "partial")
MONTHS = tuple(calendar.month_abbr[1:])
MARK = "*"
"""Stands behind the return of a month or year that the window holds in part."""


@dataclass(frozen=True, slots=True)
class Periods:
    """Simple returns over calendar months or years.

    Attributes
    ----------
    start : ndarray, shape (P,), datetime64[M] or datetime64[Y]
    returns : ndarray, shape (P,)
        NaN for a period that begins with a value of zero or less.
    sessions : ndarray, shape (P,), int
        Sessions with a return.
    """

    start: Days
    returns: Floats
    sessions: Ints


def period_returns(values: Floats, days: Days, unit: str = "M") -> Periods:
    """Return the simple return of each calendar period of a path.

    A period's return leads from the last value before it to its last value, so that the
    returns compound to that of the whole path. The first value is a base: it has no return
    and opens no period by itself.

    Parameters
    ----------
    values : ndarray, shape (S,)
        At the closes.
    days : ndarray, shape (S,), datetime64[D]
    unit : {"M", "Y"}
    """
    periods = days[1:].astype(f"datetime64[{unit}]")
    starts, counts = np.unique(periods, return_counts=True)
    ends = np.cumsum(counts)
    before = values[ends - counts]
    base = np.where(before > 0, before, np.nan)
    return Periods(starts, values[ends] / base - 1.0, counts.astype(np.int64))


def month_is_over(last: np.datetime64, following: np.datetime64 | None) -> bool:
    """Return whether no session of the month comes after `last`.

    Parameters
    ----------
    last : datetime64[D]
    following : datetime64[D] or None
        The next session of the calendar. Where it is not known, every weekday that is left
        counts as one.
    """
    month = last.astype("datetime64[M]")
    if following is not None:
        return bool(following.astype("datetime64[M]") > month)
    ahead = (month + 1).astype("datetime64[D]")
    return int(np.busday_count(last + np.timedelta64(1, "D"), ahead)) == 0


def partial_months(
    months: Days, days: Days, following: np.datetime64 | None
) -> npt.NDArray[np.bool_]:
    """Return which months of a window lack sessions, shape (P,).

    The first does where the window's base lies within it, the last where sessions follow.

    Parameters
    ----------
    months : ndarray, shape (P,), datetime64[M]
    days : ndarray, shape (S,), datetime64[D]
        Of the window, the base included.
    following : datetime64[D] or None
        See `month_is_over`.
    """
    found = months == days[0].astype("datetime64[M]")
    if len(found) and not month_is_over(days[-1], following):
        found[-1] = True
    return np.asarray(found, dtype=bool)


def monthly_table(paths: pd.DataFrame, following: np.datetime64 | None = None) -> pd.DataFrame:
    """Return simple returns by strategy, year and month, each year's own after its months.

    Parameters
    ----------
    paths : DataFrame
        strategy, date, value: the first row of each strategy is its base.
    following : datetime64[D], optional
        The session after the last, where the calendar knows it.

    Returns
    -------
    DataFrame
        strategy, year, month (1 to 12, missing for the whole year), return, sessions (with a
        return), partial (whether the window holds the month or year in part).
    """
    rows = [
        row
        for name, path in paths.groupby("strategy", sort=False)
        for row in _rows(str(name), path, following)
    ]
    kinds = {
        "strategy": "str", "year": "int64", "month": "Int64", "return": "float64",
        "sessions": "int64", "partial": "bool",
    }  # fmt: skip
    return pd.DataFrame(rows, columns=list(MONTHLY)).astype(kinds)


def _rows(
    name: str, path: pd.DataFrame, following: np.datetime64 | None
) -> list[tuple[str, int, int | None, float, int, bool]]:
    values = path["value"].to_numpy(dtype=np.float64)
    days = path["date"].to_numpy().astype("datetime64[D]")
    months, years = period_returns(values, days), period_returns(values, days, "Y")
    partial = partial_months(months.start, days, following)
    of = months.start.astype("datetime64[Y]")
    rows: list[tuple[str, int, int | None, float, int, bool]] = []
    for k, year in enumerate(years.start):
        mine = np.flatnonzero(of == year)
        number = int(year.astype(int)) + 1970
        for i in mine:
            month = int(months.start[i].astype(int)) % 12 + 1
            told = float(months.returns[i]), int(months.sessions[i]), bool(partial[i])
            rows.append((name, number, month, *told))
        some = len(mine) < 12 or bool(partial[mine].any())
        rows.append((name, number, None, float(years.returns[k]), int(years.sessions[k]), some))
    return rows


def monthly_text(monthly: pd.DataFrame) -> str:
    """Return the months side by side, in percent: a block a strategy, a line a year.

    Parameters
    ----------
    monthly : DataFrame
        From `monthly_table`.
    """
    lines: list[str] = []
    for name, rows in monthly.groupby("strategy", sort=False):
        lines += [str(name), "      " + "".join(f"{m:>7}" for m in (*MONTHS, "year"))]
        for year, months in rows.groupby("year", sort=True):
            cells = dict.fromkeys(range(1, 14), "")
            for month, value, part in zip(
                months["month"].fillna(13).astype(int),
                months["return"],
                months["partial"],
                strict=True,
            ):
                cells[month] = _cell(value, part)
            lines.append(f"{year:>6}" + "".join(f"{cell:>7}" for cell in cells.values()))
        lines.append("")
    if monthly["partial"].any():
        lines.append(f"Percent; {MARK} the window holds the month or year in part.")
    return "\n".join(lines).rstrip()


def _cell(value: float, partial: bool) -> str:
    text = "n/a" if np.isnan(value) else f"{100 * value:.1f}"
    return text.replace("-0.0", "0.0") + (MARK if partial else " ")
