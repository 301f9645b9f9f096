"""A payload on its way to workers: packed once, opened once a process, its arrays not copied.

Pickle's fifth protocol hands out the memory of arrays apart from the rest. Written one after the
other into a file, they are mapped by every process of this machine that opens it: the pages are
in memory once, whatever the number of processes. Over a cluster the same bytes travel in parts.
"""

from __future__ import annotations

import io
import mmap
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ALIGNED = 64
"""Arrays begin at multiples of it, as numpy's own do."""
PART = 256 * 2**20
"""Largest message, in bytes: beyond 4 GiB msgpack has no length for one."""

Bytes = bytes | bytearray | memoryview
Span = tuple[int, int]


@dataclass(frozen=True)
class Packed:
    """A payload as bytes: what describes it, and the memory of its arrays.

    Attributes
    ----------
    pieces : tuple of memoryview
        The first describes the payload, the others are arrays; they are not copied.
    spans : tuple of (int, int)
        Where each piece begins and ends when they are written one after the other.
    """

    pieces: tuple[memoryview, ...]
    spans: tuple[Span, ...]

    def __len__(self) -> int:
        return self.spans[-1][1]

    def write(self, path: Path) -> None:
        """Write the pieces into a file."""
        with path.open("wb") as file:
            for piece, (begin, _) in zip(self.pieces, self.spans, strict=True):
                file.write(bytes(begin - file.tell()))
                file.write(piece)

    def parts(self, size: int = PART) -> Iterator[tuple[int, bytes]]:
        """Yield (offset, bytes), each of at most so many bytes."""
        for piece, (begin, _) in zip(self.pieces, self.spans, strict=True):
            for offset in range(0, len(piece), size):
                yield begin + offset, bytes(piece[offset : offset + size])


def packed(payload: object) -> Packed:
    """Return a payload as bytes.

    Classes and functions of a script or a notebook travel as their code, as with joblib.
    """
    from cloudpickle import CloudPickler

    arrays: list[pickle.PickleBuffer] = []
    stream = io.BytesIO()
    CloudPickler(stream, protocol=5, buffer_callback=arrays.append).dump(payload)
    pieces = (stream.getbuffer(), *(array.raw() for array in arrays))
    spans, end = [], 0
    for piece in pieces:
        begin = -(-end // ALIGNED) * ALIGNED
        end = begin + len(piece)
        spans.append((begin, end))
    return Packed(pieces, tuple(spans))


def opened(data: Bytes | mmap.mmap, spans: Sequence[Span]) -> Any:
    """Return a payload; its arrays are views of `data` that nobody can write to."""
    whole = memoryview(data).toreadonly()
    head, *arrays = (whole[begin:end] for begin, end in spans)
    return pickle.loads(head, buffers=arrays)  # noqa: S301  ours


def opened_file(path: str, spans: Sequence[Span]) -> Any:
    """Return the payload of a file, mapped into memory."""
    with Path(path).open("rb") as file:
        return opened(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), spans)
