"""Results of an earlier run, taken again where everything that they rest on is the same.

An entry is one file: what a run wrote and printed, under the digest of settings and program and
that of events and prices as they were read. Prices and calendar are read each time, through
whatever source they come from; the digest of the two decides. A run whose answer rests on what
has no digest is never kept: strategies of the user's own, which are programs, packages that
bring models or sizings, downloaded factors, further formats, which a browser may draw.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eventstudy.disk import cache_folder, write_whole
from eventstudy.disk.seal import stays_inside
from eventstudy.disk.unpacking import refuse_large_archive
from eventstudy.errors import EventStudyError
from eventstudy.run.digest import calendar_digest, digest_of, file_digest, program_digest

if TYPE_CHECKING:
    from eventstudy.events import EventCalendar
    from eventstudy.prices import PriceTable
    from eventstudy.run.config import RunConfig
    from eventstudy.run.execute import Outcome
    from eventstudy.run.inputs import Say

FORMAT = 1
ABOUT = "about.json"
DIGITS = 32
"""Hexadecimal digits of each digest in the name of an entry."""
MOST_KEPT = 24
MOST_BYTES = 400_000_000
LARGEST = 200_000_000
"""Bytes of files beyond which a run is not kept."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a run hands over.

    Attributes
    ----------
    files : mapping of str to bytes
        By name; without the manifest.
    manifest : mapping
    text : str
        What is printed of it, but for where the files are.
    figures : mapping of str to object
        What ``--json`` prints, but for the files and the time.
    reused : str
        When the run began that computed it; empty where this one did.
    """

    files: Mapping[str, bytes]
    manifest: Mapping[str, Any]
    text: str
    figures: Mapping[str, Any]
    reused: str = ""

    def taken(self, started: str, seconds: float) -> Delivered:
        """Return it as handed over by a run that took it: the clock is that run's."""
        clock = {"started": started, "wall_time": round(seconds, 3), "reused": self.reused}
        return replace(self, manifest={**self.manifest, **clock})


@dataclass(frozen=True, slots=True)
class Question:
    """What a command asks of a run.

    Attributes
    ----------
    config : RunConfig
    what : tuple
        Which parts, in which format, with or without files.
    """

    config: RunConfig
    what: tuple[object, ...]

    def digest(self) -> str | None:
        """Return the digest of settings, program and named files; None where there is none."""
        config = self.config
        if config.strategies is not None or config.factors == "french":
            return None
        named = [config.factors, config.caps, config.claims]
        try:
            files = [file_digest(p) if p and p != "article" else p for p in named]
            program = program_digest()
            settings = config.model_dump(mode="json"), sorted(config.model_fields_set)
            return program and digest_of(FORMAT, program, settings, files, self.what)
        except (OSError, TypeError):
            return None


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a run read.

    Attributes
    ----------
    events : EventCalendar
    prices : PriceTable
    further : PriceTable or None
        With the tickers that only claims name.
    """

    events: EventCalendar
    prices: PriceTable
    further: PriceTable | None = None

    def digest(self) -> str:
        """Return the digest of the figures themselves, wherever they came from."""
        return digest_of(calendar_digest(self.events), self.prices, self.further)


def results_folder() -> Path:
    """Return where results are kept."""
    return cache_folder() / "results"


def find(question: Question, asked: str, say: Say) -> tuple[Delivered | None, Inputs | None]:
    """Return what an earlier run handed over to the same question on the same inputs.

    Inputs are read only where some run has answered the same question.

    Parameters
    ----------
    question : Question
    asked : str
        Its digest.
    say : callable

    Returns
    -------
    (Delivered or None, Inputs or None)
        What was read serves the run that has to be done. A fault in the inputs is left for
        that run to tell.
    """
    near = _newest(f"{asked[:DIGITS]}-*.zip")
    if not near:
        return None, None
    try:
        inputs = _read(question.config, near[0], say)
        entry = results_folder() / _name(asked, inputs.digest())
    except (EventStudyError, TypeError):
        return None, None
    # The program or a named file may have changed while prices were read.
    if question.digest() != asked:
        return None, inputs
    found = _opened(entry)
    if found is not None:
        found = replace(found, reused=str(found.manifest["started"]))
        with contextlib.suppress(OSError):
            os.utime(entry)
    return found, inputs


def keep(question: Question, asked: str, outcome: Outcome, made: Delivered) -> None:
    """Keep what a run hands over.

    Parameters
    ----------
    question : Question
    asked : str
        Its digest before the run: where it is another one now, something changed on the way.
    outcome : Outcome
    made : Delivered

    Notes
    -----
    A folder that cannot be written to is no fault: the next run computes again.
    """
    if outcome.refused or question.digest() != asked:
        return
    if sum(map(len, made.files.values())) > LARGEST:
        return
    inputs = Inputs(outcome.events, outcome.prices, outcome.claims_prices)
    with contextlib.suppress(OSError, TypeError):
        content = _packed(made, inputs.further)
        path = results_folder() / _name(asked, inputs.digest())
        write_whole(path, lambda file: file.write(content), mode=0o600)
        _prune()


def _name(asked: str, inputs: str) -> str:
    return f"{asked[:DIGITS]}-{inputs[:DIGITS]}.zip"


def _read(config: RunConfig, entry: Path, say: Say) -> Inputs:
    """Read the inputs of a run, and the prices that its claims alone need."""
    from eventstudy.run.inputs import prices_of, read_inputs

    events, prices = read_inputs(config, say)
    further = _about(entry).get("further")
    return Inputs(events, prices, prices_of(config, further, "drop") if further else None)


def _packed(made: Delivered, further: PriceTable | None) -> bytes:
    about = {
        "sha256": {name: hashlib.sha256(held).hexdigest() for name, held in made.files.items()},
        "manifest": made.manifest,
        "text": made.text,
        "figures": made.figures,
        "further": None if further is None else sorted({*further.tickers, *further.missing}),
    }
    words = json.dumps(about, ensure_ascii=False, default=str).encode()
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        packed.writestr(ABOUT, words)
        packed.writestr("seal", hashlib.sha256(words).hexdigest())
        for name, held in made.files.items():
            packed.writestr(f"files/{name}", held)
    return buffer.getvalue()


def _about(entry: Path) -> dict[str, Any]:
    """Return what an entry says of itself; nothing where it is gone or damaged."""
    try:
        with _unlocked(entry) as packed:
            return _sealed(packed)
    except (OSError, ValueError, KeyError, RecursionError, zipfile.BadZipFile):
        return {}


@contextlib.contextmanager
def _unlocked(entry: Path) -> Iterator[zipfile.ZipFile]:
    """Open an entry that this user wrote, and that nobody else could have written.

    A folder for caches may be shared, by mistake or by force: what another user can write is
    no result of ours.

    Raises
    ------
    ValueError
    OSError
    """
    with open(entry, "rb", opener=_no_link) as file:
        about = os.fstat(file.fileno())
        if hasattr(os, "geteuid") and (about.st_uid != os.geteuid() or about.st_mode & 0o022):
            raise ValueError("another user wrote it, or could have")
        with zipfile.ZipFile(file) as packed:
            refuse_large_archive((info.file_size for info in packed.infolist()), 2 * LARGEST)
            yield packed


def _no_link(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def _sealed(packed: zipfile.ZipFile) -> dict[str, Any]:
    words = packed.read(ABOUT)
    if hashlib.sha256(words).hexdigest().encode() != packed.read("seal"):
        raise ValueError("the seal does not fit")
    found: dict[str, Any] = json.loads(words)
    return found


def _opened(entry: Path) -> Delivered | None:
    """Return an entry whose every byte is what was written; None for any other."""
    try:
        with _unlocked(entry) as packed:
            about = _sealed(packed)
            if not all(map(stays_inside, about["sha256"])):
                return None
            files = {name: packed.read(f"files/{name}") for name in about["sha256"]}
    except Exception:  # whatever a damaged file makes zipfile say: compute again
        return None
    for name, held in files.items():
        if hashlib.sha256(held).hexdigest() != about["sha256"][name]:
            return None
    return Delivered(files, about["manifest"], about["text"], about["figures"])


def _newest(pattern: str = "*.zip") -> list[Path]:
    """Return entries, the one last used first; another process may take one away."""
    ages = []
    for path in results_folder().glob(pattern):
        with contextlib.suppress(OSError):
            ages.append((path.stat().st_mtime_ns, path))
    return [path for _, path in sorted(ages, reverse=True)]


def _prune() -> None:
    """Remove entries beyond the most that are kept, those unused for longest first."""
    room = MOST_BYTES
    for number, path in enumerate(_newest()):
        with contextlib.suppress(OSError):
            room -= path.stat().st_size
            if number >= MOST_KEPT or room < 0:
                path.unlink()
