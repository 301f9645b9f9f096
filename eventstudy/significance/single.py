"""Inference on one event and one security: no cross-section, so its own history speaks.

References
----------
Gelbach, J., Helland, E. and Klick, J. (2013). Valid inference in single-firm, single-event
studies. American Law and Economics Review 15, 495-541.
Phipson, B. and Smyth, G. (2010). Permutation p-values should never be zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from eventstudy.later import ALL_PRICES, OWN_KIND

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


THROUGH = 1e-12
"""1 - h up to this is rounding: a session that alone decides a coefficient has no residual."""


@dataclass(frozen=True, slots=True)
class SingleTest:
    """Name, null and assumptions of a test of one event."""

    name: str
    null: str
    assumptions: str
    source: str


SINGLE_TESTS = {
    test.name: test
    for test in (
        SingleTest(
            "forecast_t",
            "the CAR is zero",
            "normal residuals of constant variance; far tails mean little on fat-tailed series",
            "CAR over its forecast error, t with M - d degrees of freedom; Salinger 1992",
        ),
        SingleTest(
            "sq",
            "the CAR comes from the distribution of the estimation window's residuals",
            "residuals identically distributed, the firm's own earlier news among them; no "
            "normality; p no smaller than its floor",
            "Gelbach, Helland and Klick 2013",
        ),
        SingleTest(
            "placebo_time",
            "the CAR is like that of any window that holds no event of the calendar",
            "event and other days alike but for the event; windows refitted over all prices, "
            f"{ALL_PRICES}, so years before the calendar begins lend news that it does not list",
            "randomisation over time",
        ),
        SingleTest(
            "placebo_space",
            "the SCAR is like that of other securities on the same date",
            "securities exchangeable once standardised, none of them concerned by the event; "
            "funds, the event's tickers and the series' own are left out; a model without a "
            "forecast covariance ranks CAR over the root mean square residual before the event",
            "randomisation over securities; Abadie, Diamond and Hainmueller 2010",
        ),
        SingleTest(
            "placebo_kind",
            "the event is like the subject's other events of its kind",
            f"events of one kind are exchangeable, {OWN_KIND}; two-sided in |SCAR|",
            "randomisation over events of one kind",
        ),
    )
}


@dataclass(frozen=True, slots=True)
class RankTails:
    """Tails of n values against their own reference draws.

    Attributes
    ----------
    greater, less, two_sided : ndarray, shape (n,)
        NaN where there are no draws.
    draws : ndarray, shape (n,), int
        B.
    """

    greater: Floats
    less: Floats
    two_sided: Floats
    draws: Ints


def empirical_tails(value: Floats, draws: Floats) -> RankTails:
    """Rank each value among its draws: p_greater = (1 + #{draw >= value}) / (B + 1).

    Parameters
    ----------
    value : ndarray, shape (n,)
    draws : ndarray, shape (n, B)
        NaN is no draw.

    Returns
    -------
    RankTails
        Two-sided is twice the smaller tail, at most 1.
    """
    count = np.isfinite(draws).sum(axis=1)
    blank = np.where((count > 0) & np.isfinite(value), 0.0, np.nan)
    with np.errstate(invalid="ignore"):
        greater = (1.0 + (draws >= value[:, None]).sum(axis=1)) / (count + 1.0) + blank
        less = (1.0 + (draws <= value[:, None]).sum(axis=1)) / (count + 1.0) + blank
    return RankTails(greater, less, np.minimum(1.0, 2.0 * np.minimum(greater, less)), count)


def by_size(value: Floats, draws: Floats, tails: RankTails) -> RankTails:
    """Return tails whose two-sided probability ranks sizes: (1 + #{|draw| >= |value|}) / (B + 1).

    Parameters
    ----------
    value : ndarray, shape (n,)
    draws : ndarray, shape (n, B)
        NaN is no draw.
    tails : RankTails
        Of the same values among the same draws.
    """
    with np.errstate(invalid="ignore"):
        larger = (np.abs(draws) >= np.abs(value)[:, None]).sum(axis=1)
    two_sided = np.where(np.isfinite(tails.greater), (1.0 + larger) / (tails.draws + 1.0), np.nan)
    return replace(tails, two_sided=two_sided)


def own_share(leverage: Floats) -> Floats:
    """Return sqrt(1 - h); NaN where h is 1 but for rounding: the fit goes through that session.

    Parameters
    ----------
    leverage : ndarray, shape (n, M)
    """
    left = 1.0 - leverage
    with np.errstate(invalid="ignore"):
        return np.sqrt(np.where(left > THROUGH, left, np.nan))


def sq_tails(car: Floats, residuals: Floats, leverage: Floats, length: int) -> RankTails:
    """Rank CARs among sums of consecutive estimation residuals.

    B = M - L + 1 sums of L residuals, each divided by sqrt(1 - h); see `own_share`.

    Parameters
    ----------
    car : ndarray, shape (n,)
    residuals, leverage : ndarray, shape (n, M)
        NaN where missing; the sessions that are left count as consecutive.
    length : int
        L, sessions of the window.

    Returns
    -------
    RankTails
    """
    scaled = residuals / own_share(leverage)
    order = np.argsort(~np.isfinite(scaled), axis=1, kind="stable")
    packed = np.take_along_axis(scaled, order, axis=1)
    if packed.shape[1] < length:
        return empirical_tails(car, np.full((len(car), 1), np.nan))
    sums = np.lib.stride_tricks.sliding_window_view(packed, length, axis=1).sum(axis=2)
    return empirical_tails(car, sums)


def beyond_ranks(p: Floats, residuals: Floats, lengths: Sequence[int]) -> list[list[str]]:
    """Say where a two-sided p-value is smaller than any that the event's own history can show.

    Ranked among the M - L + 1 windows of its estimation residuals a CAR has p no smaller than
    2 / (M - L + 2), see `sq_tails`; a smaller one comes of the assumed shape of the tail alone.

    Parameters
    ----------
    p : ndarray, shape (n, W)
    residuals : ndarray, shape (n, M)
        NaN where missing.
    lengths : sequence of int, length W

    Returns
    -------
    list of n lists of W str
        Empty where there is nothing to say.
    """
    sessions = np.isfinite(residuals).sum(axis=1)
    windows = np.maximum(sessions[:, None] - np.asarray(lengths) + 1, 0)
    floor = 2.0 / (windows + 1.0)
    return [
        [
            f"p is below {least:.2g}, the smallest by ranks among {count} windows before the "
            "event: it rests on normal tails"
            if value < min(least, 1.0)
            else ""
            for value, least, count in zip(*row, strict=True)
        ]
        for row in zip(p, floor, windows, strict=True)
    ]


def kind_tails(scar: Floats, kinds: npt.NDArray[np.int64]) -> RankTails:
    """Rank |SCAR| among the other events of its kind: p = (1 + #{>=}) / (1 + B).

    Parameters
    ----------
    scar : ndarray, shape (n,)
    kinds : ndarray, shape (n,), int
        Events with one number are exchangeable.

    Returns
    -------
    RankTails
        One-sided tails are NaN: the size is ranked, not the sign.
    """
    size, there = np.abs(scar), np.isfinite(scar)
    larger, others = np.zeros(len(scar)), np.zeros(len(scar))
    order = np.argsort(kinds, kind="stable")
    bounds = np.flatnonzero(np.diff(kinds[order])) + 1
    for rows in np.split(order, bounds):
        ranked = np.sort(size[rows][there[rows]])
        # Each one there counts itself among those no smaller than it.
        larger[rows] = len(ranked) - np.searchsorted(ranked, size[rows], "left") - 1
        others[rows] = len(ranked) - there[rows]
    blank = np.full(len(scar), np.nan)
    known = (others > 0) & np.isfinite(size)
    p = np.where(known, (1.0 + larger) / (1.0 + others), np.nan)
    return RankTails(blank, blank, p, others.astype(np.int64))
