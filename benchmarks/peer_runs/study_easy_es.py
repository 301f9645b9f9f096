"""easy-es: EventStudy.run_study on returns and factors that are given.

Its estimation window reaches back as many calendar days as it is asked for sessions, so the
panel is dated on consecutive calendar days: only then does it see the whole window.
"""

import sys

import numpy as np
import pandas as pd
from easy_es import EventStudy
from served import serve


def load(work):
    sessions, tickers = work["returns"].shape
    days = pd.date_range("2000-01-01", periods=sessions, freq="D")
    panel = pd.DataFrame(
        {
            "Ret": work["returns"].T.ravel(),
            "Date": np.tile(days.date, tickers),
            "ticker": np.repeat(np.arange(tickers), sessions),
            "Volume": 1.0,
        }
    )
    factors = pd.DataFrame({"Date": days.date, "Mkt-RF": work["market"], "RF": 0.0})
    dates = days.date[work["rows"]]
    events = pd.DataFrame({"ticker": work["columns"], "event_date": dates})
    return panel, factors, events


def prepare(loaded, count):
    panel, factors, events = loaded
    study = EventStudy(
        estimation_days=250, gap_days=0, window_before=10, window_after=10,
        estimator_type="capm", n_cores=1,
    )  # fmt: skip
    study.add_returns(ret_df=panel.copy())
    study.add_factors(factors.copy())
    return study, events.iloc[:count].copy()


def run(given):
    study, events = given
    return study.run_study(events)


def read(found):
    found = found.sort_values(["event_id", "Offset"])
    ar = found["ar"].to_numpy(dtype=float).reshape(-1, 21)
    s = found["estimation_std"].to_numpy(dtype=float).reshape(-1, 21)[:, -1]
    car = found["car"].to_numpy(dtype=float).reshape(-1, 21)[:, -1]
    return {"ar": ar, "car": car, "se": s * np.sqrt(21.0)}


if __name__ == "__main__":
    sys.exit(serve(load, prepare, run, read))
