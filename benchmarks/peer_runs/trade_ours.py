"""One of our own backtests, by its name in ours.py."""

import sys

import numpy as np
from backtest_speed import make_world
from ours import BACKTESTS
from served import serve


def main():
    _, prepared = BACKTESTS[sys.argv[2]]
    serve(
        lambda work: prepared(make_world(len(work["days"]), len(work["rows"]))),
        lambda loaded, count: loaded,
        lambda run: run(),
        lambda value: {"final": np.array(value)},
    )


if __name__ == "__main__":
    main()
