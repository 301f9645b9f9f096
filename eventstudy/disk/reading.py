"""Sets of parts, read: in the order of the parts' numbers, whole or piece by piece."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from eventstudy.errors import EventStudyError

PART = re.compile(r"part-(\d{5,})\.parquet")


def part_files(folder: str | Path, name: str) -> list[Path]:
    """Return the parts of a set in the order of their numbers; empty where there is none."""
    place = Path(folder) / name
    if not place.is_dir():
        return []
    found = [(m, path) for path in place.iterdir() if (m := PART.fullmatch(path.name))]
    return [path for _, path in sorted((int(m[1]), path) for m, path in found)]


def open_parts(folder: str | Path, name: str) -> Any:
    """Return a set of parts as a pyarrow.dataset.Dataset, to read piece by piece.

    Raises
    ------
    EventStudyError
        Where there is no such set.
    """
    import pyarrow.dataset as ds

    files = part_files(folder, name)
    if not files:
        raise EventStudyError(f"{Path(folder) / name}: holds no part-00000.parquet or the like")
    return ds.dataset([str(path) for path in files], format="parquet")


def read_parts(folder: str | Path, name: str, columns: Iterable[str] | None = None) -> Any:
    """Return the rows of a set of parts, in the order of the parts' numbers.

    Parameters
    ----------
    folder : str or Path
    name : str
    columns : iterable of str, optional
        Only these are read.

    Returns
    -------
    pyarrow.Table
        Text columns are dictionaries, one for all parts; ``.to_pandas()`` makes them
        categories.

    Raises
    ------
    EventStudyError
        Where there is no such set or no such column.
    """
    dataset = open_parts(folder, name)
    wanted = None if columns is None else list(columns)
    unknown = [column for column in wanted or () if column not in dataset.schema.names]
    if unknown:
        known = ", ".join(dataset.schema.names)
        raise EventStudyError(f"{name} has no column {', '.join(unknown)}; it has {known}")
    return dataset.to_table(columns=wanted).unify_dictionaries()
