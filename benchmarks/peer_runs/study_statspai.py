"""StatsPAI: abnormal_returns, which computes its tests in the same call."""

import sys

import numpy as np
import pandas as pd
from served import serve
from statspai import abnormal_returns


def load(work):
    sessions, tickers = work["returns"].shape
    panel = pd.DataFrame(
        {
            "id": np.repeat(np.arange(tickers), sessions),
            "date": np.tile(work["days"].astype("datetime64[ns]"), tickers),
            "ret": work["returns"].T.ravel(),
            "mkt": np.tile(work["market"], tickers),
        }
    )
    dates = work["days"].astype("datetime64[ns]")[work["rows"]]
    return panel, pd.DataFrame({"id": work["columns"], "event_date": dates})


def prepare(loaded, count):
    panel, events = loaded
    return panel.copy(), events.iloc[:count].copy()


def run(given):
    return abnormal_returns(
        *given, market="mkt", event_window=(-10, 10), estimation_window=(-260, -11)
    )


def read(found):
    tests = {f"test_{name}": value for name, value in found.tests["statistic"].items()}
    tests |= {f"p_{name}": value for name, value in found.tests["pvalue"].items()}
    return {
        "ar": found.ar.to_numpy().T,
        "car": found.events["car"].to_numpy(),
        "se": found.events["se"].to_numpy(),
        **tests,
    }


if __name__ == "__main__":
    sys.exit(serve(load, prepare, run, read))
