"""Tests whose reference distribution is drawn: weights by date, and shifts of the calendar.

References
----------
Cameron, A. C., Gelbach, J. and Miller, D. (2008). Bootstrap-based improvements for inference
with clustered errors. Review of Economics and Statistics 90, 414-427.
Webb, M. (2014). Reworking wild bootstrap based inference for clustered errors. Queen's
Economics Department Working Paper 1315.
Phipson, B. and Smyth, G. (2010). Permutation p-values should never be zero. Statistical
Applications in Genetics and Molecular Biology 9, article 39.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eventstudy.later import ALL_PRICES
from eventstudy.significance.contract import Facts, SignificanceTest, Verdict, symmetric
from eventstudy.significance.history import Everywhere, History
from eventstudy.significance.sample import TIE, Sample

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

DRAWS = 999
FEWEST_DATES = 5
FEW_DATES = 12
"""Below this many dates Rademacher signs have too few patterns: Webb's six points."""
WEBB = np.array([-np.sqrt(1.5), -1.0, -np.sqrt(0.5), np.sqrt(0.5), 1.0, np.sqrt(1.5)])
LARGEST_SHARE = 0.5
"""One date with more than this share of the events decides alone."""
FEW_SHIFTS = 100
LEFT_ENOUGH = 0.8
MUCH_WIDER = 1.5
"""Event-induced spread from which a caveat says that it is taken for effect."""


class ClusterBootstrap(SignificanceTest):
    """Wild bootstrap by event date of the mean CAR, studentised, the null imposed.

    t = mean CAR / s.e., the s.e. clustered by date:
    ``G/(G-1) sum_g (sum_{i in g} (CAR_i - mean))^2 / N^2``. A draw multiplies all CARs of a
    date by one weight, Rademacher signs or Webb's six points for fewer than 12 dates, and
    gives t*. p = (1 + #{t* >= t}) / (B + 1) for the upper tail, two-sided with |t*| >= |t|.
    With 12 dates or more and 2^G - 1 no larger than B, which the 999 draws of the default never
    reach, all other sign patterns take the place of draws.

    Parameters
    ----------
    draws : int
        B.
    """

    name = "cluster_bootstrap"
    assumptions = (
        "dates are independent; any dependence and any variance within a date; dates not too "
        "few and not too unequal; the distribution of CARs near symmetric"
    )
    source = "Cameron, Gelbach and Miller 2008; Webb 2014"
    independent_events = False
    fewest_dates = FEWEST_DATES
    no_value = "no value: the events do not vary"

    def __init__(self, draws: int = DRAWS) -> None:
        self.draws = draws

    def verdict(self, sample: Sample, masks: Floats) -> Verdict:
        """Return t for each window with its bootstrap tails."""
        sums, counts = by_date(sample.cars(masks)[0], sample.positions)
        weights, what = wild_weights(len(sums), self.draws, sample.seed)
        t, drawn = wild_statistics(sums, counts, weights)
        said = f"wild bootstrap by date, {what}, p no smaller than {1 / (len(weights) + 1):.3g}"
        return Verdict(t, *drawn_tails(t, drawn), f"{said}; two-sided by |t*|")

    def caveat(self, sample: Sample, mask: Floats) -> str:
        """Say where dates are few or unequal or their windows overlap."""
        found = [super().caveat(sample, mask)]
        if sample.n_dates < self.comfortable <= len(sample):
            found.append(f"only {sample.n_dates} dates")
        largest = np.unique(sample.positions, return_counts=True)[1].max() / len(sample)
        if largest > LARGEST_SHARE:
            found.append(f"one date holds {largest:.0%} of the events")
        if sample.smallest_gap < mask.sum():
            found.append("takes dates as independent, but windows overlap")
        return "; ".join(filter(None, found))


def by_date(values: Floats, positions: Ints) -> tuple[Floats, Floats]:
    """Return sums and counts by date in the order of dates, both of shape (G, W).

    Parameters
    ----------
    values : ndarray, shape (N, W)
    positions : ndarray, shape (N,), int
    """
    dates, which = np.unique(positions, return_inverse=True)
    member = (np.arange(len(dates))[:, None] == which[None, :]).astype(float)
    return member @ values, np.repeat(member.sum(axis=1, keepdims=True), values.shape[1], axis=1)


def wild_weights(dates: int, draws: int, seed: int) -> tuple[Floats, str]:
    """Return weights, shape (B, G), and what they are.

    Rademacher signs and Webb's points come of the same random numbers: a sign is the sign of
    the point. All signs but the observed ones, where they are no more than `draws`: from 4,095
    on, fewer dates being Webb's.
    """
    if dates < FEW_DATES:
        return WEBB[webb_points(dates, draws, seed)], f"{draws} draws of Webb's six points"
    if 2**dates <= draws + 1:
        return all_signs(dates), f"all {2**dates - 1} other sign patterns"
    return signs_of(webb_points(dates, draws, seed)), f"{draws} draws of Rademacher signs"


def webb_points(dates: int, draws: int, seed: int) -> npt.NDArray[np.int8]:
    """Return one of Webb's six points by number for each draw and date, shape (B, G)."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, len(WEBB), (draws, dates), dtype=np.int8)


def signs_of(points: npt.NDArray[np.int8]) -> Floats:
    """Return the signs of Webb's points, given by number."""
    return np.where(points >= len(WEBB) // 2, 1.0, -1.0)


def all_signs(dates: int) -> Floats:
    """Return every pattern of signs but the observed one, shape (2^G - 1, G)."""
    numbers = np.arange(1, 2**dates)[:, None]
    return np.where(numbers >> np.arange(dates) & 1, -1.0, 1.0)


def wild_statistics(sums: Floats, counts: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return t of means clustered by date, and t of each draw.

    Parameters
    ----------
    sums, counts : ndarray, shape (G, W)
        Of the values of each date; a date that a column lacks has 0 and 0.
    weights : ndarray, shape (B, G)

    Returns
    -------
    t : ndarray, shape (W,)
        NaN where the values do not vary.
    drawn : ndarray, shape (B, W)
        Infinite where a draw leaves no variance.
    """
    ones = np.ones((1, len(sums)))
    total, cross, square = _moments(sums, counts, ones)
    scatter = _scatter(total, cross, square, counts)[0]
    rounding = (sums**2).sum(axis=0) * 1e-20
    with np.errstate(invalid="ignore", divide="ignore"):
        t = _ratio(total, _scatter(total, cross, square, counts), counts)[0]
        moments = _moments(sums, counts, weights)
        drawn = _ratio(moments[0], _scatter(*moments, counts), counts)
    return np.where(scatter > rounding, t, np.nan), drawn


def _moments(sums: Floats, counts: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Return sums over dates of w S, w n S and w^2 S^2, each of shape (B, W)."""
    return weights @ sums, weights @ (counts * sums), weights**2 @ sums**2


def _scatter(total: Floats, cross: Floats, square: Floats, counts: Floats) -> Floats:
    """Return sum_g (w_g S_g - n_g mean)^2, shape (B, W)."""
    mean = total / counts.sum(axis=0)
    found: Floats = square - 2.0 * mean * cross + mean**2 * (counts**2).sum(axis=0)
    return np.maximum(found, 0.0)


def _ratio(total: Floats, scatter: Floats, counts: Floats) -> Floats:
    """Return mean / sqrt(G/(G-1) scatter / N^2): the N cancels."""
    dates = (counts > 0).sum(axis=0)
    found: Floats = total / np.sqrt(scatter * dates / (dates - 1.0))
    return found


def drawn_tails(t: Floats, drawn: Floats) -> tuple[Floats, Floats, Floats]:
    """Return upper, lower and two-sided (by |t*|) tails, shape (W,): (1 + #) / (B + 1)."""
    slack = TIE * np.abs(t)
    blank = np.where(np.isfinite(t), 0.0, np.nan)
    with np.errstate(invalid="ignore"):
        counts = [
            (drawn >= t - slack).sum(axis=0),
            (drawn <= t + slack).sum(axis=0),
            (np.abs(drawn) >= np.abs(t) - slack).sum(axis=0),
        ]
    greater, less, two_sided = ((1.0 + c) / (len(drawn) + 1.0) + blank for c in counts)
    return greater, less, two_sided


class PlaceboShift(SignificanceTest):
    """The mean SCAR among those of the same calendar shifted through the price table.

    A draw moves all events by one number of sessions, round the end of the table to its
    beginning, so that gaps, same-date blocks and firms stay; the model is refitted there. An
    event whose shifted window touches a true event of its series, or has too short an
    estimation window, leaves the draw; a draw that keeps fewer than half is not counted.

    A model that takes long is refitted for some shifts only. Where even that takes too many
    refits, event days are first rounded to sessions a step apart: gaps change, and a caveat
    says by how much.

    Draws with n events are compared by ``sum SCAR / sqrt(n (1 + (n - 1) r))``, r the mean
    cross-correlation of the window: a mean of fewer events varies more, by just that factor.
    Where no event leaves it is the rank of the mean. p = (1 + #) / (B + 1), two-sided twice
    the smaller tail. Without a forecast covariance the mean CAR takes the mean SCAR's place.

    Parameters
    ----------
    draws : int
        Most shifts that are used; all where there are no more.
    """

    name = "placebo"
    null = "the mean SCAR is like that of the same calendar at any other time"
    assumptions = (
        f"event dates and other dates, {ALL_PRICES}, alike but for the effect: event-induced "
        "variance counts as effect; shifts overlap, so that far fewer are independent than are "
        "counted"
    )
    source = "randomisation over time; Phipson and Smyth 2010"
    independent_events = False
    standardised = True
    no_value = "no value: no shift of the calendar leaves half of the events"

    def __init__(self, draws: int = DRAWS) -> None:
        self.draws = draws

    def undefined(self, sample: Facts) -> str:
        """Return why there is nothing to draw from, or an empty string."""
        found = super().undefined(sample)
        drawable = isinstance(sample, Sample) and sample.history
        return found or ("" if drawable else "undefined: no history to draw from")

    def verdict(self, sample: Sample, masks: Floats) -> Verdict:
        """Return the mean SCAR for each window with its rank among shifts."""
        history = _history(sample)
        scores = _scores(sample, history, masks)
        r = np.maximum(sample.mean_correlation(masks), 0.0)
        shifts = history.shifts(sample.positions, masks, sample.convention)
        own = comparable(scores.sum(axis=0), np.full(len(masks), float(len(sample))), r)
        drawn = comparable(shifts.total, shifts.left, r)
        counted = self._counted(sample, shifts.left)
        count = counted.sum(axis=0)
        blank = np.where(count > 0, 0.0, np.nan)
        greater = (1.0 + (counted & (drawn >= own)).sum(axis=0)) / (1.0 + count) + blank
        less = (1.0 + (counted & (drawn <= own)).sum(axis=0)) / (1.0 + count) + blank
        share = np.where(counted, shifts.left, 0.0).sum(axis=0) / np.maximum(count, 1)
        said = tuple(
            _described(int(c), float(s), history.everywhere)
            for c, s in zip(count, share / len(sample), strict=True)
        )
        return symmetric(scores.mean(axis=0) + blank, greater, less, said)

    def _counted(self, sample: Sample, left: Floats) -> Bools:
        """Return which shifts are draws, shape (P, W): none that loses more than half."""
        enough = 2.0 * left >= len(sample)
        enough[0] = False
        return chosen(enough, self.draws, sample.seed)

    def caveat(self, sample: Sample, mask: Floats) -> str:
        """Say where shifts are few, events leave them, or event dates vary more than others."""
        found = [super().caveat(sample, mask)]
        history = _history(sample)
        shifts = history.shifts(sample.positions, mask[None, :], sample.convention)
        counted = self._counted(sample, shifts.left)
        if 0 < counted.sum() < FEW_SHIFTS:
            found.append("few draws")
        if history.everywhere.rounded and sample.n_dates > 1:
            found.append(
                f"gaps between events change by up to {history.everywhere.step} sessions in the "
                "draws: the model is refitted at too few sessions to keep them"
            )
        if counted.any() and shifts.left[counted].mean() < LEFT_ENOUGH * len(sample):
            found.append("many events leave the draws, true events being near")
        usual = history.everywhere.spread(mask, sample.convention)[history.names]
        times = _scores(sample, history, mask[None, :]).std(ddof=1) / np.sqrt((usual**2).mean())
        if times > MUCH_WIDER:
            found.append(f"events vary {times:.1f} times as much as other dates: taken for effect")
        return "; ".join(filter(None, found))

    @property
    def _uses_covariance(self) -> bool:
        """Return False: without a covariance the mean CAR takes the mean SCAR's place."""
        return False


def _scores(sample: Sample, history: History, masks: Floats) -> Floats:
    """Return SCARs, or CARs where there is no forecast covariance, shape (N, W)."""
    plain = history.everywhere.covariance == "none"
    return sample.cars(masks)[0] if plain else sample.scars(masks)


def _history(sample: Sample) -> History:
    if sample.history is None:
        raise ValueError("the sample has no history to draw from")
    return sample.history()


def comparable(total: Floats, left: Floats, r: Floats) -> Floats:
    """Return sums over their standard deviation with n events, up to a constant.

    ``sum / sqrt(n (1 + (n - 1) r))``; NaN where no event is left.

    Parameters
    ----------
    total, left : ndarray, shape (..., W)
    r : ndarray, shape (W,)
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = total / np.sqrt(left * (1.0 + (left - 1.0) * r))
    return np.where(left > 0, found, np.nan)


def chosen(allowed: Bools, most: int, seed: int) -> Bools:
    """Return at most so many True of each column, drawn by one seeded order of the rows.

    Parameters
    ----------
    allowed : ndarray, shape (P, W), bool
    """
    if allowed.sum(axis=0).max(initial=0) <= most:
        return allowed
    order = np.random.default_rng(seed).permutation(len(allowed))
    found = np.zeros_like(allowed)
    found[order] = allowed[order] & (np.cumsum(allowed[order], axis=0) <= most)
    return found


def _described(count: int, share: float, everywhere: Everywhere) -> str:
    """Return what the draws are, for a reader."""
    if not count:
        return "undefined: no shift of the calendar leaves half of the events"
    said = [
        f"ranks among {count} of {everywhere.shifts - 1} shifts of the calendar, p no "
        f"smaller than {2 / (count + 1):.3g} ({1 / (count + 1):.3g} one-sided)",
        f"{share:.0%} of events left in a draw",
    ]
    if everywhere.step > 1:
        said.append(f"refitted for one shift in {everywhere.step}")
    if everywhere.covariance == "none":
        said.append("of the mean CAR: the model gives no forecast covariance")
    return "; ".join(said)
