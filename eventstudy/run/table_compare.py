"""Two tables of the same name, row by row: who is missing, and how far the numbers are apart."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eventstudy.disk.unpacking import refuse_bomb
from eventstudy.errors import EventStudyError

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Row = tuple[tuple[str, ...], int]

LONGEST = 60
ENDINGS = (".csv", ".parquet")
KEYS = frozenset([
    "strategy", "event_id", "other_id", "ticker", "series", "group", "alignment", "model",
    "convention", "window", "horizon", "against", "weights", "test", "measure", "policy",
    "label", "choice", "kind", "side", "day", "date", "month", "entry_date", "created",
    "design", "effect", "tail", "variant", "fold", "claim", "part",
])  # fmt: skip
"""Columns that say what a row is about; the others are what was found."""


@dataclass(frozen=True, slots=True)
class ColumnDifference:
    """A column that differs on rows that both tables have.

    Attributes
    ----------
    column : str
    rows : int
        Rows on which it differs.
    largest : float or None
        Largest absolute difference, in the column's unit; None where it is text or infinite, or
        where one has a number and the other has none.
    at : str
        The row of the largest difference, or the first that differs.
    a, b : str
        What stands there.
    """

    column: str
    rows: int
    largest: float | None
    at: str
    a: str
    b: str

    def __str__(self) -> str:
        rows = f"{self.rows} row{'s' if self.rows != 1 else ''} differ"
        by = f" by at most {self.largest:.6g}" if self.largest is not None else ""
        return f"{self.column}: {rows}{by} ({self.at}: {_short(self.a)}, {_short(self.b)})"


@dataclass(frozen=True, slots=True)
class TableDifference:
    """A table of two runs.

    Attributes
    ----------
    name : str
    state : str
        ``identical`` (byte for byte), ``same values`` (in another format), ``differs``,
        ``only in A`` or ``only in B``.
    rows_a, rows_b : int
    only_a, only_b : tuple of str
        Rows that only one has.
    columns_a, columns_b : tuple of str
        Columns that only one has.
    columns : tuple of ColumnDifference
    """

    name: str
    state: str
    rows_a: int = 0
    rows_b: int = 0
    only_a: tuple[str, ...] = ()
    only_b: tuple[str, ...] = ()
    columns_a: tuple[str, ...] = ()
    columns_b: tuple[str, ...] = ()
    columns: tuple[ColumnDifference, ...] = ()

    def lines(self) -> list[str]:
        """Return the difference in words, the first line naming the table."""
        if self.state != "differs":
            return [f"{self.name}: {self.state}"]
        found = [f"{self.name}: {self.rows_a:,} rows in A, {self.rows_b:,} in B"]
        for side, rows, columns in (
            ("A", self.only_a, self.columns_a),
            ("B", self.only_b, self.columns_b),
        ):
            if columns:
                found.append(f"  columns only in {side}: {', '.join(columns)}")
            if rows:
                found.append(f"  rows only in {side}: {len(rows):,}, such as {rows[0]}")
        return found + [f"  {column}" for column in self.columns]


def compare_files(
    a: Path, b: Path, names_a: Sequence[str], names_b: Sequence[str]
) -> tuple[tuple[TableDifference, ...], dict[str, str]]:
    """Compare the files of two folders; a table counts as one whatever its format.

    Parameters
    ----------
    a, b : Path
    names_a, names_b : sequence of str
        Files to compare.

    Returns
    -------
    tables : tuple of TableDifference
    pages : dict of str to str
        State of each file that is no table.

    Raises
    ------
    EventStudyError
        Where a table cannot be read.
    """
    one, other = _by_table(a, names_a), _by_table(b, names_b)
    tables, pages = [], {}
    for name in dict.fromkeys((*one, *other)):
        path, path_b = one.get(name), other.get(name)
        if path is None or path_b is None:
            state = "only in A" if path_b is None else "only in B"
        else:
            same = path.suffix == path_b.suffix and _contents(path) == _contents(path_b)
            state = "identical" if same else "differs"
        if name.endswith(".html"):
            pages[name] = state
        elif state == "differs" and path is not None and path_b is not None:
            tables.append(compare_tables(name, read_table(path), read_table(path_b)))
        else:
            tables.append(TableDifference(name, state))
    return tuple(tables), pages


def _contents(path: Path) -> list[tuple[str, str]]:
    """Return name and SHA-256 of a file, or of each part of a table in parts."""
    parts = sorted(path.iterdir()) if path.is_dir() else [path]
    found = []
    for part in parts:
        with part.open("rb") as file:
            name = part.name if part is not path else ""
            found.append((name, hashlib.file_digest(file, "sha256").hexdigest()))
    return found


def _by_table(folder: Path, names: Sequence[str]) -> Mapping[str, Path]:
    paths = [folder / name for name in names]
    return {path.stem if path.suffix in ENDINGS else path.name: path for path in paths}


def read_table(path: Path) -> pd.DataFrame:
    """Read a table of a run, from Parquet as CSV would have held it.

    Raises
    ------
    EventStudyError
        Where it cannot be read.
    """
    from io import StringIO

    import pandas as pd
    import pyarrow.parquet as pq

    from eventstudy.exports.frames import csv_text

    try:
        if path.suffix == ".parquet":
            for part in sorted(path.iterdir()) if path.is_dir() else [path]:
                footer = pq.read_metadata(part)
                refuse_bomb(footer.num_rows, footer.num_columns, part.stat().st_size)
            source: Path | StringIO = StringIO(csv_text(pd.read_parquet(path)))
        else:
            source = path
        return pd.read_csv(source, keep_default_na=False, na_values=[""])
    except (OSError, ValueError) as error:
        raise EventStudyError(f"{path}: cannot be read as a table: {error}") from None


def compare_tables(name: str, a: pd.DataFrame, b: pd.DataFrame) -> TableDifference:
    """Compare two tables on the rows that both have.

    Rows are matched by the columns of `KEYS` that both have (all text columns where there are
    none); rows that share them are matched in their order. A strategy is matched whatever its
    parameters, where each table has it once.
    """
    a, b = _by_strategy(a, b)
    both = [column for column in a.columns if column in b.columns]
    keys = [c for c in both if c in KEYS] or [c for c in both if not _is_number(a[c], b[c])]
    about, about_b = _about(a, keys), _about(b, keys)
    at_b = {row: i for i, row in enumerate(about_b)}
    shared = [row for row in about if row in at_b]
    rows = np.array([i for i, row in enumerate(about) if row in at_b], dtype=np.int64)
    rows_b = np.array([at_b[row] for row in shared], dtype=np.int64)
    values = [c for c in both if c not in keys]
    gaps = [_gap(a[c].iloc[rows], b[c].iloc[rows_b], shared) for c in values]
    in_both = set(shared)
    found = TableDifference(
        name,
        "differs",
        len(a),
        len(b),
        tuple(_label(row) for row in about if row not in in_both),
        tuple(_label(row) for row in about_b if row not in in_both),
        tuple(str(c) for c in a.columns if c not in both),
        tuple(str(c) for c in b.columns if c not in both),
        tuple(gap for gap in gaps if gap is not None),
    )
    apart = (found.only_a, found.only_b, found.columns_a, found.columns_b, found.columns)
    return found if any(apart) else TableDifference(name, "same values", len(a), len(b))


def _by_strategy(a: pd.DataFrame, b: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the tables without the parameters that follow a strategy's name."""
    if "strategy" not in a.columns or "strategy" not in b.columns:
        return a, b
    bare = []
    for frame in (a, b):
        labels = frame["strategy"].drop_duplicates().astype(str)
        names = labels.str.partition(":")[0]
        if names.duplicated().any():
            return a, b
        short = dict(zip(labels, names, strict=True))
        bare.append(frame.assign(strategy=frame["strategy"].map(short)))
    return bare[0], bare[1]


def _about(frame: pd.DataFrame, keys: Sequence[str]) -> list[Row]:
    """Return what each row is about, with a number where several are about the same."""
    texts = frame[list(keys)].astype("string").fillna("")
    seen: dict[tuple[str, ...], int] = {}
    found: list[Row] = []
    for values in texts.itertuples(index=False, name=None):
        seen[values] = seen.get(values, 0) + 1
        found.append((values, seen[values]))
    return found


def _label(row: Row) -> str:
    label = " ".join(value for value in row[0] if value) or "row"
    return label if row[1] == 1 else f"{label} #{row[1]}"


def _is_number(*columns: pd.Series) -> bool:
    return all(column.dtype.kind in "iuf" for column in columns)


def _gap(a: pd.Series, b: pd.Series, shared: Sequence[Row]) -> ColumnDifference | None:
    if _is_number(a, b):
        count, largest, at = number_gap(a.to_numpy(np.float64), b.to_numpy(np.float64))
        largest = largest if largest is not None and np.isfinite(largest) else None
    else:
        unlike = np.flatnonzero(_texts(a) != _texts(b))
        count, largest, at = len(unlike), None, int(unlike[0]) if len(unlike) else 0
    if not count:
        return None
    shown = [str(texts[at]) for texts in (_texts(a), _texts(b))]
    return ColumnDifference(str(a.name), count, largest, _label(shared[at]), *shown)


def _short(text: str) -> str:
    """Return a cell as a line can hold it; a number to six digits."""
    try:
        return f"{float(text):.6g}"
    except ValueError:
        cut = text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
        return repr(cut)


def _texts(column: pd.Series) -> npt.NDArray[np.object_]:
    return column.astype("string").fillna("").to_numpy(dtype=object)


def number_gap(a: Floats, b: Floats) -> tuple[int, float | None, int]:
    """Return on how many rows two columns differ, by how much at most, and where.

    Parameters
    ----------
    a, b : ndarray, shape (R,)
        NaN is equal to NaN, and differs from every number; what differs by rounding (1e-12
        of the larger, or 1e-15) is equal.

    Returns
    -------
    rows : int
    largest : float or None
        Of |a - b| over the rows where both have a number; None where none such differs.
    at : int
        Row of the largest, else the first that differs; 0 where none does.
    """
    unlike = ~np.isclose(a, b, rtol=1e-12, atol=1e-15, equal_nan=True)
    rows = np.flatnonzero(unlike)
    if not len(rows):
        return 0, None, 0
    with np.errstate(invalid="ignore"):
        gaps = np.abs(a[rows] - b[rows])
    if np.isnan(gaps).all():
        return len(rows), None, int(rows[0])
    top = int(np.nanargmax(gaps))
    return len(rows), float(gaps[top]), int(rows[top])
