"""Prices from a folder, or one file, of CSV or Parquet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from eventstudy.errors import Fault, PriceError, did_you_mean
from eventstudy.prices.bars import Bars, table_from_bars
from eventstudy.prices.cells import SUFFIXES, Raw, beyond, read_header, read_raw
from eventstudy.prices.contract import PriceInputError
from eventstudy.prices.layout import Layout, folded, read_layout
from eventstudy.prices.payouts import Payouts, read_payouts
from eventstudy.prices.table import Days, Floats, PriceTable

Rows = npt.NDArray[np.intp]

_PRICES = ("open", "high", "low", "close", "adj_close")


@dataclass(frozen=True)
class FileSource:
    """A folder of price files, or one file.

    One file a ticker (``AVGO.csv``: date and any of open, high, low, close, adj_close,
    volume, dividends, with a close or an adj_close), or long files with a ticker column, or
    wide files (a date and a column of adjusted closes a ticker, or ``avgo_open``,
    ``avgo_close`` ...). ``dividends*.csv`` with ticker, ex_date, amount may stand beside
    them. Names are matched without regard to case. Only the files needed are read.

    Attributes
    ----------
    path : Path
    name : str or None
        What the table calls the source; the folder's name by default.
    """

    path: Path
    name: str | None = None

    @property
    def label(self) -> str:
        """What errors and the table call this source."""
        return self.name or self.path.name or self.path.resolve().name

    def held(self) -> tuple[str, ...]:
        """Return the tickers that can be had, by the headers of the files."""
        return tuple(_Shelf(self.path, self.label).names())

    def load(
        self, tickers: Sequence[str] | None, start: date | None, end: date | None
    ) -> PriceTable:
        """Return the prices of these tickers; see `PriceSource.load`.

        Raises
        ------
        PriceInputError
            With every fault of every file that was read.
        PriceError
            Where the path is not there, holds no price file, or none of the tickers.
        """
        shelf = _Shelf(self.path, self.label)
        found, missing = shelf.bars(tickers)
        if tickers is not None and not found:
            raise PriceError(_none_found(self.label, tickers, shelf.names()))
        return table_from_bars(found, source=self.label, missing=missing, start=start, end=end)


@dataclass(frozen=True)
class _Shelf:
    """The files of one source: which holds what, each read once."""

    path: Path
    label: str

    @cached_property
    def files(self) -> list[Path]:
        """Price files in order of name."""
        if not self.path.exists():
            raise PriceError(f"{self.path}: no such file or folder{_neighbour(self.path)}")
        if self.path.is_file():
            if self.path.suffix.lower() not in SUFFIXES:
                kinds = ", ".join(SUFFIXES)
                raise PriceError(f"{self.path}: not a price file; allowed are {kinds}")
            return [self.path]
        files = [path for path in _listed(self.path) if not _is_payouts(path)]
        if not files:
            kinds = ", ".join(SUFFIXES)
            raise PriceError(f"{self.path}: holds no price file ({kinds})")
        return files

    @cached_property
    def payouts(self) -> Payouts | None:
        """The dividends that stand beside the price files."""
        folder = self.path if self.path.is_dir() else self.path.parent
        paths = [path for path in _listed(folder) if _is_payouts(path)]
        return read_payouts([(path, self._shown(path)) for path in paths]) if paths else None

    def _shown(self, path: Path) -> str:
        return f"{self.label}/{path.name}" if path != self.path else str(path.name)

    def layout(self, path: Path) -> Layout:
        """Return what the header of a file means."""
        shown = self._shown(path)
        return read_layout(shown, read_header(path, shown))

    def names(self) -> list[str]:
        """Return the tickers that can be had, for a message; broken files are passed over."""
        known: list[str] = []
        for path in self.files:
            try:
                layout = self.layout(path)
                known += _tickers_in(path, layout, self._shown(path))
            except PriceInputError:
                continue
        return known

    def bars(self, tickers: Sequence[str] | None) -> tuple[list[Bars], dict[str, str]]:
        """Return the bars of the tickers, and the reasons for those not found."""
        places, faults = self._all_places() if tickers is None else self._places(tickers)
        found: dict[str, Bars] = {}
        for path, (layout, names) in places.items():
            faults += self._read(path, layout, names, found)
        if self.payouts is not None and found:
            faults += self.payouts.faults
        if faults:
            raise PriceInputError(faults)
        asked = list(found) if tickers is None else tickers
        missing = dict.fromkeys(asked, f"no file or column of {self.label} holds it")
        held = [found[t] for t in asked if t in found]
        if self.payouts is not None:
            held = [self.payouts.joined_to(bars) for bars in held]
        return held, {t: why for t, why in missing.items() if t not in found}

    def _all_places(self) -> tuple[dict[Path, tuple[Layout, list[str]]], list[Fault]]:
        """Return every file with all its tickers."""
        places: dict[Path, tuple[Layout, list[str]]] = {}
        holders: dict[str, list[Path]] = {}
        faults: list[Fault] = []
        for path in self.files:
            try:
                layout = self.layout(path)
                names = _tickers_in(path, layout, self._shown(path))
            except PriceInputError as error:
                faults += error.faults
                continue
            places[path] = (layout, names)
            faults += _hidden_letters(names, self._shown(path))
            for name in names:
                holders.setdefault(folded(name), []).append(path)
        return places, faults + self._ambiguous(holders)

    def _places(
        self, tickers: Sequence[str]
    ) -> tuple[dict[Path, tuple[Layout, list[str]]], list[Fault]]:
        """Return the files that hold these tickers; a file of that name comes first."""
        by_stem: dict[str, list[Path]] = {}
        for path in self.files:
            by_stem.setdefault(folded(path.stem), []).append(path)
        places: dict[Path, tuple[Layout, list[str]]] = {}
        holders: dict[str, list[Path]] = {}
        faults: list[Fault] = []
        rest = []
        for ticker in tickers:
            own = by_stem.get(folded(ticker), [])
            try:
                layouts = [(path, self.layout(path)) for path in own]
            except PriceInputError as error:
                faults += error.faults
                continue
            single = [(path, layout) for path, layout in layouts if layout.kind == "single"]
            for path, layout in single:
                places.setdefault(path, (layout, []))[1].append(ticker)
                holders.setdefault(folded(ticker), []).append(path)
            if not single:
                rest.append(ticker)
        if rest:
            self._look_in_tables(rest, places, holders)
        return places, faults + self._ambiguous(holders)

    def _look_in_tables(
        self,
        tickers: Sequence[str],
        places: dict[Path, tuple[Layout, list[str]]],
        holders: dict[str, list[Path]],
    ) -> None:
        """Find tickers inside long and wide files."""
        for path in self.files:
            try:
                layout = self.layout(path)
            except PriceInputError:
                if len(self.files) == 1:
                    raise
                continue  # a file that is no price table; its tickers are reported as missing
            if layout.kind == "single":
                continue
            held = {folded(t) for t in _tickers_in(path, layout, self._shown(path))}
            inside = [t for t in tickers if folded(t) in held]
            if inside:
                places[path] = (layout, inside)
            for ticker in inside:
                holders.setdefault(folded(ticker), []).append(path)

    def _ambiguous(self, holders: Mapping[str, list[Path]]) -> list[Fault]:
        faults = []
        for ticker, paths in holders.items():
            names = list(dict.fromkeys(path.name for path in paths))
            if len(names) > 1:
                problem = f"{ticker.upper()} stands in {' and '.join(names)}; one is allowed"
                faults.append(Fault(self.label, problem))
        return faults

    def _read(
        self, path: Path, layout: Layout, tickers: Sequence[str], found: dict[str, Bars]
    ) -> list[Fault]:
        """Read tickers' bars from one file into `found`; return the faults."""
        shown = self._shown(path)
        needed = [at for t in tickers for at in layout.needed(folded(t))]
        needed += [layout.date] if layout.ticker is None else [layout.date, layout.ticker]
        try:
            raw = read_raw(path, shown, needed)
        except PriceInputError as error:
            return list(error.faults)
        days = raw.dates(layout.date)
        numbers = {at: raw.numbers(at) for at in set(needed) - {layout.date, layout.ticker}}
        groups = _rows_by_ticker(raw, layout)
        if layout.ticker is not None and not len(days):
            raw.faults.append(Fault(shown, "there is no row under the header", row=1))
        if layout.kind != "long":
            _check_dates(raw, layout.date, days, np.arange(len(days)))
        for ticker in tickers:
            key = folded(ticker)
            columns = layout.columns[key if layout.kind == "wide" else ""]
            rows = groups[key] if groups is not None else np.arange(len(days))
            if layout.kind == "long":
                _check_dates(raw, layout.date, days, rows)
            fields = {name: numbers[at][rows] for name, at in columns.items()}
            if not {"close", "adj_close"} & set(fields):
                problem = f"{ticker} has {', '.join(fields)} but no close nor adj_close"
                raw.faults.append(Fault(shown, problem, row=1))
            _check_values(raw, columns, fields, rows, days)
            found[ticker] = Bars(ticker, days[rows], fields, path.name)
        return raw.faults


def _hidden_letters(names: Iterable[str], shown: str) -> list[Fault]:
    """Return a fault for each ticker with a letter that nobody sees, such as a zero-width space."""
    problem = "no ticker: it holds a letter that cannot be printed"
    return [Fault(shown, problem, value=name) for name in names if not name.isprintable()]


def is_dataset(path: Path) -> bool:
    """Return whether a path is better read as a data set: long Parquet files, or folders of them.

    Not where CSV or a file of dividends stands beside: `FileSource` reads those.
    """
    if path.is_file():
        beside = any(_is_payouts(p) for p in path.parent.iterdir() if p.suffix in SUFFIXES)
        return path.suffix.lower() in SUFFIXES[1:] and not beside and _is_long(path)
    if not path.is_dir():
        return False
    files = _listed(path)
    if files:
        plain = any(p.suffix.lower() == ".csv" or _is_payouts(p) for p in files)
        return not plain and _is_long(files[0])
    return any(p.suffix.lower() in SUFFIXES[1:] for p in path.glob("*/**/*") if p.is_file())


def _is_long(path: Path) -> bool:
    try:
        return read_layout(path.name, read_header(path, path.name)).kind == "long"
    except PriceInputError:
        return False


def _rows_by_ticker(raw: Raw, layout: Layout) -> dict[str, Rows] | None:
    if layout.ticker is None:
        return None
    for row, cell in enumerate(raw.columns[layout.ticker]):
        if not str(cell).strip():
            raw.fault(row, layout.ticker, "no ticker")
    cells = raw.columns[layout.ticker]
    codes: dict[str, int] = {}
    code_of = {c: codes.setdefault(folded(str(c)), len(codes)) for c in dict.fromkeys(cells)}
    inverse = np.fromiter((code_of[c] for c in cells), dtype=np.intp, count=len(cells))
    order = np.argsort(inverse, kind="stable")
    ends = np.searchsorted(inverse[order], np.arange(1, len(codes)))
    return dict(zip(codes, np.split(order, ends), strict=True)) if codes else {}


def _check_dates(raw: Raw, column: int, days: Days, rows: Rows) -> None:
    """Note dates that stand twice, and the first that goes back in time."""
    own = days[rows]
    _, first = np.unique(own, return_index=True)
    repeated = np.setdiff1d(np.arange(len(own)), first)
    for i in repeated[~np.isnat(own[repeated])]:
        raw.fault(int(rows[i]), column, "the date stands twice; one row a date is allowed")
    back = np.flatnonzero(own[1:] < own[:-1]) + 1
    if len(back):
        problem = f"comes after {own[back[0] - 1]}; dates must ascend ({len(back)} such rows)"
        raw.fault(int(rows[back[0]]), column, problem)


def _check_values(
    raw: Raw,
    columns: Mapping[str, int],
    fields: Mapping[str, Floats],
    rows: Rows,
    days: Days,
) -> None:
    """Note prices that are not above zero, and negative volumes and dividends."""
    for name, values in fields.items():
        price = name in _PRICES
        low = values <= 0 if price else values < 0
        far = beyond(values, price) & ~low
        for i in np.flatnonzero(low | far):
            if np.isinf(values[i]):
                problem = "not finite"
            elif far[i]:
                problem = f"no {name} is so {'small' if values[i] < 1 else 'large'}"
            else:
                problem = f"{name} must be {'above zero' if price else 'zero or more'}"
            raw.fault(int(rows[i]), columns[name], problem, days[rows[i]])


def _tickers_in(path: Path, layout: Layout, shown: str) -> list[str]:
    """Return the tickers of one file; only a long file is opened for it."""
    if layout.kind == "single":
        return [path.stem]
    if layout.ticker is None:
        return list(layout.names.values())
    raw = read_raw(path, shown, [layout.ticker])
    kept = raw.columns[layout.ticker]
    if isinstance(kept, np.ndarray) and kept.dtype.kind not in "iu" and len(kept):
        problem = f"a column of {kept.dtype} where tickers are needed"
        raise PriceInputError([Fault(shown, problem, column=raw.header[layout.ticker])])
    cells = [str(cell).strip() for cell in dict.fromkeys(raw.columns[layout.ticker])]
    return list({folded(cell): cell for cell in cells if cell}.values())


def _listed(folder: Path) -> list[Path]:
    try:
        inside = sorted(folder.iterdir())
    except OSError as error:
        raise PriceError(f"{folder}: cannot be listed: {error.strerror}") from None
    return [
        path
        for path in inside
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    ]


def _is_payouts(path: Path) -> bool:
    return path.name.casefold().startswith("dividends")


def _neighbour(path: Path) -> str:
    parent = path.parent
    return did_you_mean(path.name, [p.name for p in parent.iterdir()]) if parent.is_dir() else ""


def _none_found(label: str, tickers: Iterable[str], known: Sequence[str]) -> str:
    asked = ", ".join(f"{ticker}{did_you_mean(ticker, known)}" for ticker in tickers)
    shown = ", ".join(sorted(known)[:30]) + (", ..." if len(known) > 30 else "")
    return f"{label} holds none of the tickers asked for: {asked}; it holds: {shown}"
