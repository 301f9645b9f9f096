"""A payload on its way to workers: packed once, opened once a process, its arrays not copied.

Pickle's fifth protocol hands out the memory of arrays apart from the rest. Written one after the
other into a file, they are mapped by every process of this machine that opens it: the pages are
in memory once, whatever the number of processes. Over a cluster the same pieces travel.

Unpickling runs code, so a payload is opened only as its maker wrote it: the digest of what is
unpickled goes to the worker by the pipe that brings its tasks, not with the file. A cluster's
own connection carries pickles of its own; who may speak on it is the cluster's to decide.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import mmap
import pickle  # nosec B403 # payloads of this very run; see the module's words
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

ALIGNED = 64
"""Arrays begin at multiples of it, as numpy's own do."""
LEAST_ALIGNED = 16
"""What memory that numpy asks for is a multiple of on every machine."""

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

    @property
    def seal(self) -> str:
        """SHA-256 of the first piece, the one that is unpickled."""
        return hashlib.sha256(self.pieces[0]).hexdigest()

    def write(self, path: Path) -> None:
        """Write the pieces into a file."""
        with path.open("wb") as file:
            for piece, (begin, _) in zip(self.pieces, self.spans, strict=True):
                file.write(bytes(begin - file.tell()))
                file.write(piece)


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


def opened(pieces: Sequence[memoryview]) -> Any:
    """Return a payload; its arrays are views of the pieces that nobody can write to."""
    head, *arrays = (piece.toreadonly() for piece in pieces)
    # Of a file, `opened_file` has held it against its seal; of a cluster, it came by the
    # connection that carries pickled tasks.
    return pickle.loads(head, buffers=arrays)  # noqa: S301  # nosec B301 # as above


def aligned(piece: npt.NDArray[np.uint8]) -> memoryview:
    """Return a piece that came over a network where numpy would have put it.

    numpy sums an array whose memory begins elsewhere in another order, which changes last
    digits.
    """
    return (piece if piece.ctypes.data % LEAST_ALIGNED == 0 else piece.copy()).data


def opened_file(path: str, spans: Sequence[Span], seal: str) -> Any:
    """Return the payload of a file, mapped into memory.

    Raises
    ------
    ValueError
        Where what would be unpickled is not what `Packed.seal` was taken of.
    """
    with Path(path).open("rb") as file:
        whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    head, *arrays = (whole[begin:end] for begin, end in spans)
    # A copy: the file could be written to between the look and the opening.
    kept = bytes(head)
    if not hmac.compare_digest(hashlib.sha256(kept).hexdigest(), seal):
        raise ValueError(f"{path}: not the payload that this run has written; it is not opened")
    return opened([memoryview(kept), *arrays])
