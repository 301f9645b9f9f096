"""`load_factors`: one verb for files, frames and the public library."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from eventstudy.errors import Fault, InputError, did_you_mean
from eventstudy.factors.checks import UNITS, Units, as_table
from eventstudy.factors.frame import is_frame, read_frame
from eventstudy.factors.french import FILES, LIBRARY, Library
from eventstudy.factors.table import FactorError, FactorTable, merged
from eventstudy.factors.text import Cells, no_cells, read_content

if TYPE_CHECKING:
    import pandas as pd

    Source: TypeAlias = str | Path | pd.DataFrame


def load_factors(
    source: Source | Sequence[Source],
    *,
    units: Units | None = None,
    check: bool = True,
    refresh: bool = False,
    max_age: float | None = 30.0,
    timeout: float = 30.0,
    folder: str | Path | None = None,
    base_url: str = LIBRARY,
) -> FactorTable:
    """Return factor returns per session, in decimals.

    Parameters
    ----------
    source : str, Path, DataFrame, or a sequence of them
        A CSV file with a column ``date`` (YYYY-MM-DD) and a column a factor; a daily file of
        French's library as distributed, zipped or not; a frame with dates in its index or a
        column ``date``; ``french`` (five factors and momentum) or ``french-3`` (three factors
        and momentum), downloaded from the library. Several are merged by date; a date that
        one of them lacks has NaN in its columns.
    units : {"percent", "decimal"} or None
        Of the figures given: 0.25 or 0.0025 for a quarter of one per cent. Needed for plain
        files and frames; files of the library say it by their layout (per cent).
    check : bool
        Whether figures that cannot be in these units are refused.
    refresh : bool
        Download again, whatever the disk holds.
    max_age : float or None
        Days after which a download is made again; the library adds a month at a time.
    timeout : float
        Seconds for one download.
    folder : str, Path or None
        Where downloads are kept; by default where prices are.
    base_url : str
        Folder of the library's archives.

    Returns
    -------
    FactorTable
        Names are normalised: ``mkt_rf``, ``smb``, ``hml``, ``rmw``, ``cma``, ``mom`` (also
        written UMD or WML), ``rf``; others as they stand, in small letters.

    Raises
    ------
    InputError
        With every fault of every file: row, column, value.
    FactorError
        Where a source or the units are none that is known, or a download fails.

    Notes
    -----
    The three-factor and the five-factor file build SMB in different ways (Fama and French
    1993, 2015), so that ``ff3`` on ``french`` is not the published three-factor model to the
    last digit; ``french-3`` has its own SMB. ``rf`` is a rate per session in both.
    """
    if units is not None and units not in UNITS:
        raise FactorError(f"units is {units!r}; allowed are 'percent' and 'decimal'")
    library = Library(base_url, None if folder is None else Path(folder), refresh, max_age, timeout)
    given: list[Source] = [source] if _is_one(source) else list(source)  # type: ignore[arg-type, list-item]
    if not given:
        raise FactorError("no source of factors was given")
    tables: list[FactorTable] = []
    faults: list[Fault] = []
    for one in given:
        for cells, label in _cells(one, library):
            table = as_table(cells, units, label, check)
            faults += cells.faults
            tables += [table] if table is not None else []
    if faults:
        raise InputError(faults)
    whole, faults = merged(tables)
    if faults:
        raise InputError(faults)
    return whole


def _is_one(source: object) -> bool:
    return isinstance(source, str | Path) or is_frame(source) or not isinstance(source, Sequence)


def _cells(source: object, library: Library) -> list[tuple[Cells, str]]:
    """Return the cells of each file of a source, and what the table calls it."""
    if is_frame(source):
        return [(read_frame(source), "frame")]  # type: ignore[arg-type]
    if isinstance(source, str) and source in FILES:
        return [(library.read(name), f"{source}: {name}") for name in FILES[source]]
    if isinstance(source, str | Path):
        path = Path(source).expanduser()
        return [(_file_cells(path, str(source)), path.name)]
    raise FactorError(
        f"factors cannot be read from a {type(source).__name__}; give a file, a frame, "
        f"{' or '.join(repr(name) for name in FILES)}, or a list of them"
    )


def _file_cells(path: Path, shown: str) -> Cells:
    try:
        return read_content(path.read_bytes(), shown)
    except FileNotFoundError:
        known = ", ".join(FILES)
        near = did_you_mean(path.name, [*FILES, *_beside(path)])
        problem = f"no such file, and no name of a source ({known}){near}"
    except IsADirectoryError:
        problem = "this is a folder; a file of factors is needed"
    except OSError as error:
        problem = f"cannot be read: {error.strerror or error}"
    return no_cells(shown, problem)


def _beside(path: Path) -> list[str]:
    try:
        return [entry.name for entry in path.parent.iterdir() if entry.is_file()]
    except OSError:
        return []
