"""Prices from Yahoo's chart service by yfinance, kept on disk between runs."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np

from eventstudy.disk import cache_folder
from eventstudy.errors import PriceError
from eventstudy.letters import visible
from eventstudy.prices.bars import Bars, table_from_bars
from eventstudy.prices.cache import Cached, file_name, read_cached, write_cached
from eventstudy.prices.revised import LEVEL, revision
from eventstudy.prices.table import FIELDS, PriceTable, PriceWarning
from eventstudy.prices.yahoo_chart import ChartError, download

# Quotes may be late by a quarter of an hour, and a bar may come some hours after its close.
LATE = timedelta(minutes=20)
# Clocks of machines that share a cache differ by so much at most.
SKEW = timedelta(minutes=5)
SETTLED = timedelta(hours=6)
LONGEST_WAIT = 60.0
TAIL = 10
"""Sessions at the end of a kept history by which it is compared with the service's."""
MOST_LOST = 0.01
"""Share of the sessions of an earlier download beyond which an answer without them is partial."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class YahooSource:
    """Daily bars and dividends from Yahoo, split-adjusted, with adjusted closes beside.

    Attributes
    ----------
    refresh : bool
        Download again, whatever the cache holds.
    missing : {"error", "drop"}
        Whether a ticker that fails is an error or joins `PriceTable.missing`.
    progress : bool or None
        Draw a progress bar on stderr; None draws one where that is a terminal.
    timeout : float
        Seconds to wait for one answer.
    attempts : int
        How often one ticker is asked for where the service is busy, slow or garbled. Once
        one ticker has failed that often, the others get one attempt each.
    recheck : float or None
        Days after which the last `TAIL` sessions of a kept history are asked for and compared
        where nothing later is wanted: a split, a dividend or a revision since then changes
        them, and the whole is downloaded again. None never asks.
    folder : Path or None
        Where downloads are kept; see `cache_folder`.
    sleep, jitter, now : callable
        Waiting, a draw from [0, 1), the time in UTC.
    """

    refresh: bool = False
    missing: Literal["error", "drop"] = "error"
    progress: bool | None = None
    timeout: float = 10.0
    attempts: int = 4
    recheck: float | None = 7.0
    folder: Path | None = None
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    now: Callable[[], datetime] = _now

    def load(
        self, tickers: Sequence[str] | None, start: date | None, end: date | None
    ) -> PriceTable:
        """Return the prices of these tickers; see `PriceSource.load`.

        Raises
        ------
        PriceError
            Naming every ticker that failed, and why; an empty answer is a failure.
        """
        if not tickers:
            raise PriceError("yahoo needs a list of tickers; events.tickers is one")
        bars, notes, failed = self._gather(tickers, end)
        if failed and (self.missing == "error" or not bars):
            raise PriceError(_failures(failed, len(tickers)))
        table = table_from_bars(bars, source="yahoo", missing=failed, start=start, end=end)
        outside = [t for t in table.missing if t not in failed]
        if outside and self.missing == "error":
            raise PriceError(_failures({t: table.missing[t] for t in outside}, len(tickers)))
        return _with_notes(table, notes)

    def _gather(
        self, tickers: Sequence[str], end: date | None
    ) -> tuple[list[Bars], list[PriceWarning], dict[str, str]]:
        """Return bars, notes on the cache, and the reasons of the tickers that failed."""
        bars: list[Bars] = []
        failed: dict[str, str] = {}
        old, notes = self._from_disk(tickers)
        stale = {t for t in tickers if not self._fresh(old[t], end)}
        stale |= self._changed({t: c for t, c in old.items() if c and t not in stale}, notes)
        attempts = self.attempts
        with _bar(self.progress, len(stale)) as step:
            for ticker in tickers:
                cached = old[ticker]
                if ticker in stale:
                    step(ticker)
                    try:
                        cached = self._fetched(ticker, cached, attempts, notes)
                    except ChartError as error:
                        told = [f"; {n.detail}" for n in notes if n.ticker == ticker]
                        failed[ticker] = f"{error}{_held_back(cached)}{''.join(told)}"
                        attempts = 1 if error.transient else attempts
                        continue
                if cached is not None:  # fresh on disk, or fetched just now
                    bars.append(_as_bars(ticker, cached))
        return bars, notes, failed

    def _changed(self, held: Mapping[str, Cached], notes: list[PriceWarning]) -> set[str]:
        """Return the tickers whose kept history the service gives otherwise by now.

        A service that does not answer is asked about none of the others: what is kept is whole
        and of one day.
        """
        found: set[str] = set()
        for ticker, cached in held.items():
            if not self._due(cached):
                continue
            last = cached.dates[-1].item()
            try:
                bars, _ = download(ticker, self.timeout, (cached.dates[-TAIL:][0].item(), last))
            except ChartError as error:
                detail = f"kept prices could not be compared with the service: {error}"
                notes.append(
                    PriceWarning(ticker, "cache", None, f"{detail}; they are {_of(cached)}")
                )
                if error.transient or "no network" in str(error):
                    break
                continue
            tail = {name: values[-TAIL:] for name, values in cached.fields.items()}
            seen = revision(cached.dates[-TAIL:], tail, bars.dates, bars.fields)
            if seen.adjusted:
                found.add(ticker)
                detail = f"prices were adjusted or revised after they were {_of(cached)}"
                notes.append(
                    PriceWarning(
                        ticker, "adjusted", None, f"{detail}; the whole is asked for again"
                    )
                )
            else:
                self._keep(ticker, self._checked_now(cached), notes)
        return found

    def _due(self, cached: Cached) -> bool:
        """Return whether a kept history was compared with the service too long ago."""
        if self.recheck is None:
            return False
        seen = datetime.fromisoformat(cached.about.get("checked_at", cached.about["fetched_at"]))
        # A date in the future tells nothing: the clock was set back since.
        return not timedelta(0) <= self.now() - seen < timedelta(days=self.recheck)

    def _checked_now(self, cached: Cached) -> Cached:
        stamp = self.now().isoformat(timespec="seconds")
        return replace(cached, about={**cached.about, "checked_at": stamp})

    def _from_disk(
        self, tickers: Sequence[str]
    ) -> tuple[dict[str, Cached | None], list[PriceWarning]]:
        """Return what the cache holds, and a note for each damaged file."""
        old: dict[str, Cached | None] = {}
        notes = []
        for ticker in tickers:
            old[ticker], trouble = read_cached(self._path(ticker))
            if trouble:
                detail = f"the cached file {trouble}; it has to be downloaded again"
                notes.append(PriceWarning(ticker, "cache", None, detail))
        return old, notes

    def _path(self, ticker: str) -> Path:
        return (self.folder or cache_folder()) / "yahoo" / file_name(ticker)

    def _fresh(self, cached: Cached | None, end: date | None) -> bool:
        """Return whether a cached history holds every session up to `end` that has closed."""
        if cached is None or self.refresh:
            return False
        try:
            complete = date.fromisoformat(cached.about["complete_through"])
            due = _last_close(self.now(), cached.about)
            if datetime.fromisoformat(cached.about["fetched_at"]) > self.now() + SKEW:
                # How far it holds was told by a clock that went ahead, or this one is behind:
                # the last bar may have been of a session still running.
                complete = min(complete, cached.dates[-1].item() - timedelta(days=1))
        except (KeyError, ValueError, TypeError):
            return False
        wanted = due if end is None else min(end, due)
        if cached.about.get("weekends") != "yes":
            wanted -= timedelta(days=max(0, wanted.weekday() - 4))
        return wanted <= complete

    def _fetched(
        self, ticker: str, old: Cached | None, attempts: int, notes: list[PriceWarning]
    ) -> Cached:
        """Return a fresh download, kept on disk where that can be done."""
        fresh = self._download(ticker, None if self.refresh else old, attempts)
        dropped = fresh.about.get("unfinished")
        if dropped:
            detail = f"the session of {dropped} was not over; its bar was left out"
            notes.append(PriceWarning(ticker, "unfinished", dropped, detail))
        if old is not None:
            notes += _revisions(ticker, old, fresh)
        self._keep(ticker, fresh, notes)
        return fresh

    def _keep(self, ticker: str, cached: Cached, notes: list[PriceWarning]) -> None:
        try:
            write_cached(self._path(ticker), cached)
        except OSError as error:
            path = self._path(ticker)
            detail = f"the download could not be kept: {path}: {error.strerror or error}"
            notes.append(PriceWarning(ticker, "not_kept", None, detail))

    def _download(self, ticker: str, old: Cached | None, attempts: int) -> Cached:
        """Ask until there is an answer, waiting longer each time.

        The waits are 1, 2, 4 ... seconds times a draw from [0.5, 1.5), so that several
        machines that were refused together do not come back together.
        """
        for attempt in range(1, attempts + 1):
            try:
                fresh = self._settled(*download(ticker, self.timeout))
                _refuse_partial(old, fresh)
                return fresh
            except ChartError as error:
                if not error.transient:
                    raise
                if attempt == attempts:
                    tries = f"{attempt} attempt{'s' if attempt > 1 else ''}"
                    raise ChartError(f"{error}, after {tries}", transient=True) from None
            wait = min(2.0 ** (attempt - 1), LONGEST_WAIT)
            self.sleep(wait * (0.5 + self.jitter()))
        raise ChartError("not asked: attempts must be one or more", transient=False)

    def _settled(self, bars: Bars, about: dict[str, str]) -> Cached:
        """Leave out the bar of a session still running, and note how far the history holds."""
        now = self.now()
        due = _last_close(now, about)
        if bars.dates[-1].item() > due + timedelta(days=2):
            raise ChartError(
                f"the service has a session of {bars.dates[-1]}, and this machine's clock says "
                f"{now.date()}: set the clock",
                transient=False,
            )
        kept = bars.dates <= np.datetime64(due, "D")
        if not kept.all():
            about = {**about, "unfinished": str(bars.dates[~kept][0])}
        dates = bars.dates[kept]
        if not len(dates):
            raise ChartError("its only bar is of a session still running", transient=False)
        last = dates[-1].item()
        settled = _last_close(now - SETTLED, about)
        about = {
            **about,
            "fetched_at": now.isoformat(timespec="seconds"),
            "complete_through": str(max(last, settled)),
            "weekends": "no" if np.is_busday(dates).all() else "yes",
        }
        return Cached(dates, {n: v[kept] for n, v in bars.fields.items()}, about)


def _last_close(now: datetime, about: Mapping[str, str]) -> date:
    """Return the exchange's last calendar day whose close has passed."""
    local = (now - LATE).astimezone(ZoneInfo(about["timezone"]))
    over = local.time() >= clock_time.fromisoformat(about["close"])
    return local.date() if over else local.date() - timedelta(days=1)


def _of(cached: Cached) -> str:
    return f"downloaded on {cached.about.get('fetched_at', '')[:10]}"


def _refuse_partial(old: Cached | None, fresh: Cached) -> None:
    """Refuse an answer that lacks much of what an earlier one held.

    Raises
    ------
    ChartError
        Which may be asked again.
    """
    if old is None:
        return
    seen = revision(old.dates, old.fields, fresh.dates, fresh.fields)
    if len(seen.lost) > MOST_LOST * seen.held:
        raise ChartError(
            f"a partial answer: {len(seen.lost)} of {seen.held} sessions {_of(old)} are not in it, "
            f"{seen.lost[0]} the first (refresh=True, prices fetch --refresh, takes it as it is)",
            transient=True,
        )


def _revisions(ticker: str, old: Cached, fresh: Cached) -> list[PriceWarning]:
    """Return what has changed since an earlier download, beside what a dividend changes."""
    seen = revision(old.dates, old.fields, fresh.dates, fresh.fields)
    found = []
    if len(seen.lost):
        detail = f"{len(seen.lost)} sessions {_of(old)} are not in the service's history any more"
        found.append(PriceWarning(ticker, "revised", str(seen.lost[0]), detail))
    if abs(seen.split - 1.0) > LEVEL:
        detail = f"closes are {seen.split:.6g} times those {_of(old)}: a split since then"
        found.append(PriceWarning(ticker, "adjusted", None, detail))
    if len(seen.revised):
        detail = (
            f"{len(seen.revised)} returns are not those {_of(old)}; the largest difference is "
            f"{seen.largest:.2%}"
        )
        found.append(PriceWarning(ticker, "revised", str(seen.revised[0]), detail))
    return found


def _as_bars(ticker: str, cached: Cached) -> Bars:
    fields = {name: values for name, values in cached.fields.items() if name in FIELDS}
    about = cached.about
    origin = f"downloaded {about.get('fetched_at')} by yfinance {about.get('yfinance')}"
    doubts = []
    if about.get("lacking"):
        detail = f"the answer has no {about['lacking']}: returns come from closes and dividends"
        doubts.append(PriceWarning(ticker, "lacking", None, detail))
    return Bars(ticker, cached.dates, fields, origin, tuple(doubts))


def _with_notes(table: PriceTable, notes: Sequence[PriceWarning]) -> PriceTable:
    return replace(table, warnings=(*table.warnings, *notes)) if notes else table


def _held_back(cached: Cached | None) -> str:
    """Return a word on older prices that are there and were not asked for."""
    if cached is None:
        return ""
    return f" (an older download reaches {cached.dates[-1]}; an end up to then uses it)"


def _failures(failed: Mapping[str, str], asked: int) -> str:
    lines = "".join(f"\n  {ticker}: {why}" for ticker, why in failed.items())
    return (
        f"yahoo gave no prices for {len(failed)} of {asked} tickers:{lines}\n"
        "Nothing was taken from elsewhere. missing='drop' (--missing drop) goes on without them; "
        "a folder of files or source='sample' needs no network."
    )


@contextmanager
def _bar(wanted: bool | None, count: int) -> Iterator[Callable[[str], None]]:
    """Yield a function to call with each ticker before it is asked for."""
    if not count or not (sys.stderr.isatty() if wanted is None else wanted):
        yield lambda ticker: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    text = TextColumn("{task.description}", markup=False)
    columns = (text, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("yahoo", total=count)
        begun = iter(range(count))

        def step(ticker: str) -> None:
            told = f"yahoo {visible(ticker)}"
            progress.update(task, completed=next(begun, count), description=told)

        yield step
        progress.update(task, completed=count)
