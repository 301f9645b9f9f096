"""Prices from a data set of Parquet, one file or many, never read whole where a slice will do.

First the dates and tickers of the row groups in question are read and kept as numbers of four
bytes; they say which cells there are. Then the fields are read, row group by row group, into
arrays that are made once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from eventstudy.errors import Fault, PriceError, did_you_mean
from eventstudy.prices.address import PREFIX, StoredFile, stored_files
from eventstudy.prices.cells import beyond
from eventstudy.prices.contract import PriceInputError
from eventstudy.prices.layout import folded
from eventstudy.prices.row_groups import (
    NO_DAY,
    FaultCounts,
    Ints,
    PriceFile,
    day_numbers,
    labels_of,
    may_hold_days,
    may_hold_names,
    numbers_of,
    open_file,
)
from eventstudy.prices.table import FIELDS, Floats, PriceTable

_PRICES = ("open", "high", "low", "close", "adj_close")


@dataclass(frozen=True)
class DatasetSource:
    """Parquet files of prices under one path or address.

    Long files (date, ticker and any of open, high, low, close, adj_close, volume, dividends,
    with a close or an adj_close), in any order of rows, or wide ones. Files may lie in folders
    by ticker and year, ``ticker=AVGO/year=2020/part.parquet`` or ``AVGO/2020.parquet``; the
    ticker need not be a column then. Tickers are found as written, in capitals or in small
    letters. Of files and row groups whose place or statistics leave out what is asked for
    nothing but the footer is read.

    Attributes
    ----------
    address : str
        A path, ``parquet:PATH``, or an address such as ``s3://bucket/prices``, by pyarrow or
        by fsspec.
    """

    address: str

    @property
    def _place(self) -> str:
        return self.address.removeprefix(PREFIX)

    @property
    def label(self) -> str:
        """What errors and the table call this source."""
        return self._place.rstrip("/").rsplit("/", 1)[-1] or self._place

    def held(self) -> tuple[str, ...]:
        """Return the tickers that can be had; of long files the ticker column is read."""
        system, files = stored_files(self._place, self.label)
        names = _Names(None)
        for stored in files:
            file = open_file(system, stored)
            if file.layout.kind == "single":
                names.code(stored.ticker)
            for shown in file.layout.names.values():
                names.code(shown)
            if file.layout.ticker is not None:
                _note_names(file, file.layout.ticker, names)
        return tuple(name for name in names.shown if name)

    def load(
        self, tickers: Sequence[str] | None, start: date | None, end: date | None
    ) -> PriceTable:
        """Return the prices of these tickers; see `PriceSource.load`.

        Raises
        ------
        PriceInputError
            With the faults of all cells that were read: file, row group, row, column, value.
        PriceError
            Where nothing is there, or none of the tickers.
        """
        system, stored = stored_files(self._place, self.label)
        found = _Cells(self.label, _Names(tickers), start, end)
        files = [s for s in stored if found.may_hold(s)]
        broken: list[Fault] = []
        for each in files:
            try:
                found.look_into(open_file(system, each))
            except PriceInputError as error:
                broken += error.faults
        if broken:
            raise PriceInputError([*broken, *found.faults.all(self.label)])
        return found.table()


class _Names:
    """Tickers and their numbers; case is ignored, the first spelling is shown."""

    def __init__(self, asked: Sequence[str] | None) -> None:
        self.open = asked is None
        self.shown: list[str] = []
        self.others: dict[str, None] = {}
        self._codes: dict[str, int] = {}
        for name in asked or ():
            self._add(name)
        forms = (str, str.upper, str.lower)
        self.spellings = sorted({form(name) for name in asked or () for form in forms})

    def _add(self, name: str) -> int:
        self.shown.append(name)
        return self._codes.setdefault(folded(name), len(self.shown) - 1)

    def code(self, name: str) -> int:
        """Return the number of a ticker, -1 for one that was not asked for."""
        found = self._codes.get(folded(name))
        if found is not None:
            return found
        if self.open and name:
            return self._add(name)
        self.others[name] = None
        return -1


@dataclass(frozen=True, eq=False)
class _Piece:
    """Rows of one row group that were asked for.

    Attributes
    ----------
    file : PriceFile
    group : int
    rows : ndarray of int, shape (n,), or None
        Rows of the group; None for all of them.
    days : ndarray, shape (n,), int32
    codes : ndarray, shape (n,), int32, or None
        Numbers of tickers; None in a wide file.
    """

    file: PriceFile
    group: int
    rows: Ints | None
    days: Ints
    codes: Ints | None


@dataclass(eq=False)
class _Cells:
    """The rows that were asked for, while they are gathered."""

    label: str
    names: _Names
    start: date | None
    end: date | None
    pieces: list[_Piece] = field(default_factory=list)
    faults: FaultCounts = field(default_factory=FaultCounts)

    def may_hold(self, stored: StoredFile) -> bool:
        """Return whether a file can hold what was asked for, by its place alone."""
        if stored.keyed and not self.names.open and self.names.code(stored.ticker) < 0:
            return False
        first = self.start.year if self.start else None
        last = self.end.year if self.end else None
        return stored.year is None or (
            (first is None or stored.year >= first) and (last is None or stored.year <= last)
        )

    def look_into(self, file: PriceFile) -> None:
        """Read dates and tickers of the row groups of a file that can hold what was asked for."""
        layout, code = file.layout, -1
        if layout.kind == "single":
            code = self.names.code(file.stored.ticker)
            if code < 0:
                return
        if layout.kind == "wide":
            if max(self.names.code(shown) for shown in layout.names.values()) < 0:
                return
        elif not {"close", "adj_close"} & set(layout.columns[""]):
            raise PriceInputError([Fault(file.stored.shown, "no column close nor adj_close", 1)])
        for group in range(file.metadata.num_row_groups):
            # Bounds are asked for only where they can leave something out.
            dated = self.start is not None or self.end is not None
            bounds = file.bounds(group, layout.date) if dated else None
            if may_hold_days(bounds, self.start, self.end):
                if layout.ticker is None:
                    self._look_at(file, group, code)
                else:
                    self._look_at_long(file, group, layout.ticker)

    def _look_at_long(self, file: PriceFile, group: int, ticker: int) -> None:
        bounds = None if self.names.open else file.bounds(group, ticker)
        if not self.names.open and not may_hold_names(bounds, self.names.spellings):
            for bound in bounds or ():
                self.names.code(str(bound))
            return
        read = file.read(group, [file.layout.date, ticker])
        own, labels = labels_of(file, ticker, read[ticker])
        lost = np.flatnonzero(own < 0)
        if len(lost):
            where, first = file.where(group), file.first_row(group)
            self.faults.add(where, first, file.header[ticker], lost, [""] * len(lost), "no ticker")
        numbers = np.array([self.names.code(label) for label in labels] + [-1], dtype=np.int32)
        self._keep(file, group, read[file.layout.date], numbers[own])

    def _look_at(self, file: PriceFile, group: int, code: int) -> None:
        """Read the dates of a row group of a wide file, or of one ticker's own."""
        column = file.read(group, [file.layout.date])[file.layout.date]
        codes = None if code < 0 else np.full(len(column), code, dtype=np.int32)
        self._keep(file, group, column, codes)

    def _keep(self, file: PriceFile, group: int, dates: Any, codes: Ints | None) -> None:
        days = day_numbers(file, group, dates, self.faults)
        kept = days != NO_DAY
        if codes is not None:
            kept &= codes >= 0
        if self.start is not None:
            kept &= days >= np.datetime64(self.start, "D").astype(np.int64)
        if self.end is not None:
            kept &= days <= np.datetime64(self.end, "D").astype(np.int64)
        if len(kept) and kept.all():
            self.pieces.append(_Piece(file, group, None, days, codes))
        elif kept.any():
            rows = np.flatnonzero(kept).astype(np.int32)
            own = None if codes is None else codes[rows]
            self.pieces.append(_Piece(file, group, rows, days[rows], own))

    def table(self) -> PriceTable:
        """Read the fields into a table.

        Raises
        ------
        PriceInputError, PriceError
        """
        if not self.pieces:
            if self.faults.counts or self.faults.faults:
                raise PriceInputError(self.faults.all(self.label))
            raise PriceError(self._none_found())
        days, row_of = _days_in(self.pieces)
        arrays = {name: np.full((len(days), len(self.names.shown)), np.nan) for name in FIELDS}
        taken = np.zeros((len(days), len(self.names.shown)), dtype=bool)
        for piece in self.pieces:
            rows = row_of[piece.days - days[0]]
            if piece.codes is None:
                self._place_wide(piece, rows, arrays, taken)
            else:
                self._note_twice(piece, rows, piece.codes, taken)
                self._place_long(piece, rows, piece.codes, arrays)
        if self.faults.faults:
            raise PriceInputError(self.faults.all(self.label))
        del taken
        return self._finished(days.astype("datetime64[D]"), arrays)

    def _place_long(
        self, piece: _Piece, rows: Ints, codes: Ints, arrays: dict[str, Floats]
    ) -> None:
        fields = piece.file.layout.columns[""]
        read = piece.file.read(piece.group, list(fields.values()))
        for name, at in fields.items():
            values = self._figures(piece, name, at, read.pop(at))
            # One flat index is quicker than a pair of them.
            arrays[name].reshape(-1)[rows.astype(np.int64) * len(self.names.shown) + codes] = values

    def _place_wide(
        self,
        piece: _Piece,
        rows: Ints,
        arrays: dict[str, Floats],
        taken: npt.NDArray[np.bool_],
    ) -> None:
        layout = piece.file.layout
        codes = {key: self.names.code(shown) for key, shown in layout.names.items()}
        wanted = {key: fields for key, fields in layout.columns.items() if codes[key] >= 0}
        read = piece.file.read(piece.group, [at for own in wanted.values() for at in own.values()])
        for key, fields in wanted.items():
            given = np.zeros(len(rows), dtype=bool)
            for name, at in fields.items():
                values = self._figures(piece, name, at, read[at])
                arrays[name][rows, codes[key]] = values
                given |= ~np.isnan(values)
            code = np.full(int(given.sum()), codes[key], dtype=np.int32)
            self._note_twice(piece, rows[given], code, taken)

    def _figures(self, piece: _Piece, name: str, at: int, column: Any) -> Floats:
        """Return the figures of a piece; those that no price can be are noted."""
        file = piece.file
        values = numbers_of(file, at, column, self.faults)
        if piece.rows is not None:
            values = values[piece.rows]
        price = name in _PRICES
        infinite = np.isinf(values)
        low = ((values <= 0) if price else (values < 0)) & ~infinite
        far = beyond(values, price) & ~infinite & ~low
        rule = f"{name} must be {'above zero' if price else 'zero or more'}"
        told = ((infinite, "not finite"), (low, rule),
                (far & (values < 1), f"no {name} is so small"),
                (far & (values > 1), f"no {name} is so large"))  # fmt: skip
        for wrong, problem in told:
            if wrong.any():
                at_rows = np.flatnonzero(wrong)
                self._blame(piece, at, at_rows, values[at_rows].tolist(), problem)
        return values

    def _blame(
        self, piece: _Piece, at: int, rows: npt.NDArray[np.intp], values: list[Any], problem: str
    ) -> None:
        """Note faults of rows of a piece, counted in the file."""
        own = rows if piece.rows is None else piece.rows[rows]
        where, first = piece.file.where(piece.group), piece.file.first_row(piece.group)
        self.faults.add(where, first, piece.file.header[at], own, values, problem)

    def _note_twice(
        self, piece: _Piece, rows: Ints, codes: Ints, taken: npt.NDArray[np.bool_]
    ) -> None:
        """Note rows whose ticker and date stood before, in this row group or an earlier one."""
        flat = rows.astype(np.int64) * taken.shape[1] + codes
        cells = taken.reshape(-1)
        again = cells[flat]
        cells[flat] = True
        # Within the group: as many different cells as rows, or some stand twice.
        first = np.zeros(len(flat), dtype=bool)
        order = np.argsort(flat, kind="stable") if (np.diff(flat) <= 0).any() else None
        if order is not None:
            first[order[1:]] = flat[order[1:]] == flat[order[:-1]]
        twice = np.flatnonzero(again | first)
        if len(twice):
            days = piece.days[twice].astype("datetime64[D]").astype(str).tolist()
            problem = "the date stands twice; one row a ticker and date is allowed"
            self._blame(piece, piece.file.layout.date, twice, days, problem)

    def _finished(self, days: npt.NDArray[np.datetime64], arrays: dict[str, Floats]) -> PriceTable:
        """Return the table without tickers that have no price and dates that have no figure."""
        priced = np.any(
            [np.isfinite(arrays[n]).any(axis=0) for n in ("close", "adj_close")], axis=0
        )
        priced = np.asarray(priced)
        if not priced.any():
            raise PriceError(self._none_found())
        whole = bool(priced.all())
        used = np.zeros(len(days), dtype=bool)
        for values in arrays.values():
            used |= ~np.isnan(values if whole else values[:, priced]).all(axis=1)
        if not (whole and used.all()):
            for name in arrays:
                arrays[name] = np.ascontiguousarray(arrays[name][np.ix_(used, priced)])
        has = dict(zip(self.names.shown, priced.tolist(), strict=True))
        kept = tuple(name for name in has if has[name])
        why = f"no price in {self.label}{self._span()}"
        columns: dict[str, Any] = {**arrays}
        return PriceTable(
            tickers=kept,
            dates=days[used],
            source=self.label,
            origin=dict.fromkeys(kept, self.label),
            missing={name: why for name in has if not has[name]},
            **columns,
        )

    def _span(self) -> str:
        if self.start is None and self.end is None:
            return ""
        return f" from {self.start or 'the first date'} to {self.end or 'the last'}"

    def _none_found(self) -> str:
        known = [name for name in self.names.others if name]
        asked = ", ".join(f"{t}{did_you_mean(t, known)}" for t in self.names.shown[:30])
        if self.names.open or not asked:
            return f"{self.label} holds no prices{self._span()}"
        others = f"; it holds: {', '.join(sorted(known)[:30])}" if known else ""
        return f"{self.label} holds none of the tickers asked for{self._span()}: {asked}{others}"


def _note_names(file: PriceFile, at: int, names: _Names) -> None:
    for group in range(file.metadata.num_row_groups):
        for label in labels_of(file, at, file.read(group, [at])[at])[1]:
            names.code(label)


def _days_in(pieces: Sequence[_Piece]) -> tuple[Ints, Ints]:
    """Return the days of all pieces, ascending, and the row of each by its days from the first."""
    first = min(int(piece.days.min()) for piece in pieces)
    last = max(int(piece.days.max()) for piece in pieces)
    there = np.zeros(last - first + 1, dtype=bool)
    for piece in pieces:
        there[piece.days - first] = True
    days = (np.flatnonzero(there) + first).astype(np.int32)
    return days, (np.cumsum(there) - 1).astype(np.int32)
