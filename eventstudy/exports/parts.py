"""Results of any length as Parquet by parts; lower rooms take them from `eventstudy.disk.parts`."""

from __future__ import annotations

from eventstudy.disk.parts import PartWriter
from eventstudy.disk.reading import open_parts, part_files, read_parts

__all__ = ["PartWriter", "open_parts", "part_files", "read_parts"]
