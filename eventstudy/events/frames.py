"""A frame or a Parquet file as columns of text: what a cell means is decided in one place."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from eventstudy.disk.unpacking import refuse_bomb
from eventstudy.errors import Fault, InputError
from eventstudy.events.csvfile import TextTable, opened

ENDINGS = (".parquet", ".pq")

_OF_ONE_KIND = ("date", "datetime", "datetime64", "time", "integer", "floating", "decimal")
"""Columns of objects whose equal values have equal texts: 1 and True are equal too."""


def is_parquet(path: Path) -> bool:
    """Return whether a file is to be read as Parquet, by its name."""
    return path.suffix.lower() in ENDINGS


def read_parquet_table(path: Path) -> TextTable:
    """Read a Parquet file of the contract's columns; lists, dates and times are taken too.

    Raises
    ------
    InputError
        Where there is no such file, or it is no Parquet.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = str(path)
    with opened(path) as source:
        try:
            parquet = pq.ParquetFile(source)
            footer = parquet.metadata
            refuse_bomb(footer.num_rows, footer.num_columns, path.stat().st_size)
            table = parquet.read()
        except (OSError, ValueError, TypeError, NotImplementedError) as error:
            # Arrow's own errors derive from these.
            raise InputError([Fault(file, f"cannot be read as Parquet: {error}")]) from None
    index = _index_columns(table.schema)
    named = [
        (i, name)
        for i, name in enumerate(table.column_names)
        if name not in index or name == "event_id"
    ]
    faults: list[Fault] = []
    texts = [_text_of(table.column(i), file, name, faults, pa) for i, name in named]
    if faults:
        raise InputError(faults)
    return _table(file, tuple(name.strip() for _, name in named), texts, table.num_rows)


def _index_columns(schema: Any) -> list[str]:
    """Return the columns that pandas wrote for an index; none where its note is not one."""
    try:
        said = (schema.pandas_metadata or {}).get("index_columns")
    except (ValueError, AttributeError):
        return []
    return [name for name in said if isinstance(name, str)] if isinstance(said, list) else []


def _text_of(column: Any, file: str, name: str, faults: list[Fault], pa: Any) -> pd.Series:
    """Return an Arrow column as text: lists separated by semicolons, days as ISO dates."""
    kind = column.type
    try:
        if pa.types.is_date32(kind):
            return _text(column.cast(pa.string()).to_pandas())
        if pa.types.is_nested(kind) or pa.types.is_binary(kind):
            return pd.Series(_texts(column.to_pylist()), dtype="str")
        return _text(column.to_pandas())
    except (OSError, ValueError, TypeError, OverflowError, NotImplementedError) as error:
        problem = f"a column of {kind} that cannot be read as text: {error}"
        faults.append(Fault(file, problem, column=name))
        return pd.Series([""] * len(column), dtype="str")


def table_of_frame(frame: pd.DataFrame) -> TextTable:
    """Return a pandas frame as columns of text; an index named event_id becomes a column."""
    if frame.index.name == "event_id" and "event_id" not in frame.columns:
        frame = frame.reset_index()
    header = tuple(str(name).strip() for name in frame.columns)
    texts = [_text(frame.iloc[:, i]) for i in range(len(header))]
    return _table("<frame>", header, texts, len(frame))


def _table(file: str, header: tuple[str, ...], texts: list[pd.Series], n: int) -> TextTable:
    columns = {name: texts[i].array for i, name in reversed(list(enumerate(header)))}
    frame = pd.DataFrame({name: columns[name] for name in header}, index=range(n), dtype="str")
    rows: npt.NDArray[np.int64] = np.arange(2, n + 2, dtype=np.int64)
    return TextTable(file, header, frame, rows, ())


def _text(column: pd.Series) -> pd.Series:
    """Return a column as text, each distinct value written once."""
    column = column.reset_index(drop=True)
    kind = pd.api.types.infer_dtype(column, skipna=True)
    if kind in ("string", "empty"):
        return column.fillna("").astype("str").str.strip()
    if kind != "categorical" and column.dtype == object and kind not in _OF_ONE_KIND:
        return pd.Series(_texts(column), dtype="str")
    codes, values = pd.factorize(column)
    # Missing values have the code -1, which takes the last of the texts.
    texts = pd.array([*_texts(values), ""], dtype="str")
    return pd.Series(texts.take(codes.astype(np.int64)))


def _texts(cells: Iterable[Any]) -> list[str]:
    return [_cell_text(cell) for cell in cells]


def _cell_text(cell: Any) -> str:
    if isinstance(cell, dict):
        return str(cell)
    if isinstance(cell, list | tuple | np.ndarray):
        return ";".join(str(part) for part in cell)
    if pd.isna(cell):
        return ""
    if isinstance(cell, datetime):
        midnight = cell.time() == time() and cell.tzinfo is None
        return cell.date().isoformat() if midnight else cell.isoformat(sep=" ")
    return str(cell.isoformat() if isinstance(cell, date | time) else cell).strip()
