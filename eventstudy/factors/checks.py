"""What makes a file of factors unfit for use: its names, its dates, its units."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from eventstudy.errors import Fault
from eventstudy.factors.table import FactorTable, Floats, canonical_name
from eventstudy.factors.text import MISSING_CODES, Cells, Told

Units = Literal["percent", "decimal"]
UNITS = {"percent": 100.0, "decimal": 1.0}

LONGEST_GAP = 14
"""Days between two rows. New York's longest halt since 1926 took 12, in March 1933."""
LONGEST_STEP = 4
"""Days between rows in the median; above it the figures are weekly at best."""
FEWEST = 20
"""Figures below which a median says nothing about units."""
LARGEST_MOVE = 0.5
"""Decimals per session; no market or factor of stocks has moved so far in one."""
LARGEST_RATE = 0.004
"""Decimals per session in the median, about 170% a year."""

# The ends of each range are a factor of 100 apart, so that units mistaken either way fall
# outside of it; calm years of the quietest factors have a median near 0.0008.
PLAUSIBLE = {"mkt_rf": (0.0005, 0.05)} | dict.fromkeys(
    ("smb", "hml", "rmw", "cma", "mom"), (0.0003, 0.03)
)


def as_table(cells: Cells, units: Units | None, source: str, check: bool) -> FactorTable | None:
    """Return a table in decimals; None where `cells.faults` has grown or had some already.

    Parameters
    ----------
    cells : Cells
    units : {"percent", "decimal"} or None
        None is right for files of French's library only, which are in per cent.
    source : str
        What the table calls it.
    check : bool
        Whether figures must be plausible in these units.
    """
    stated, problem = _units(cells, units)
    if problem and not (cells.faults and not cells.header):
        cells.faults.append(Fault(cells.file, problem))
    cells.faults.extend(_name_faults(cells))
    cells.faults.extend(_date_faults(cells))
    values = cells.values / UNITS[stated]
    if check and not problem:
        cells.faults.extend(_figure_faults(cells, values, stated))
    if cells.faults:
        return None
    names = tuple(canonical_name(name) for name in cells.header)
    return FactorTable(cells.dates, names, values, source, tuple(cells.notes))


def _units(cells: Cells, units: Units | None) -> tuple[Units, str]:
    if cells.from_library:
        problem = (
            'units="decimal" contradicts the file: this is the layout of French\'s library, '
            "which is in percent; leave the units out"
        )
        return "percent", problem if units == "decimal" else ""
    if units is None:
        return "decimal", (
            'its units are not stated: give units="percent" (--factor-units percent) where 0.25 '
            'means 0.25%, or units="decimal" (--factor-units decimal) where 0.0025 does'
        )
    return units, ""


def _name_faults(cells: Cells) -> Iterator[Fault]:
    if not cells.header and not cells.faults:
        yield Fault(cells.file, "there is no column of factors beside the dates")
    seen: dict[str, str] = {}
    for name in cells.header:
        found = canonical_name(name)
        if not found:
            yield Fault(cells.file, "a column without a name", column=name)
        elif found in seen:
            yield Fault(cells.file, f"the same factor as column {seen[found]}", column=name)
        seen.setdefault(found, name)


def _date_faults(cells: Cells) -> Iterator[Fault]:
    """Faults of order, repeats and gaps among the rows whose date can be read."""
    known = np.flatnonzero(~np.isnat(cells.dates))
    dates, rows = cells.dates[known], cells.rows[known]
    if not len(dates):
        if not cells.faults:
            yield Fault(cells.file, "there is no row under the header")
        return
    distinct, place = np.unique(dates, return_inverse=True)
    away = np.diff(distinct, prepend=distinct[0]).astype(int)
    step = np.median(away[1:]) if len(away) > 1 else 1
    if step > LONGEST_STEP:
        problem = f"rows are {step:g} days apart in the median: figures per session are needed"
        yield Fault(cells.file, problem)
    told = Told(cells.file)
    first: dict[object, int] = {}
    for i, (day, row) in enumerate(zip(dates.tolist(), rows.tolist(), strict=True)):
        if day in first:
            problem, kind = f"this date stands in row {first[day]} already", "a date stands twice"
        elif i and dates[i] < dates[i - 1]:
            kind = "earlier than the row before; dates must ascend"
            problem = f"earlier than the row before ({dates[i - 1]}); dates must ascend"
        elif away[place[i]] > LONGEST_GAP and step <= LONGEST_STEP:
            kind = f"more than {LONGEST_GAP} days after the date before"
            problem = (
                f"{away[place[i]]} days after the last date before it "
                f"({distinct[place[i] - 1]}), {LONGEST_GAP} are allowed; a session without "
                "figures has a row of empty cells"
            )
        else:
            problem = kind = ""
        first.setdefault(day, row)
        if problem:
            told.add(kind, problem, row, "date", str(day))
    yield from told.all()


def _figure_faults(cells: Cells, values: Floats, units: Units) -> Iterator[Fault]:
    """Columns without a figure, and those that cannot be in the units stated."""
    for k, column in enumerate(cells.header):
        name, figures = canonical_name(column), np.abs(values[:, k])
        held = figures[np.isfinite(figures)]
        if not len(held):
            if len(figures) and not cells.faults:
                yield Fault(cells.file, "holds no figure", column=column)
            continue
        problem = _implausible(name, float(np.median(held)), len(held), units)
        if problem:
            yield Fault(cells.file, problem, column=column)
        elif name in PLAUSIBLE:
            yield from _moves(cells, k, figures, units)


def _implausible(name: str, median: float, count: int, units: Units) -> str:
    """Return why a column cannot be in these units, or nothing."""
    if name == "rf":
        if median <= LARGEST_RATE:
            return ""
        return (
            f'with units="{units}" the median of {count} riskless rates is {median:.3%} per '
            f"session; at most {LARGEST_RATE:.1%} is plausible: give a rate per session, not a "
            "year, in the same units as the other columns"
        )
    if name not in PLAUSIBLE or count < FEWEST:
        return ""
    low, high = PLAUSIBLE[name]
    if low <= median <= high:
        return ""
    other = "percent" if units == "decimal" else "decimal"
    return (
        f'with units="{units}" the median size of {count} returns is {100 * median:.3g}% per '
        f"session; {low:.2%} to {high:.0%} is plausible. Are the figures in {other}? "
        "load_factors(..., check=False) takes them as they are"
    )


def _moves(cells: Cells, k: int, figures: Floats, units: Units) -> Iterator[Fault]:
    """Figures that no session has seen."""
    told = Told(cells.file)
    for i in np.flatnonzero(figures > LARGEST_MOVE):
        stated = float(cells.values[i, k])
        if stated in MISSING_CODES:
            problem = kind = "a code for a missing figure; leave the cell empty"
        else:
            kind = f'with units="{units}" a move of more than {LARGEST_MOVE:.0%} in one session'
            problem = (
                f'with units="{units}" a move of {figures[i]:.0%} in one session; at most '
                f"{LARGEST_MOVE:.0%} is plausible"
            )
        told.add(kind, problem, int(cells.rows[i]), cells.header[k], f"{stated:.15g}")
    yield from told.all()
