"""Made inputs of a whole run: price files, a calendar and factors, written as a user would."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from eventstudy.sessions import exchange_sessions

TICKERS = ("AVGO", "MRVL", "NVDA", "AMD", "MU", "INTC", "QCOM", "SPY")
LISTED = TICKERS[:5]
"""Those that events name; the others are donors and the benchmark."""
FACTORS = ("mkt_rf", "smb", "hml", "rmw", "cma", "mom", "rf")
COUNT = 170
FIRST_EVENT = 82
SESSIONS = exchange_sessions("XNYS", date(2023, 1, 3), date(2024, 12, 31)).days[:COUNT]
WHEN = (
    {"session": "pre"}, {"session": "post"}, {"session": "regular"}, {"session": "unknown"},
    {"time": "08:00"}, {"time": "15:50"}, {"time": "16:05"}, {},
)  # fmt: skip

Days = npt.NDArray[np.datetime64]


@dataclass(frozen=True)
class Inputs:
    """What a user hands in.

    Attributes
    ----------
    bars : dict of str to DataFrame
        By ticker, indexed by date; NaN is an empty cell.
    events : DataFrame
        A row an event, texts.
    factors : DataFrame
        Indexed by date, decimals.
    """

    bars: dict[str, pd.DataFrame]
    events: pd.DataFrame
    factors: pd.DataFrame

    def write(self, folder: Path) -> None:
        """Write prices/TICKER.csv, events.csv and factors.csv."""
        (folder / "prices").mkdir(parents=True)
        for ticker, frame in self.bars.items():
            frame.to_csv(folder / "prices" / f"{ticker}.csv", index_label="date")
        self.events.to_csv(folder / "events.csv", index=False)
        self.factors.to_csv(folder / "factors.csv", index_label="date")


def make_inputs(
    seed: int, prices: str = "stated", holes: int = 4, count: int = 9, last: int = COUNT - 2
) -> Inputs:
    """Return inputs drawn from a seed.

    Parameters
    ----------
    seed : int
    prices : {"stated", "adjusted", "both"}
        Dividends stated, read off adjusted closes, or both.
    holes : int
        Runs of missing bars.
    count : int
        Events.
    last : int
        Row before which all of them lie.
    """
    rng = np.random.default_rng(seed)
    common = 0.009 * rng.standard_t(4, COUNT)
    bars = {t: _bars(t, common, prices, rng) for t in TICKERS}
    for _ in range(holes):
        ticker, row = str(rng.choice(TICKERS[:7])), int(rng.integers(5, COUNT - 6))
        gone = SESSIONS[row : row + int(rng.integers(1, 4))]
        bars[ticker] = bars[ticker].drop(index=pd.DatetimeIndex(gone), errors="ignore")
    if rng.random() < 0.3:
        bars["AMD"] = bars["AMD"].iloc[: int(rng.integers(110, COUNT - 8))]
    if rng.random() < 0.3:
        bars["MU"] = bars["MU"].iloc[int(rng.integers(5, 40)) :]
    factors = pd.DataFrame(
        rng.normal(0.0, 0.006, (COUNT, len(FACTORS))), pd.DatetimeIndex(SESSIONS), FACTORS
    )
    factors["mkt_rf"] = common
    factors["rf"] = 1e-4
    rows = np.sort(rng.integers(FIRST_EVENT, last, count))
    events = [make_event(f"e{i}", SESSIONS[row].item(), rng) for i, row in enumerate(rows)]
    return Inputs(bars, pd.DataFrame(events).fillna(""), factors)


def _bars(
    ticker: str, common: npt.NDArray[np.float64], prices: str, rng: np.random.Generator
) -> pd.DataFrame:
    own = 0.0 if ticker == "SPY" else 0.013 * rng.standard_t(4, COUNT)
    total = np.clip((1.0 if ticker == "SPY" else rng.uniform(0.7, 1.6)) * common + own, -0.4, 0.4)
    paid = (rng.random(COUNT) < 0.02) * rng.uniform(0.2, 1.0, COUNT)
    close = np.empty(COUNT)
    level = rng.uniform(20.0, 200.0)
    for row, change in enumerate(total):
        close[row] = level = level * (1.0 + change) - (paid[row] if level > 5 else 0.0)
    wide = np.abs(rng.normal(0.0, 0.006, (2, COUNT)))
    opened = close / (1.0 + total * rng.uniform(0.0, 1.0, COUNT))
    frame = pd.DataFrame(
        {
            "open": opened,
            "high": np.maximum(opened, close) * (1.0 + wide[0]),
            "low": np.minimum(opened, close) / (1.0 + wide[1]),
            "close": close,
            "volume": rng.lognormal(11.0, 0.5, COUNT).round(),
        },
        pd.DatetimeIndex(SESSIONS),
    )
    if prices != "adjusted":
        frame["dividends"] = paid
    if prices != "stated":
        # Anchored at the first session: a vendor's anchor at the last is another property.
        before = np.concatenate([close[:1], close[:-1]])
        frame["adj_close"] = close[0] * np.cumprod((close + paid) / before)
    return frame


def make_event(event_id: str, day: date, rng: np.random.Generator) -> dict[str, str]:
    """Return a row of the calendar, announced on a day or the days around it."""
    day += timedelta(days=int(rng.choice([0, 0, 0, 1])))
    named = [str(t) for t in rng.choice(LISTED, int(rng.integers(1, 4)), replace=False)]
    sign = "+-" if rng.random() < 0.5 else "-+"
    expects = (f"@ASIC{sign[0]} @GPU{sign[1]}", "@ASIC+ @GPU+", f"{named[0]}+", "")
    known = day - timedelta(days=int(rng.integers(8, 40)))
    return {
        "event_id": event_id,
        "date": day.isoformat(),
        "kind": str(rng.choice(["earnings", "capex", "talk"])),
        "subject": named[0] if rng.random() < 0.8 else "someone",
        "tickers": ";".join([*named, "@ASIC"] if rng.random() < 0.2 else named),
        "expects": str(rng.choice(expects)),
        "use": "context" if rng.random() < 0.1 else "study",
        "known_on": known.isoformat() if rng.random() < 0.5 else "",
        **{"time": "", "session": "", **WHEN[int(rng.integers(len(WHEN)))]},
    }
