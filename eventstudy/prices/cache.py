"""Downloaded prices on disk: one Parquet file a ticker, atomic to write, checked to read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np

from eventstudy.disk import write_whole
from eventstudy.disk.unpacking import refuse_bomb
from eventstudy.prices.table import Days, Floats

FORMAT = 1
_KEY = b"eventstudy"
_LONGEST_NAME = 120
# Windows gives these names to devices, whatever ending follows.
_DEVICES = frozenset(
    ["CON", "PRN", "AUX", "NUL", *(f"{port}{i}" for port in ("COM", "LPT") for i in range(1, 10))]
)


@dataclass(frozen=True, eq=False)
class Cached:
    """One ticker's history as it was downloaded.

    Attributes
    ----------
    dates : ndarray, shape (T,), datetime64[D]
    fields : mapping of str to ndarray, shape (T,), float64
    about : mapping of str to str
        Source, versions, time of download, and what the source needs to judge its age.
    """

    dates: Days
    fields: Mapping[str, Floats]
    about: Mapping[str, str]

    def seal(self) -> str:
        """Return the SHA-256 of all of it, in hexadecimal."""
        words = json.dumps([FORMAT, dict(self.about), list(self.fields)], sort_keys=True)
        made = hashlib.sha256(words.encode())
        made.update(self.dates.astype("datetime64[D]").astype("<i8").tobytes())
        for values in self.fields.values():
            made.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
        return made.hexdigest()


def file_name(ticker: str) -> str:
    """Return a file name that stays in its folder on every system.

    Letters, digits, ``-``, ``_`` and inner dots stand for themselves; all else is
    percent-encoded, so that two tickers never share a name.
    """
    safe = quote(ticker.upper(), safe="").replace("~", "%7E")
    if safe.startswith(".") or safe.split(".")[0] in _DEVICES:
        safe = f"%{ord(safe[0]):02X}{safe[1:]}"
    if len(safe) > _LONGEST_NAME:
        safe = f"{safe[:40]}%{hashlib.sha256(ticker.upper().encode()).hexdigest()}"
    return f"{safe}.parquet"


def write_cached(path: Path, cached: Cached) -> None:
    """Write one ticker's history so that a reader sees the old file or the new one whole.

    Raises
    ------
    OSError
        Where the folder cannot be written to.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {"date": pa.array(cached.dates.astype("datetime64[D]"))}
    columns |= {name: pa.array(values) for name, values in cached.fields.items()}
    about = {"format": FORMAT, "about": dict(cached.about), "sha256": cached.seal()}
    table = pa.table(columns).replace_schema_metadata({_KEY: json.dumps(about).encode()})
    write_whole(path, lambda file: pq.write_table(table, file))


def read_cached(path: Path) -> tuple[Cached | None, str]:
    """Return a cached history, or None and what is wrong with the file.

    Returns
    -------
    (Cached or None, str)
        The text is empty where the file is fine or was never there. A truncated or changed
        file gives no prices and no exception.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None, ""
    except OSError as error:
        return None, f"cannot be read: {error.strerror}"
    try:
        return _parsed(content), ""
    except Exception as error:
        # Whatever a damaged file makes the reader say, the answer is to fetch again.
        return None, f"is damaged ({type(error).__name__})"


def _parsed(content: bytes) -> Cached:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(pa.BufferReader(content))
    refuse_bomb(file.metadata.num_rows, file.metadata.num_columns, len(content))
    table = file.read(use_threads=False)
    about = json.loads((table.schema.metadata or {})[_KEY])
    if about["format"] != FORMAT:
        raise ValueError("written by another version")
    columns = {name: table.column(name).to_numpy() for name in table.column_names}
    dates = columns.pop("date").astype("datetime64[D]")
    fields = {name: np.asarray(values, dtype=np.float64) for name, values in columns.items()}
    cached = Cached(dates, fields, about["about"])
    if cached.seal() != about["sha256"]:
        raise ValueError("the checksum does not fit")
    return cached
