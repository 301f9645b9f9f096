"""The factor table: what every source gives and what factor models read."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from eventstudy.errors import EventStudyError, Fault, UnknownNameError

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]

ALIASES = {
    "mktrf": "mkt_rf",
    "rm_rf": "mkt_rf",
    "rmrf": "mkt_rf",
    "umd": "mom",
    "wml": "mom",
    "momentum": "mom",
    "riskfree": "rf",
    "risk_free": "rf",
}
"""Other names of the same factor. ``mkt``, a market return with rf in it, is not one."""

SAME = 1e-12
"""Two files state one figure alike within this, in decimals."""


class FactorError(EventStudyError):
    """Factors that are missing, unreadable or not fit for use."""


def canonical_name(name: str) -> str:
    """Return a factor's name as models use it.

    Small letters; all but letters and digits becomes ``_``; ``Mkt-RF`` and ``Rm-Rf`` are
    ``mkt_rf``, ``UMD`` and ``WML`` are ``mom``; see `ALIASES`.
    """
    plain = re.sub(r"[^0-9a-z]+", "_", name.strip().casefold()).strip("_")
    return ALIASES.get(plain, plain)


@dataclass(frozen=True, eq=False)
class FactorTable:
    """Returns of F factors on S dates.

    Attributes
    ----------
    dates : ndarray, shape (S,), datetime64[D], ascending, unique, tz-naive
    names : tuple of str, length F
        As `canonical_name` gives them.
    values : ndarray, shape (S, F)
        Simple returns per session in decimals (0.01 is one per cent), ``rf`` too; NaN where
        missing.
    source : str
        Files, ``frame`` or ``french``, for a reader.
    notes : tuple of str
        What was left out or stands for nothing, and how old a download is.
    """

    dates: Days
    names: tuple[str, ...]
    values: Floats
    source: str
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shape = (len(self.dates), len(self.names))
        if self.values.shape != shape:
            raise FactorError(f"values have shape {self.values.shape}, {shape} is needed")
        if not (np.diff(self.dates) > np.timedelta64(0, "D")).all():
            raise FactorError("the dates of a factor table must ascend, none twice")
        if len(set(self.names)) != len(self.names):
            raise FactorError(f"a factor stands twice: {', '.join(self.names)}")

    def __repr__(self) -> str:
        span = f"{self.dates[0]} to {self.dates[-1]}" if len(self.dates) else "no dates"
        names = ", ".join(self.names)
        return f"<FactorTable {self.source}: {names}; {len(self.dates)} dates, {span}>"

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def column(self, name: str) -> Floats:
        """Return one factor, shape (S,), decimals per session.

        Raises
        ------
        UnknownNameError
            Where the table does not hold it.
        """
        found = canonical_name(name)
        if found not in self.names:
            raise UnknownNameError("factor", name, self.names)
        return self.values[:, self.names.index(found)]

    def on_sessions(self, days: Days, names: Sequence[str] | None = None) -> Floats:
        """Return the factors on these sessions; dates that are no session are left out.

        Parameters
        ----------
        days : ndarray, shape (S',), datetime64[D]
        names : sequence of str, optional
            Columns in this order; all by default.

        Returns
        -------
        ndarray, shape (S', F)
            NaN where the table has no such date.

        Raises
        ------
        UnknownNameError
            Where the table does not hold one of the names.
        """
        values = self.values if names is None else _columns([self.column(n) for n in names], self)
        days = np.asarray(days, dtype="datetime64[D]")
        at = np.searchsorted(self.dates, days)
        hit = at < len(self.dates)
        hit[hit] = self.dates[at[hit]] == days[hit]
        found = np.full((len(days), values.shape[1]), np.nan)
        found[hit] = values[at[hit]]
        return found

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of names, dates and figures, in hexadecimal; the same for equal figures."""
        seal = hashlib.sha256("\n".join(self.names).encode())
        seal.update(self.dates.astype("datetime64[D]").astype("<i8").tobytes())
        # One NaN and one zero, so that equal figures have equal bytes.
        one = np.where(np.isnan(self.values), np.nan, self.values) + 0.0
        seal.update(np.ascontiguousarray(one, dtype="<f8").tobytes())
        return seal.hexdigest()


def _columns(columns: Sequence[Floats], table: FactorTable) -> Floats:
    if not columns:
        return np.empty((len(table.dates), 0))
    return np.column_stack(columns)


def merged(tables: Sequence[FactorTable]) -> tuple[FactorTable, list[Fault]]:
    """Return several tables as one on the union of their dates, and where they disagree.

    A factor that several tables hold is taken from all of them; where two give different
    figures on one date, that is a fault of the later table.

    Parameters
    ----------
    tables : sequence of FactorTable
        At least one.
    """
    if len(tables) == 1:
        return tables[0], []
    dates = np.unique(np.concatenate([table.dates for table in tables]))
    names = tuple(dict.fromkeys(name for table in tables for name in table.names))
    values = np.full((len(dates), len(names)), np.nan)
    holder: dict[str, str] = {}
    faults: list[Fault] = []
    for table in tables:
        placed = table.on_sessions(dates)
        for k, name in enumerate(table.names):
            column = values[:, names.index(name)]
            apart = np.abs(column - placed[:, k]) > SAME
            if apart.any():
                faults.append(_disagreement(table, name, holder[name], dates, column, placed[:, k]))
            column[:] = np.where(np.isnan(column), placed[:, k], column)
            holder.setdefault(name, table.source)
    source = ", ".join(dict.fromkeys(table.source for table in tables))
    notes = tuple(note for table in tables for note in table.notes)
    return FactorTable(dates, names, values, source, notes), faults


def _disagreement(
    table: FactorTable, name: str, other: str, dates: Days, held: Floats, given: Floats
) -> Fault:
    apart = np.flatnonzero(np.abs(held - given) > SAME)
    both = int((np.isfinite(held) & np.isfinite(given)).sum())
    first = apart[0]
    return Fault(
        table.source,
        f"differs from {other} on {len(apart)} of {both} shared dates, first on {dates[first]}: "
        f"{given[first]:.6g} here, {held[first]:.6g} there; leave it out of one of them",
        column=name,
    )
