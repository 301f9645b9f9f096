"""The variance of event days beside that of the estimation window.

References
----------
Beaver, W. (1968). The information content of annual earnings announcements. Journal of
Accounting Research 6 (supplement), 67-92.
Patell, J. (1976). Corporate forecasts of earnings per share and stock price behavior. Journal
of Accounting Research 14, 246-276.
Boehmer, E., Musumeci, J. and Poulsen, A. (1991). Event-study methodology under conditions of
event-induced variance. Journal of Financial Economics 30, 253-272.
Rohrbach, K. and Chandra, R. (1989). The power of Beaver's U against a variance increase in
market model residuals. Journal of Accounting Research 27, 145-155.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eventstudy.significance.contract import SignificanceTest, Verdict, normal
from eventstudy.significance.sample import Sample, spread
from eventstudy.significance.single import own_share

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FAT = 1.0
"""Mean excess kurtosis of residuals from which a test that needs normality is doubted."""


def variance_ratios(ar: Floats, v: Floats, masks: Floats) -> Floats:
    """Return AR' V^-1 AR / L over each window, V being the forecast errors' covariance.

    With one day it is SAR^2, Beaver's U. Days of one event share one estimated alpha and
    beta, which the inverse of the whole V takes out: under normality the ratio is exactly
    F(L, M - d). A mean effect raises it as well as a variance does.

    Parameters
    ----------
    ar : ndarray, shape (n, L)
    v : ndarray, shape (n, L, L)
    masks : ndarray, shape (W, L)

    Returns
    -------
    ndarray, shape (n, W)
        NaN where a day of the window is missing.
    """
    found = np.empty((len(ar), len(masks)))
    for w, mask in enumerate(masks):
        days = np.flatnonzero(mask)
        part, block = ar[:, days], v[:, days[:, None], days]
        whole = np.isfinite(part).all(axis=1) & np.isfinite(block).all(axis=(1, 2))
        solved = np.linalg.solve(block[whole], part[whole][:, :, None])[:, :, 0]
        found[:, w] = np.nan
        found[whole, w] = np.einsum("nl,nl->n", part[whole], solved) / len(days)
    return found


def f_tails(ratio: Floats, length: int, dof: Ints) -> tuple[Floats, Floats, Floats]:
    """Return upper, lower and two-sided probabilities of F(L, M - d) ratios, shape (n,) each."""
    from scipy.special import fdtr, fdtrc

    greater = np.asarray(fdtrc(length, dof, ratio), dtype=np.float64)
    less = np.asarray(fdtr(length, dof, ratio), dtype=np.float64)
    return greater, less, np.minimum(1.0, 2.0 * np.minimum(greater, less))


def patell_u(ratios: Floats, lengths: Floats, dof: Ints) -> Verdict:
    """Test over N events that variance ratios have the mean of their F distribution.

    ``sum (F_i (m_i - 2) / m_i - 1) / sqrt(sum 2 (L + m_i - 2) / (L (m_i - 4)))`` with
    m = M - d; with one day the variance is Patell's 2 (T - 3) / (T - 6), T = m + 2. Standard
    normal for many events.

    Parameters
    ----------
    ratios : ndarray, shape (N, W)
    lengths : ndarray, shape (W,)
        L of each window.
    dof : ndarray, shape (N,), int

    Returns
    -------
    Verdict
    """
    m = dof[:, None].astype(float)
    variance = 2.0 * (lengths + m - 2.0) / (lengths * (m - 4.0))
    return normal((ratios * (m - 2.0) / m - 1.0).sum(axis=0) / np.sqrt(variance.sum(axis=0)))


def dispersion(scar: Floats, dof: Ints) -> Floats:
    """Return the cross-sectional variance of SCARs over the one that they have under the null.

    ``s_SCAR^2 / mean(m / (m - 2))``, s of ddof 1: the variance of Boehmer, Musumeci and
    Poulsen, a mean effect taken out; 1 where events bring no variance of their own and are
    independent.

    Parameters
    ----------
    scar : ndarray, shape (N, W)
    dof : ndarray, shape (N,), int

    Returns
    -------
    ndarray, shape (W,)
        NaN for one event.
    """
    expected = np.where(np.isfinite(scar), (dof / (dof - 2.0))[:, None], 0.0).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = spread(scar) ** 2 / (expected / np.isfinite(scar).sum(axis=0))
    return found


class PatellU(SignificanceTest):
    """Beaver's U over events, standardised as Patell did: see `patell_u`."""

    name = "patell_u"
    null = "event days have the variance and the zero mean of the estimation window"
    assumptions = (
        "abnormal returns normal (fat tails alone make it reject) and independent across "
        "events; a mean effect counts as variance"
    )
    source = "Beaver 1968; Patell 1976"
    comfortable = 30
    needs_covariance = True

    def verdict(self, sample: Sample, masks: Floats) -> Verdict:
        """Return z for each window."""
        return patell_u(variance_ratios(sample.ar, sample.v, masks), masks.sum(axis=1), sample.dof)

    def caveat(self, sample: Sample, mask: Floats) -> str:
        """Say where the residuals' tails are fatter than the normal's."""
        excess = excess_kurtosis(sample.residuals).mean()
        fat = (
            f"residuals have excess kurtosis {excess:.1f}: rejects far too often"
            if excess > FAT
            else ""
        )
        return "; ".join(filter(None, (super().caveat(sample, mask), fat)))


def excess_kurtosis(residuals: Floats) -> Floats:
    """Return mean(e^4) / mean(e^2)^2 - 3 of each row, missing values left out, shape (n,)."""
    square = np.nanmean(residuals**2, axis=1)
    found: Floats = np.nanmean(residuals**4, axis=1) / square**2 - 3.0
    return found


def absolute_residuals(residuals: Floats, leverage: Floats, s2: Floats) -> Floats:
    """Return |e| / sqrt(s^2 (1 - h)), shape (n, M): the scale on which days are ranked."""
    scaled: Floats = np.abs(residuals) / (np.sqrt(s2)[:, None] * own_share(leverage))
    return scaled


def moving_means(values: Floats, length: int) -> Floats:
    """Return means of `length` consecutive values, missing ones closed up, by row.

    Parameters
    ----------
    values : ndarray, shape (n, M)
        NaN where missing.
    length : int

    Returns
    -------
    ndarray, shape (n, M - length + 1)
        NaN beyond the values that a row has.
    """
    order = np.argsort(~np.isfinite(values), axis=1, kind="stable")
    packed = np.take_along_axis(values, order, axis=1)
    if packed.shape[1] < length:
        return np.full((len(values), 1), np.nan)
    means: Floats = np.lib.stride_tricks.sliding_window_view(packed, length, axis=1).mean(axis=2)
    return means
