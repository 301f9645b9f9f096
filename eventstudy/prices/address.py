"""Where a data set of prices stands: a path or an address, and the Parquet files there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from eventstudy.errors import PriceError, did_you_mean
from eventstudy.prices.layout import TICKERS

PREFIX = "parquet:"
PLACES = (
    "abfs", "abfss", "az", "file", "ftp", "gcs", "gs", "hdfs", "hf", "http", "https", "memory",
    "oci", "oss", "s3", "s3a", "sftp", "smb", "webhdfs",
)  # fmt: skip
"""Schemes of places. fsspec has others that stand for other addresses (``reference::``,
``simplecache::``, ``zip://``) or run what they find there, and a study.toml may be another's."""
ENDINGS = (".parquet", ".pq")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One Parquet file of a data set, and what its place says about its rows.

    Attributes
    ----------
    path : str
        On its file system.
    shown : str
        What faults call it.
    ticker : str or None
        By ``ticker=AVGO/``; else by ``AVGO/`` where the file is called by a year, a number,
        ``part...`` or ``data...``; else by the file's own name. It counts where the file has no
        ticker column, and is certain (`keyed`) in the first case alone.
    keyed : bool
    year : int or None
        By ``year=2020/`` or ``2020/`` or the file's own name.
    """

    path: str
    shown: str
    ticker: str
    keyed: bool
    year: int | None


def is_address(given: str) -> bool:
    """Return whether a text names a data set by ``parquet:`` or an address such as s3://."""
    return given.startswith(PREFIX) or "://" in given


def beside(folder: Path, given: str) -> str:
    """Return a path as seen from a folder; an address stays what it is."""
    if "://" in given:
        return given
    prefix = PREFIX if given.startswith(PREFIX) else ""
    return prefix + str(folder / given.removeprefix(PREFIX))


def open_address(address: str) -> tuple[Any, str]:
    """Return the file system of an address and the path on it.

    Parameters
    ----------
    address : str
        A path, or an address that pyarrow knows (``file://``, ``s3://``, ``gs://``, ``hdfs://``)
        or fsspec does (``memory://``, ``abfs://``, ``https://`` ...), which is asked second.

    Raises
    ------
    PriceError
        Where neither knows it, a package is missing, or the place cannot be reached.
    """
    import pyarrow as pa
    import pyarrow.fs as pafs

    if "://" not in address:
        return pafs.LocalFileSystem(), str(Path(address).expanduser().absolute())
    try:
        found: tuple[Any, str] = pafs.FileSystem.from_uri(address)
        return found
    except (pa.ArrowInvalid, NotImplementedError):
        return _by_fsspec(address)
    except OSError as error:
        raise PriceError(f"{address}: cannot be reached: {error}") from None


def _by_fsspec(address: str) -> tuple[Any, str]:
    import pyarrow.fs as pafs

    try:
        from fsspec.core import url_to_fs
        from fsspec.registry import known_implementations, registry
    except ImportError:
        raise PriceError(
            f"{address}: addresses of this kind need fsspec, the extra 'remote': "
            "pip install 'eventstudy-backtester[remote]'"
        ) from None
    scheme = address.partition("://")[0]
    # What the program around us has registered itself is its own affair.
    theirs = scheme in registry and scheme not in known_implementations
    if scheme not in PLACES and not theirs:
        raise PriceError(
            f"{address}: {scheme!r} is no place where files stand; allowed are "
            f"{', '.join(f'{place}://' for place in PLACES)}"
        )
    try:
        system, path = url_to_fs(address)
    except (ValueError, ImportError, OSError) as error:
        raise PriceError(f"{address}: cannot be opened: {error}") from None
    return pafs.PyFileSystem(pafs.FSSpecHandler(system)), str(path)


def stored_files(address: str, label: str) -> tuple[Any, list[StoredFile]]:
    """Return the file system of an address and its Parquet files, in order of path.

    Raises
    ------
    PriceError
        Where nothing is there, or no Parquet file.
    """
    import pyarrow.fs as pafs

    system, root = open_address(address)
    try:
        info = system.get_file_info(root)
        if info.type == pafs.FileType.File:
            return system, [_stored(root, info.base_name, label)]
        if info.type == pafs.FileType.NotFound:
            raise PriceError(f"{address}: no such file or folder{_neighbour(address)}")
        inside = system.get_file_info(pafs.FileSelector(root, recursive=True))
    except OSError as error:
        raise PriceError(f"{address}: cannot be listed: {error}") from None
    begin = root.rstrip("/") + "/"
    paths = sorted(i.path for i in inside if i.type == pafs.FileType.File)
    relative = [(path, path.removeprefix(begin)) for path in paths]
    kept = [_stored(p, r, label) for p, r in relative if r.lower().endswith(ENDINGS) and _seen(r)]
    if not kept:
        raise PriceError(f"{address}: holds no Parquet file ({', '.join(ENDINGS)})")
    return system, kept


def _seen(relative: str) -> bool:
    """Return whether no part of a path is hidden, as half-written files are."""
    return not any(part.startswith((".", "_")) for part in relative.split("/"))


def _stored(path: str, relative: str, label: str) -> StoredFile:
    *folders, name = relative.split("/")
    stem = name.rsplit(".", 1)[0]
    keyed, plain, year = "", "", _year(stem)
    for folder in folders:
        key, equals, value = folder.partition("=")
        if equals and key.casefold() in TICKERS:
            keyed = unquote(value)
        elif equals and key.casefold() == "year":
            year = _year(value)
        elif _year(folder) is not None:
            year = _year(folder)
        elif not equals:
            plain = folder
    general = _year(stem) is not None or stem.isdigit() or stem.startswith(("part", "data"))
    ticker = keyed or (plain if general and plain else stem)
    shown = f"{label}/{relative}" if folders or name != label else name
    return StoredFile(path, shown, ticker, bool(keyed), year)


def _year(text: str) -> int | None:
    return int(text) if len(text) == 4 and text.isdigit() else None


def _neighbour(address: str) -> str:
    if "://" in address:
        return ""
    path = Path(address).expanduser().absolute()
    names = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
    return did_you_mean(path.name, names)
