"""Daily factors from Kenneth French's public data library, kept on disk between runs.

References
----------
French, K. R. Data library, https://mba.tuck.dartmouth.edu/pages/faculty/ken.french/.
"""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from eventstudy.disk import cache_folder, write_whole
from eventstudy.factors.table import FactorError
from eventstudy.factors.text import LARGEST, Cells, read_content
from eventstudy.provenance import version

LIBRARY = "https://mba.tuck.dartmouth.edu/pages/faculty/ken.french/ftp/"
_MOMENTUM = "F-F_Momentum_Factor_daily_CSV.zip"
FILES = {
    "french": ("F-F_Research_Data_5_Factors_2x3_daily_CSV.zip", _MOMENTUM),
    "french-3": ("F-F_Research_Data_Factors_daily_CSV.zip", _MOMENTUM),
}
"""Sets by name. The two sets build SMB in different ways: over size and book-to-market alone
in ``french-3``, the mean of three sorts in ``french``."""

SKEW = 5 / 1440
"""Days by which clocks of machines that share a cache may differ."""

_BLOCK = 1 << 16
WEB = ("http://", "https://")


class DownloadError(Exception):
    """What one download failed of."""


@dataclass(frozen=True)
class Library:
    """The public library, or a copy of it elsewhere.

    Attributes
    ----------
    base_url : str
        Folder of the zip archives.
    folder : Path or None
        Where downloads are kept; see `cache_folder`.
    refresh : bool
        Download again, whatever the cache holds.
    max_age : float or None
        Days after which a kept file is downloaded again; None keeps it for ever.
    timeout : float
        Seconds for one file, from the first word to the last.
    """

    base_url: str = LIBRARY
    folder: Path | None = None
    refresh: bool = False
    max_age: float | None = 30.0
    timeout: float = 30.0

    def read(self, name: str) -> Cells:
        """Return the cells of one archive, from disk where it is there and young enough.

        Raises
        ------
        FactorError
            Where it can be had from neither.
        """
        path = (self.folder or cache_folder()) / "french" / name
        age = age_in_days(path)
        notes = []
        if age is not None and not self.refresh and self._young(age):
            kept = _kept(path, name)
            if not kept.faults:
                return _dated(kept, age)
            notes.append(f"{name}: the kept file was damaged and was downloaded again.")
        cells, content = self._fetched(name, age)
        try:
            write_whole(path, lambda file: file.write(content))
        except OSError as error:
            notes.append(f"{name}: not kept on disk: {error.strerror}.")
        cells.notes.extend(notes)
        return _dated(cells, 0.0)

    def _young(self, age: float) -> bool:
        """Return whether a kept file is young enough.

        One dated in the future, by a clock that was set since, is of an age that nobody knows.
        """
        return self.max_age is None or -SKEW <= age <= self.max_age

    def _fetched(self, name: str, age: float | None) -> tuple[Cells, bytes]:
        """Return a fresh download that can be read whole; nothing else reaches the disk."""
        url = self.base_url.rstrip("/") + "/" + name
        try:
            content = download(url, self.timeout)
            cells = read_content(content, name)
            if cells.faults:
                raise DownloadError(f"what came cannot be read: {cells.faults[0].problem}")
        except DownloadError as error:
            held = ""
            if age is not None:
                old = f"{age:.0f} days old" if age >= -SKEW else "dated in the future"
                held = f"; a file {old} is on disk: refresh=False and max_age=None use it"
            raise FactorError(f"french factors: {url}: {error}{held}") from None
        return cells, content


def age_in_days(path: Path) -> float | None:
    """Return how long ago a file was written; None where it is not there."""
    try:
        return (time.time() - path.stat().st_mtime) / 86400
    except OSError:
        return None


def download(url: str, timeout: float) -> bytes:
    """Return what an address gives.

    Parameters
    ----------
    url : str
        http or https.
    timeout : float
        Seconds for the whole of it.

    Raises
    ------
    DownloadError
        In words: the status, the time that ran out, or what the network said.
    """
    if not url.casefold().startswith(WEB):
        raise DownloadError("an address that begins with http:// or https:// is needed")
    asked = urllib.request.Request(  # noqa: S310 - the scheme is checked above
        url, headers={"User-Agent": f"eventstudy-backtester/{version()}"}
    )
    late = f"no whole answer within {timeout:g} seconds"
    deadline = time.monotonic() + timeout
    try:
        with _web().open(asked, timeout=timeout) as answer:
            return _read_until(answer, deadline, late)
    except urllib.error.HTTPError as error:
        raise DownloadError(f"status {error.code} ({error.reason})") from None
    except TimeoutError:
        raise DownloadError(late) from None
    except urllib.error.URLError as error:
        told = late if isinstance(error.reason, TimeoutError) else str(error.reason)
        raise DownloadError(told) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise DownloadError(str(error) or type(error).__name__) from None


class _Onwards(urllib.request.HTTPRedirectHandler):
    """Follows redirections to the web alone, and never from https down to http."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """Return the next question.

        Raises
        ------
        DownloadError
            Where the answer leads elsewhere.
        """
        safe = WEB[1:] if req.type == "https" else WEB
        if not newurl.casefold().startswith(safe):
            raise DownloadError(f"the answer leads to {newurl[:200]!r}, where it is not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _web() -> urllib.request.OpenerDirector:
    """Return what opens addresses of the web: no files, no ftp, unlike `urllib`'s own."""
    opener = urllib.request.OpenerDirector()
    handlers = (
        urllib.request.ProxyHandler, urllib.request.HTTPHandler, urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler, urllib.request.HTTPErrorProcessor, _Onwards,
    )  # fmt: skip
    for handler in handlers:
        opener.add_handler(handler())
    return opener


def _read_until(answer: http.client.HTTPResponse, deadline: float, late: str) -> bytes:
    """Read in blocks: a time-out of the socket alone would let a trickle go on for ever."""
    parts, size = [], 0
    while part := answer.read1(_BLOCK):
        parts.append(part)
        size += len(part)
        if time.monotonic() > deadline:
            raise DownloadError(late)
        if size > LARGEST:
            raise DownloadError(f"more than {LARGEST} bytes: no file of factors")
    stated = answer.headers.get("Content-Length")
    if stated is not None and stated.isdigit() and int(stated) != size:
        raise DownloadError(f"{size} bytes of {stated} came")
    return b"".join(parts)


def _kept(path: Path, name: str) -> Cells:
    try:
        return read_content(path.read_bytes(), name)
    except OSError:
        return read_content(b"", name)


def _dated(cells: Cells, age: float) -> Cells:
    """Note how far the figures reach and when they were downloaded."""
    day = (datetime.now(UTC) - timedelta(days=age)).date()
    cells.notes.append(f"{cells.file}: figures to {cells.dates[-1]}, downloaded {day}.")
    return cells
