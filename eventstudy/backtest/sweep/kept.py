"""Results of a sweep kept on disk while it runs, so that a later run goes on from there."""

from __future__ import annotations

import contextlib
import hashlib
import io
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from eventstudy.backtest.sweep.work import Ended
from eventstudy.disk import clear_unfinished, write_whole
from eventstudy.disk.unpacking import refuse_bomb
from eventstudy.errors import BacktestError

EVERY = 2.0
"""Seconds between parts at first: what a kill costs at most, beside what was being run."""
SHARE = 0.01
"""Later they are this share of the time so far apart, so that there are hundreds at most."""
FIGURE = "figure:"


class Kept:
    """A folder of parts; a part is there whole or not at all, and is never written twice.

    A part's name holds a hash of what is in it: neither another run in the same folder nor a
    later one can put a smaller part in its place.

    Parameters
    ----------
    folder : path or None
        None keeps nothing.
    key : str
        Of the sweep: parts of another one are left alone.
    every : float
        Seconds between parts at first.
    """

    def __init__(self, folder: str | Path | None, key: str, every: float = EVERY) -> None:
        self.folder = None if folder is None else Path(folder)
        self.key = key
        self.every = every
        self._waiting: list[Ended] = []
        self._began = self._written = time.monotonic()

    def __enter__(self) -> Kept:
        if self.folder is not None:
            with self._told(self.folder):
                self.folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.flush()

    def found(self) -> dict[int, Ended]:
        """Return what has been run before, by number of the variant.

        A part that cannot be read, or is another sweep's, is passed over: its variants are
        run again.
        """
        found: dict[int, Ended] = {}
        for path in self._parts():
            found |= {item.number: item for item in read_part(path, self.key)}
        return found

    def add(self, batch: Iterable[Ended]) -> None:
        """Take results; they are written together every few seconds.

        A variant that took its process with it is not kept: a later run tries it again.
        """
        if self.folder is None:
            return
        self._waiting += [item for item in batch if not item.lost]
        now = time.monotonic()
        if now - self._written >= max(self.every, SHARE * (now - self._began)):
            self.flush()

    def flush(self) -> None:
        """Write what has been taken since the last part."""
        if self.folder is None or not self._waiting:
            return
        content = part_of(self._waiting, self.key)
        seal = hashlib.sha256(content).hexdigest()[:16]
        with self._told(self.folder):
            path = self.folder / f"{self._stem}-{seal}.parquet"
            write_whole(path, lambda file: file.write(content))
        self._waiting = []
        self._written = time.monotonic()

    def clear(self) -> None:
        """Remove the parts of this sweep, and the folder where nothing else is in it."""
        if self.folder is None:
            return
        with contextlib.suppress(OSError):
            for path in self._parts():
                path.unlink()
            clear_unfinished(self.folder)
            self.folder.rmdir()

    @property
    def _stem(self) -> str:
        return f"part-{self.key[:16]}"

    def _parts(self) -> list[Path]:
        return [] if self.folder is None else sorted(self.folder.glob(f"{self._stem}-*.parquet"))

    @staticmethod
    @contextlib.contextmanager
    def _told(folder: Path) -> Any:
        try:
            yield
        except OSError as error:
            why = error.strerror or error
            raise BacktestError(f"{folder}: cannot be written: {why}") from None


def part_of(batch: Sequence[Ended], key: str) -> bytes:
    """Return results as the bytes of a Parquet file, every figure exactly."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = sorted({name for item in batch for name in item.figures})
    columns: dict[str, Any] = {
        "number": pa.array([item.number for item in batch], pa.int64()),
        "engine": pa.array([item.engine for item in batch], pa.string()),
        "error": pa.array([item.error for item in batch], pa.string()),
        "excess": pa.array([item.excess for item in batch], pa.list_(pa.float64())),
        "earned": pa.array([item.earned for item in batch], pa.list_(pa.float64())),
        "closed": pa.array([item.closed for item in batch], pa.list_(pa.int64())),
    }
    for name in names:
        # Null where a variant has no such figure; NaN is a value.
        values = [item.figures.get(name) for item in batch]
        columns[FIGURE + name] = pa.array(values, pa.float64(), from_pandas=False)
    table = pa.table(columns).replace_schema_metadata({"sweep": key})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def read_part(path: Path, key: str) -> list[Ended]:
    """Return the results of a part; none where it is another sweep's or cannot be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            if (file.schema_arrow.metadata or {}).get(b"sweep") != key.encode():
                return []
            footer = file.metadata
            refuse_bomb(footer.num_rows, footer.num_columns, path.stat().st_size)
            table = file.read()
        return [_ended(row) for row in table.to_pylist()]
    except (OSError, KeyError, TypeError, ValueError, pa.ArrowException):
        return []


def _ended(row: dict[str, Any]) -> Ended:
    figures = {
        name.removeprefix(FIGURE): float(value)
        for name, value in row.items()
        if name.startswith(FIGURE) and value is not None
    }
    return Ended(
        int(row["number"]),
        np.array(row["excess"], dtype=np.float64),
        np.array(row["earned"], dtype=np.float64),
        np.array(row["closed"], dtype=np.int64),
        figures,
        row["engine"],
        row["error"],
    )
