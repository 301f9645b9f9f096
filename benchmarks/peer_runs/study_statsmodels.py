"""statsmodels: OLS of each event, the forecast error from its covariance of coefficients."""

import sys

import numpy as np
import statsmodels.api as sm
from served import serve
from study_work import ESTIMATION, WINDOW


def prepare(work, count):
    return work["returns"], work["market"], work["columns"][:count], work["rows"][:count]


def run(given):
    returns, market, columns, rows = given
    ar = np.empty((len(rows), len(WINDOW)))
    se = np.empty(len(rows))
    for i, (k, row) in enumerate(zip(columns, rows, strict=True)):
        fit = sm.OLS(returns[row + ESTIMATION, k], sm.add_constant(market[row + ESTIMATION])).fit()
        design = sm.add_constant(market[row + WINDOW])
        ar[i] = returns[row + WINDOW, k] - fit.predict(design)
        total = design.sum(axis=0)
        se[i] = np.sqrt(fit.scale * len(WINDOW) + total @ fit.cov_params() @ total)
    return ar, ar.sum(axis=1), se


def read(found):
    return dict(zip(("ar", "car", "se"), found, strict=True))


if __name__ == "__main__":
    sys.exit(serve(lambda work: work, prepare, run, read))
