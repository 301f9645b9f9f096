"""`load_prices`: one verb for every source, with the checks that each load gets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from eventstudy.errors import PriceError, did_you_mean
from eventstudy.prices.address import is_address
from eventstudy.prices.contract import PriceSource
from eventstudy.prices.dataset import DatasetSource
from eventstudy.prices.files import FileSource, is_dataset
from eventstudy.prices.frame import FrameSource, is_frame
from eventstudy.prices.layout import folded
from eventstudy.prices.quality import checked, price_errors, structure_errors
from eventstudy.prices.sample import SampleSource
from eventstudy.prices.table import PriceTable
from eventstudy.prices.yahoo import YahooSource

if TYPE_CHECKING:
    import pandas as pd

Missing = Literal["error", "drop"]

LONGEST_TICKER = 64
"""Letters; the longest symbols of vendors have about thirty."""


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """What `load_prices` hands to a source known by name.

    Attributes
    ----------
    refresh : bool
        Ask the service again, whatever the cache holds.
    missing : {"error", "drop"} or None
        What becomes of tickers that are not there; None is the source's own habit.
    progress : bool or None
        Draw a progress bar; None draws one on a terminal.
    """

    refresh: bool = False
    missing: Missing | None = None
    progress: bool | None = None


def _sample(options: LoadOptions) -> PriceSource:
    return SampleSource()


def _yahoo(options: LoadOptions) -> PriceSource:
    return YahooSource(
        refresh=options.refresh, missing=options.missing or "error", progress=options.progress
    )


SOURCES: dict[str, Callable[[LoadOptions], PriceSource]] = {"sample": _sample, "yahoo": _yahoo}
"""Sources by name. A folder, a file, an address, a frame or an object with `load` needs none."""


def load_prices(
    tickers: Iterable[str] | str | pd.DataFrame | None = None,
    *,
    source: str | Path | PriceSource | pd.DataFrame = "sample",
    start: date | str | None = None,
    end: date | str | None = None,
    calendar: str = "XNYS",
    check: bool = True,
    refresh: bool = False,
    missing: Missing | None = None,
    progress: bool | None = None,
) -> PriceTable:
    """Return the prices of these tickers from one source.

    Parameters
    ----------
    tickers : iterable of str, str, DataFrame or None
        None asks for all that the source holds. A wide frame of adjusted closes stands for
        itself: ``load_prices(frame)``.
    source : str, Path, PriceSource or DataFrame
        ``sample``, ``yahoo``, a folder or a file of CSV or Parquet, a data set of Parquet
        (``parquet:PATH`` or an address such as ``s3://bucket/prices``, see `DatasetSource`), a
        wide frame of adjusted closes, or any object with `load`. No source ever stands in for
        another.
    start, end : date, str (YYYY-MM-DD) or None
        Both included.
    calendar : str
        Exchange whose sessions gaps are looked for against; ``prices`` for no such check.
    check : bool
        Whether the quality checks run. Errors among them raise, doubts go to
        `PriceTable.warnings`.
    refresh : bool
        Ask the service again, whatever the cache holds.
    missing : {"error", "drop"} or None
        ``error`` raises for any ticker that is not there, ``drop`` writes it down in
        `PriceTable.missing`. By default yahoo raises and the others write it down.
    progress : bool or None
        Draw a progress bar on stderr; None draws one where that is a terminal.

    Returns
    -------
    PriceTable

    Raises
    ------
    PriceError
        Where nothing can be loaded or the prices are not fit for use, with all the reasons.
    UnknownNameError
        Where the calendar does not exist.
    """
    if is_frame(tickers):
        if not (isinstance(source, str) and source == "sample"):
            raise PriceError("a frame of prices and a source were given; one is allowed")
        source, tickers = tickers, None  # type: ignore[assignment]
    asked = checked_tickers(tickers)  # type: ignore[arg-type]
    first, last = _day(start, "start"), _day(end, "end")
    if first is not None and last is not None and first > last:
        raise PriceError(f"start {first} lies after end {last}")
    if missing not in (None, "error", "drop"):
        raise PriceError(f"missing is {missing!r}; allowed are 'error' and 'drop'")
    options = LoadOptions(refresh=refresh, missing=missing, progress=progress)
    table = _completed(find_source(source, options).load(asked, first, last), asked)
    if missing == "error" and table.missing:
        raise PriceError(_listed(f"{table.source} lacks tickers", table.missing.items()))
    return _with_checks(table, calendar) if check else table


def find_source(
    source: str | Path | PriceSource | pd.DataFrame, options: LoadOptions | None = None
) -> PriceSource:
    """Return the source that a name, a path, a frame or an object stands for.

    Raises
    ------
    PriceError
        Where it is neither, with the nearest name.
    """
    if is_frame(source):
        return FrameSource(source)  # type: ignore[arg-type]
    if isinstance(source, str) and source in SOURCES:
        return SOURCES[source](options or LoadOptions())
    if isinstance(source, str) and is_address(source):
        return DatasetSource(source)
    if isinstance(source, str | Path):
        path = Path(source).expanduser()
        if isinstance(source, str) and not path.exists() and path.name == source:
            known = ", ".join(sorted(SOURCES))
            near = did_you_mean(source, [*SOURCES, *_beside()])
            raise PriceError(
                f"price source {source!r} is no name ({known}), and no folder or file of that "
                f"name is here{near}"
            )
        return DatasetSource(str(path)) if is_dataset(path) else FileSource(path)
    if callable(getattr(source, "load", None)) and not isinstance(source, type):
        return source  # type: ignore[return-value]
    raise PriceError(
        f"price source {source!r} is a {type(source).__name__}; allowed are a name "
        f"({', '.join(sorted(SOURCES))}), a folder or file, a wide frame, or an object with "
        "load(tickers, start, end)"
    )


def checked_tickers(tickers: Iterable[str] | str | None) -> tuple[str, ...] | None:
    """Return tickers in order without repeats; a set is sorted.

    Raises
    ------
    PriceError
        Where there is none, or one is empty, a basket, holds a path separator or a blank.
    """
    if tickers is None:
        return None
    given = [tickers] if isinstance(tickers, str) else list(tickers)
    if isinstance(tickers, set | frozenset):
        given.sort(key=str)
    names = dict.fromkeys(t.strip() if isinstance(t, str) else t for t in given)
    if not names:
        raise PriceError("no tickers were asked for; leave them out to load all there are")
    faults = [(repr(name), why) for name in names if (why := _not_a_ticker(name))]
    faults += _spellings(names)
    if faults:
        raise PriceError(_listed("these are no tickers", faults))
    return tuple(names)


def _spellings(names: Iterable[object]) -> list[tuple[str, str]]:
    """Return tickers that differ from another in case or in how accents are spelt.

    One company would count twice.
    """
    first: dict[str, str] = {}
    found = []
    for name in names:
        if isinstance(name, str) and first.setdefault(folded(name), name) != name:
            found.append((repr(name), f"stands beside {first[folded(name)]!r}: write it one way"))
    return found


def _not_a_ticker(name: object) -> str:
    if not isinstance(name, str):
        return f"a {type(name).__name__}, not text"
    if not name:
        return "empty"
    if name.startswith("@"):
        return "a basket; events.tickers gives its members"
    if len(name) > LONGEST_TICKER:
        return f"longer than {LONGEST_TICKER} letters"
    if any(mark in name for mark in "/\\") or name in (".", ".."):
        return "holds a path separator"
    if any(letter.isspace() or not letter.isprintable() for letter in name):
        return "holds a blank or a letter that cannot be printed"
    return ""


def _completed(table: PriceTable, asked: tuple[str, ...] | None) -> PriceTable:
    """Hold a source to the contract: a table in order, and every ticker accounted for."""
    if not isinstance(table, PriceTable):
        raise PriceError(f"the source returned a {type(table).__name__}, not a PriceTable")
    faults = structure_errors(table)
    if faults:
        lines = "".join(f"\n  {fault}" for fault in faults)
        raise PriceError(f"prices from {table.source} are not in order:{lines}")
    silent = [t for t in asked or () if t not in table and t not in table.missing]
    lost = {**table.missing, **dict.fromkeys(silent, f"{table.source} returned no prices for it")}
    return replace(table, missing=lost)


def _with_checks(table: PriceTable, calendar: str) -> PriceTable:
    errors = price_errors(table)
    if errors:
        pairs = [(error.ticker, error.detail) for error in errors]
        raise PriceError(_listed(f"prices from {table.source} are not fit for use", pairs))
    doubts = dict.fromkeys((*table.warnings, *checked(table, calendar)))
    return replace(table, warnings=tuple(doubts))


def _listed(what: str, pairs: Iterable[tuple[str, str]]) -> str:
    return what + ":" + "".join(f"\n  {name}: {why}" for name, why in pairs)


def _day(given: date | str | None, name: str) -> date | None:
    if given is None or (isinstance(given, date) and not isinstance(given, datetime)):
        return given
    if isinstance(given, datetime):
        return given.date()
    try:
        return date.fromisoformat(given)
    except (TypeError, ValueError):
        raise PriceError(f"{name} is {given!r}; write a date as YYYY-MM-DD") from None


def _beside() -> list[str]:
    return [path.name for path in Path().iterdir()]
