"""event-study-toolkit: getCARS of its market model.

Its windows are those of a trading calendar from 1900 to July 2023, built by the constructor: the
panel is dated on sessions of that calendar, and the constructor is not timed. Events of one
security are pooled, so a run holds one event a security.
"""

import sys

import numpy as np
import pandas as pd
import pandas_market_calendars as calendars
from event_study_toolkit.eventstudy import eventstudy
from served import serve


def load(work):
    sessions, tickers = work["returns"].shape
    schedule = calendars.get_calendar("NYSE").schedule("1995-01-01", "2023-06-01")
    days = schedule.index.to_numpy().astype("datetime64[ns]")[-sessions:]
    panel = pd.DataFrame(
        {
            "permno": np.repeat(np.arange(tickers), sessions),
            "date": np.tile(days, tickers),
            "ret_dlst_adj": work["returns"].T.ravel(),
            "vwretd": np.tile(work["market"], tickers),
        }
    )
    events = pd.DataFrame({"permno": work["columns"], "EVT_DATE": days[work["rows"]], "group": 1})
    return panel, events


def prepare(loaded, count):
    panel, events = loaded
    chosen = events.iloc[:count].copy()
    if chosen["permno"].duplicated().any():
        raise ValueError("two events of one security are pooled")
    return eventstudy(250, 0, -10, 10, panel.copy(), chosen, groups=["group"])


def run(study):
    return study.getAbnormalReturns("market"), study.getCARS("market")


def read(found):
    returns, cars = found
    returns = returns.sort_values(["permno", "date"])
    cars = cars[["permno", "car", "sigma"]].drop_duplicates().sort_values("permno")
    return {
        "ar": returns["abret"].to_numpy(dtype=float).reshape(-1, 21),
        "car": cars["car"].to_numpy(dtype=float),
        "se": cars["sigma"].to_numpy(dtype=float) * np.sqrt(21.0),
    }


if __name__ == "__main__":
    sys.exit(serve(load, prepare, run, read))
