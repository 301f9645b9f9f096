"""Changes to rows that are dated after a session, and to nothing else.

Rows up to the close of session t stay as they are: prices and factors dated t or earlier, events
announced on t or earlier, and of an announcement that comes later but whose date was public by t
(`known_on`) all but its content. Whether a ticker that pauses on t trades again is kept as well:
a halt and the end of a listing differ by the day's news, not by prices.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
from lookahead_inputs import FACTORS, SESSIONS, TICKERS, Inputs, make_event

Change = Callable[[Inputs, pd.Timestamp, np.random.Generator], Inputs]
PRICES = ("open", "high", "low", "close", "adj_close")


def _each(inputs: Inputs, t: pd.Timestamp, do: Callable[[pd.DataFrame], pd.DataFrame]) -> Inputs:
    """Return inputs with the later rows of each ticker turned into others."""
    bars = {}
    for ticker, frame in inputs.bars.items():
        past, later = frame[frame.index <= t], frame[frame.index > t]
        bars[ticker] = pd.concat([past, do(later.copy())]) if len(later) else frame
    return replace(inputs, bars=bars)


def values(inputs: Inputs, t: pd.Timestamp, rng: np.random.Generator) -> Inputs:
    """Draw later prices anew, three times as wild."""

    def do(later: pd.DataFrame) -> pd.DataFrame:
        factor = np.exp(np.cumsum(rng.normal(0.0, 0.05, len(later))))
        for name in later.columns.intersection(PRICES):
            later[name] *= factor
        return later

    return _each(inputs, t, do)


def wild(inputs: Inputs, t: pd.Timestamp, rng: np.random.Generator) -> Inputs:
    """Let some later prices rise a hundredfold, to tiny ones before or to huge ones after."""

    def do(later: pd.DataFrame) -> pd.DataFrame:
        if rng.random() < 0.5:
            start = int(rng.integers(len(later)))
            columns = later.columns.intersection(PRICES)
            later.iloc[start:, later.columns.get_indexer(columns)] *= float(rng.choice([1e-4, 1e9]))
        return later

    return _each(inputs, t, do)


def removed(inputs: Inputs, t: pd.Timestamp, rng: np.random.Generator) -> Inputs:
    """Take later rows away, here and there."""
    return _each(inputs, t, lambda later: later[rng.random(len(later)) > 0.15])


def delisted(inputs: Inputs, t: pd.Timestamp, rng: np.random.Generator) -> Inputs:
    """Let some tickers end, the benchmark among them."""
    return _each(
        inputs, t, lambda x: x.iloc[: int(rng.integers(len(x)))] if rng.random() < 0.3 else x
    )


def ended(inputs: Inputs, t: pd.Timestamp, rng: np.random.Generator) -> Inputs:
    """Let the whole table end soon after t, or on it."""
    last = t + timedelta(days=int(rng.integers(0, 9)))
    return _each(inputs, t, lambda later: later[later.index <= last])


def added(inputs: Inputs, t: pd.Timestamp, rng: np.random.Generator) -> Inputs:
    """Add rows on sessions without one, on a Saturday, and a ticker that is listed later."""
    spare = pd.DatetimeIndex(SESSIONS)
    spare = spare[spare > t].append(pd.DatetimeIndex([t + timedelta(days=(5 - t.weekday()) or 7)]))

    def do(later: pd.DataFrame) -> pd.DataFrame:
        fresh = spare.difference(later.index)
        fresh = fresh[rng.random(len(fresh)) < 0.7]
        rows = later.iloc[rng.integers(len(later), size=len(fresh))].set_axis(fresh)
        return pd.concat([later, rows]).sort_index()

    found = _each(inputs, t, do)
    like = next((f[f.index > t] for f in inputs.bars.values() if (f.index > t).any()), None)
    return found if like is None else replace(found, bars={**found.bars, "TSM": like})


def volumes(inputs: Inputs, t: pd.Timestamp, rng: np.random.Generator) -> Inputs:
    """Draw later volumes anew: none, unknown, a hundredfold."""

    def do(later: pd.DataFrame) -> pd.DataFrame:
        factor = rng.choice([0.0, np.nan, 0.01, 1.0, 100.0], len(later))
        return later.assign(volume=(later["volume"] * factor).round())

    return _each(inputs, t, do)


def ranges(inputs: Inputs, t: pd.Timestamp, rng: np.random.Generator) -> Inputs:
    """Blank some later highs, lows and opens."""

    def do(later: pd.DataFrame) -> pd.DataFrame:
        for name in ("high", "low", "open"):
            later.loc[rng.random(len(later)) < 0.2, name] = np.nan
        return later

    return _each(inputs, t, do)


def dividends(inputs: Inputs, t: pd.Timestamp, rng: np.random.Generator) -> Inputs:
    """Pay later dividends that nobody paid, as stated amounts or through adjusted closes."""

    def do(later: pd.DataFrame) -> pd.DataFrame:
        paid = (rng.random(len(later)) < 0.1) * rng.uniform(0.0, 0.05, len(later))
        if "dividends" in later:
            later["dividends"] = later["close"] * paid
        if "adj_close" in later:
            later["adj_close"] *= np.cumprod(1.0 + paid)
        return later

    return _each(inputs, t, do)


def split(inputs: Inputs, t: pd.Timestamp, rng: np.random.Generator) -> Inputs:
    """Let a split come later for which the vendor has not adjusted what is earlier."""

    def do(later: pd.DataFrame) -> pd.DataFrame:
        if rng.random() < 0.4:
            ratio = float(rng.choice([2.0, 10.0, 0.1]))
            start = int(rng.integers(len(later)))
            names = later.columns.intersection((*PRICES, "dividends"))
            later.iloc[start:, later.columns.get_indexer(names)] /= ratio
            later.iloc[start:, later.columns.get_loc("volume")] *= ratio
        return later

    return _each(inputs, t, do)


def factors(inputs: Inputs, t: pd.Timestamp, rng: np.random.Generator) -> Inputs:
    """Draw later factors anew and take some rows away."""
    frame = inputs.factors.copy()
    later = frame.index > t
    frame.loc[later, list(FACTORS[:-1])] = rng.normal(0.0, 0.03, (later.sum(), len(FACTORS) - 1))
    return replace(inputs, factors=frame[~later | (rng.random(len(frame)) > 0.2)])


def events(inputs: Inputs, t: pd.Timestamp, rng: np.random.Generator) -> Inputs:
    """Move, drop or rewrite later events; where the date was public, their content alone."""
    rows = []
    for row in inputs.events.to_dict("records"):
        if row["date"] <= t.date().isoformat():
            rows.append(row)
        elif row["known_on"] and row["known_on"] <= t.date().isoformat():
            rows.append({**row, "expects": str(rng.choice(["", "@ASIC- @GPU+", "@ASIC+ @GPU-"]))})
        elif rng.random() > 0.3:
            rows.append(_elsewhere(str(row["event_id"]), t, rng))
    return replace(inputs, events=pd.DataFrame(rows, columns=inputs.events.columns))


def more_events(inputs: Inputs, t: pd.Timestamp, rng: np.random.Generator) -> Inputs:
    """Add later events, above and below the others; some right after t."""
    fresh = [_elsewhere(f"new{i}", t, rng) for i in range(int(rng.integers(1, 5)))]
    parts = [pd.DataFrame(fresh[:1]), inputs.events, pd.DataFrame(fresh[1:])]
    whole = pd.concat([p for p in parts if len(p)], ignore_index=True)
    return replace(inputs, events=whole[inputs.events.columns].fillna(""))


def _elsewhere(event_id: str, t: pd.Timestamp, rng: np.random.Generator) -> dict[str, str]:
    soon: date = t.date() + timedelta(days=int(rng.choice([1, 1, 2, 4, 9, 30])))
    row = make_event(event_id, soon, rng)
    later = soon + timedelta(days=1)
    # Nothing of it was public by t.
    known = t.date() + timedelta(days=1) if rng.random() < 0.3 else None
    return {**row, "known_on": known.isoformat() if known and known < later else ""}


CHANGES: dict[str, Change] = {
    f.__name__: f
    for f in (
        values, wild, removed, delisted, ended, added, volumes, ranges, dividends, split, factors,
        events, more_events,
    )
}  # fmt: skip


def changed(inputs: Inputs, t: pd.Timestamp, seed: int, kinds: Collection[str]) -> Inputs:
    """Return inputs that differ after session t in the ways named.

    Parameters
    ----------
    inputs : Inputs
    t : Timestamp
        A session.
    seed : int
    kinds : collection of str
        Of `CHANGES`.
    """
    rng = np.random.default_rng([seed, 77])
    found = inputs
    for name, change in CHANGES.items():
        if name in kinds:
            found = change(found, t, rng)
    return _halts_kept(inputs, found, t)


def _halts_kept(before: Inputs, after: Inputs, t: pd.Timestamp) -> Inputs:
    """Return later inputs in which who pauses on t trades again where he did, and only there."""
    bars = dict(after.bars)
    for ticker in TICKERS:
        old, new = before.bars[ticker], bars[ticker]
        traded = old[["open", "close"]].notna().all(axis=1)
        if not len(old[old.index <= t]) or (t in old.index and traded[t]):
            continue
        again = old[(old.index > t) & traded]
        later = new[(new.index > t) & new[["open", "close"]].notna().all(axis=1)]
        if len(again) and not len(later):
            bars[ticker] = pd.concat([new[new.index < again.index[0]], again.iloc[:1]])
        elif not len(again):
            bars[ticker] = new[new.index <= t]
    return replace(after, bars=bars)
