"""PyPI `eventstudy`: one Single.market_model an event."""

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from served import serve

from eventstudy import Single


def load(work):
    names = [f"T{k:05d}" for k in range(work["returns"].shape[1])]
    frame = pd.DataFrame(work["returns"], columns=names).assign(MKT=work["market"])
    frame.insert(0, "date", work["days"].astype(str))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "returns.csv"
        frame.to_csv(path, index=False, float_format="%.17g")
        Single.import_returns(str(path))
    work["dates"] = work["days"].astype("datetime64[ns]")
    return work, names


def prepare(loaded, count):
    work, names = loaded
    return [
        {"security_ticker": names[k], "event_date": work["dates"][row]}
        for k, row in zip(work["columns"][:count], work["rows"][:count], strict=True)
    ]


def run(events):
    return [
        Single.market_model(
            market_ticker="MKT", event_window=(-10, 10), estimation_size=250, buffer_size=0, **event
        )
        for event in events
    ]


def read(found):
    return {
        "ar": np.array([one.AR for one in found]),
        "car": np.array([one.CAR[-1] for one in found]),
        "se": np.sqrt([one.var_CAR[-1] for one in found]),
    }


if __name__ == "__main__":
    sys.exit(serve(load, prepare, run, read))
