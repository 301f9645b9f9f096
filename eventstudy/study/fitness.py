"""Which fits can be used: one rule for the events of a study and the draws of a calibration."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eventstudy.models import ModelFit
from eventstudy.windows import Frame

SHORT, SINGULAR, MISSING, CONSTANT = (
    "short_estimation", "singular_design", "missing_regressor", "no_variance",
)  # fmt: skip
VANISHING = 1e-20
"""Residual variance below this share of the mean squared return counts as none."""


def fit_faults(fit: ModelFit, frame: Frame, mean_square: float) -> npt.NDArray[np.str_]:
    """Return why each fit cannot be used, the first reason that applies.

    Parameters
    ----------
    fit : ModelFit
        Of n observations.
    frame : Frame
    mean_square : float
        Mean squared return of the securities.

    Returns
    -------
    ndarray, shape (n,), str
        ``short_estimation``: fewer usable sessions than `frame` asks for;
        ``singular_design``: regressors that do not vary, or a model that does not converge;
        ``missing_regressor``: a day of the hull without an abnormal return; ``no_variance``:
        returns that do not vary about the model. Empty where the fit can be used.
    """
    faults = {
        SHORT: fit.dof + fit.n_params < frame.min_estimation,
        SINGULAR: ~np.isfinite(fit.condition),
        MISSING: ~np.isfinite(fit.ar).all(axis=1),
        CONSTANT: ~(fit.s2 > VANISHING * mean_square),
    }
    return np.select(list(faults.values()), list(faults), "")
