"""What lies in a folder: each file read whole, by other programs where there are any."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

TEMPORARY = re.compile(r"\.(writing-[a-z0-9_]{8}|.+\.(new|old|gone|whole)-[0-9a-f]{16})")
"""Names of what is being written; no reader looks at them."""
KEPT_RUN = re.compile(r"\d{8}T\d{6}Z-([0-9a-f]{8})(-\d+)?")
BLOCK = 4096
CLOCK = ("started", "wall_time", "reused", "files")


class TornError(Exception):
    """A file that is there and not whole."""


def files_in(root: Path) -> Iterator[Path]:
    """The files under a root that have their names, not those that are being written."""
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root).parts
        if path.is_file() and not any(TEMPORARY.fullmatch(part) for part in inside):
            yield path


def left_over(root: Path) -> list[str]:
    """Files and folders that a writer which was killed has left, the outermost names."""
    return sorted(str(p.relative_to(root)) for p in root.rglob(".*") if TEMPORARY.fullmatch(p.name))


def room_of(folder: Path) -> int:
    """Bytes that files and folders take, in whole blocks."""
    sizes = [p.stat().st_size if p.is_file() else BLOCK for p in folder.rglob("*")]
    return sum(-(-size // BLOCK) * BLOCK + BLOCK for size in sizes)


def contents(root: Path) -> dict[str, str]:
    """By name, the digest of what each file says, whatever the clock.

    Raises
    ------
    TornError
        For a file that is not whole.
    """
    found = {}
    for path in files_in(root):
        name = "/".join(KEPT_RUN.sub(r"RUN-\1", part) for part in path.relative_to(root).parts)
        try:
            found[name] = hashlib.sha256(_said(path)).hexdigest()
        except Exception as error:
            raise TornError(f"{path.relative_to(root)}: {type(error).__name__}: {error}") from error
    return found


def _said(path: Path) -> bytes:
    if path.name == "manifest.json":
        return _manifest(path)
    reader = READERS.get(path.suffix)
    return path.read_bytes() if reader is None else reader(path)


def _manifest(path: Path) -> bytes:
    """What a manifest says; the files beside it are those that it lists, byte for byte.

    Where a folder is shared with files of the user's, a kill may leave files of the new run
    beside the old manifest until the next run: `whole_run` tells that apart.
    """
    found = json.loads(path.read_text())
    said = {key: value for key, value in found.items() if key not in CLOCK}
    return json.dumps(said, sort_keys=True).encode()


def whole_run(folder: Path) -> bool:
    """Whether a folder holds every file that its manifest lists, with its size and digest."""
    listed = json.loads((folder / "manifest.json").read_text())["files"]
    for name, about in listed.items():
        path = folder / name
        content = path.read_bytes() if path.is_file() else b""
        if about != {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}:
            return False
    return True


def _parquet(path: Path) -> bytes:
    """Read by pyarrow; of our cache, by our own reader, without the time of the download."""
    import pyarrow.parquet as pq

    from eventstudy.prices.cache import read_cached

    table = pq.read_table(path)
    if b"eventstudy" in (table.schema.metadata or {}):
        held, trouble = read_cached(path)
        if held is None:
            raise TornError(trouble)
        return held.dates.tobytes() + b"".join(v.tobytes() for v in held.fields.values())
    return table.to_pandas().to_csv(index=False).encode()


def _csv(path: Path) -> bytes:
    content = path.read_bytes()
    if not content.endswith(b"\n"):
        raise TornError("the last row has no end")
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    if len({len(row) for row in rows}) > 1:
        raise TornError("rows of several lengths")
    return content


def _json(path: Path) -> bytes:
    content = path.read_bytes()
    json.loads(content)
    return content


def _html(path: Path) -> bytes:
    content = path.read_bytes()
    if not content.rstrip().endswith(b"</html>"):
        raise TornError("the page has no end")
    return content


def _zip(path: Path) -> bytes:
    with zipfile.ZipFile(path) as packed:
        if packed.testzip() is not None:
            raise TornError("a member that does not fit its checksum")
        names = sorted(name for name in packed.namelist() if name.startswith("files/"))
        return b"".join(name.encode() + packed.read(name) for name in names)


READERS = {
    ".parquet": _parquet, ".csv": _csv, ".json": _json, ".html": _html, ".zip": _zip,
    ".xlsx": _zip,
}  # fmt: skip
