"""Tests over events from sums: the formulas of `eventstudy.significance`, any number of events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from eventstudy.significance import TESTS, Significance, SignificanceTest, Verdict
from eventstudy.significance.contract import normal, one_or_each, student, symmetric, undefined
from eventstudy.significance.corrado import over_root, rank_z
from eventstudy.significance.grank import rank_t
from eventstudy.significance.parametric import NOT_POSITIVE, inflated, kolari_scale, positive
from eventstudy.significance.rank import Sign, sign_z, zeros_said
from eventstudy.significance.skewness import hall_z, skewed_t
from eventstudy.streaming.pairs import mean_correlations, shares
from eventstudy.streaming.portfolio import Portfolios
from eventstudy.streaming.second import RankSums
from eventstudy.streaming.sums import FirstSums

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Totals:
    """All sums over one group of events under one model.

    Attributes
    ----------
    first : FirstSums
    ranks : RankSums or None
        None where no rank test was asked for.
    signed : tuple of (W+, upper tail, lower tail, distribution), length W, or None
        Signed ranks of each window.
    masks : ndarray, shape (W, L)
    n_params : int
        d.
    """

    first: FirstSums
    ranks: RankSums | None
    signed: tuple[tuple[float, float, float, str], ...] | None
    masks: Floats
    n_params: int

    covariance: str = "exact"

    def __len__(self) -> int:
        return self.first.n

    @property
    def n_dates(self) -> int:
        """Distinct sessions 0."""
        return len(self.first.positions)

    @cached_property
    def smallest_gap(self) -> float:
        """Sessions between the two nearest of them; inf where there is one."""
        gaps = np.diff(self.first.positions)
        return float(gaps.min()) if len(gaps) else np.inf

    @property
    def least_dof(self) -> int:
        """Smallest M_i - d."""
        return self.first.least_dof

    @property
    def lengths(self) -> Floats:
        """Sessions of each window, shape (W,)."""
        found: Floats = self.masks.sum(axis=1)
        return found

    @cached_property
    def r(self) -> Floats:
        """Mean cross-correlation of each window, shape (W,)."""
        return self.correlation(self.lengths)

    def correlation(self, lengths: Floats) -> Floats:
        """Return the mean cross-correlation of windows of these lengths."""
        return mean_correlations(self.first.pairs, len(self), lengths)

    @cached_property
    def portfolios(self) -> Portfolios:
        """Standardised portfolios by calendar session."""
        return Portfolios(self.first, self.masks, self.n_params)

    def scored(self) -> RankSums:
        """Return the sums of ranks."""
        if self.ranks is None:
            raise ValueError("the sums hold no ranks")
        return self.ranks


def time_series(total: Totals) -> Verdict:
    """CAAR / (sqrt(L) s_AAR)."""
    first = total.first
    used = first.residual_count > 0
    aar = first.residual_sum[used] / first.residual_count[used]
    t = first.car.mean / (np.sqrt(total.lengths) * aar.std(ddof=1))
    return student(t, len(aar) - 1)


def cross_sectional(total: Totals) -> Verdict:
    """CAAR / (s_CAR / sqrt(N))."""
    car = total.first.car
    return student(car.mean / car.deviation * np.sqrt(car.n), car.n - 1)


def skewness_adjusted(total: Totals) -> Verdict:
    """Johnson's t."""
    return student(skewed_t(*_skewness(total), len(total)), len(total) - 1)


def hall(total: Totals) -> Verdict:
    """Hall's z."""
    return normal(hall_z(*_skewness(total), len(total)))


def _skewness(total: Totals) -> tuple[Floats, Floats]:
    car = total.first.car
    return car.mean / car.deviation, car.third / car.n / car.deviation**3


def patell(total: Totals) -> Verdict:
    """Sum of SCARs over the root of the sum of their variances."""
    return normal(total.first.scar.total / np.sqrt(total.first.patell))


def patell_adjusted(total: Totals) -> Verdict:
    """`patell` with cross-correlation."""
    inflation = inflated(total.r, len(total))
    if (inflation <= 0).all():
        return undefined(len(total.masks), NOT_POSITIVE)
    z = total.first.scar.total / np.sqrt(total.first.patell)
    return normal(z / np.sqrt(positive(inflation)))


def bmp(total: Totals) -> Verdict:
    """Mean SCAR over its standard error."""
    return student(_bmp_t(total), len(total) - 1)


def kolari_pynnonen(total: Totals) -> Verdict:
    """`bmp` with cross-correlation."""
    if (inflated(total.r, len(total)) <= 0).all():
        return undefined(len(total.masks), NOT_POSITIVE)
    return student(_bmp_t(total) * kolari_scale(total.r, len(total)), len(total) - 1)


def _bmp_t(total: Totals) -> Floats:
    scar = total.first.scar
    found: Floats = scar.mean / scar.deviation * np.sqrt(scar.n)
    return found


def date_clustered(total: Totals) -> Verdict:
    """One mean SCAR a date."""
    first = total.first
    means = first.date_scar / first.number[:, None]
    return student(_mean_t(means), total.n_dates - 1)


def _mean_t(values: Floats) -> Floats:
    from eventstudy.significance.parametric import mean_t

    return mean_t(values)


def calendar_portfolio(total: Totals) -> Verdict:
    """Mean standardised portfolio return over calendar sessions."""
    series = total.portfolios.standardised
    t = np.array([_mean_t(z[:, None])[0] if len(z) > 1 else np.nan for z in series])
    return student(t, np.array([max(len(z) - 1, 1) for z in series]))


def sign(total: Totals) -> Verdict:
    """Exact binomial."""
    return Sign.of_counts(total.first.positive, len(total) - total.first.zero)


def generalized_sign(total: Totals) -> Verdict:
    """Positive CARs against the share of positive residuals."""
    p = total.first.share_positive / len(total)
    return normal(sign_z(total.first.positive, len(total), p))


def wilcoxon(total: Totals) -> Verdict:
    """Signed ranks."""
    tails = total.signed or ()
    w, greater, less = (np.array([tail[k] for tail in tails]) for k in range(3))
    return symmetric(w, greater, less, one_or_each([tail[3] for tail in tails]))


def corrado(total: Totals) -> Verdict:
    """Mean ranks of event days."""
    return _pooled(total, "corrado")


def corrado_zivney(total: Totals) -> Verdict:
    """Mean ranks of re-standardised event days."""
    return _pooled(total, "corrado_zivney")


def _pooled(total: Totals, name: str) -> Verdict:
    ranks = total.scored()
    days = np.full(total.masks.shape[1], float(ranks.n))
    count = np.concatenate([ranks.count, days])
    return normal(rank_z(over_root(ranks.scores[name], count), total.masks))


def grank_t(total: Totals) -> Verdict:
    """Mean rank of SCARs among residuals."""
    ranks = total.scored()
    count = np.append(ranks.count, float(ranks.n))
    spread = total.first.scar.deviation
    rows = [
        rank_t(row, count) if known else np.nan
        for row, known in zip(ranks.single, np.isfinite(spread), strict=True)
    ]
    return student(np.array(rows), int((ranks.count > 0).sum()) + 1 - 2)


def grank_z(total: Totals) -> Verdict:
    """Mean rank of SCARs, over the deviation that ranks have."""
    ranks = total.scored()
    known = np.isfinite(total.first.scar.deviation)
    own = np.where(known, ranks.single[:, -1], np.nan)
    return normal(own / np.sqrt(ranks.single_variance))


def cumrank(total: Totals) -> Verdict:
    """Cumulated ranks, their correlation over shared sessions in the variance."""
    ranks = total.scored()
    kinds, which = np.unique(total.lengths, return_inverse=True)
    together = (shares(kinds, len(ranks.pairs)) * ranks.pairs.T).sum(axis=1)
    covered = (ranks.cumulated + 2.0 * together)[which]
    days = ranks.scores["cumrank"][-total.masks.shape[1] :]
    known = np.isfinite(days)
    sums = total.masks @ np.where(known, days, 0.0)
    sums = np.where(total.masks @ ~known > 0, np.nan, sums)
    return normal(sums / np.sqrt(np.where(covered > 0, covered, np.nan)))


STREAMED: Mapping[str, Callable[[Totals], Verdict]] = MappingProxyType(
    {
        found.__name__: found
        for found in (
            time_series, cross_sectional, skewness_adjusted, hall, patell, patell_adjusted, bmp,
            kolari_pynnonen, date_clustered, calendar_portfolio, sign, generalized_sign, wilcoxon,
            corrado, corrado_zivney, grank_t, grank_z, cumrank,
        )
    }
)  # fmt: skip
"""The closed-form tests, by the names of `eventstudy.significance.TESTS`."""


def evaluate(name: str, total: Totals) -> Significance:
    """Test the events over every window; see `SignificanceTest.evaluate`."""
    test = TESTS[name]
    count = len(total.masks)
    n, dates = (np.full(count, x, dtype=np.int64) for x in (len(total), total.n_dates))
    reason = test.undefined(total)
    if reason:
        verdict, caveats = undefined(count, reason), ("",) * count
    else:
        verdict = STREAMED[name](total)
        caveats = tuple(_caveat(test, total, w, verdict) for w in range(count))
    return Significance(name, test.null, test.assumptions, verdict, n, dates, caveats)


def _caveat(test: SignificanceTest, total: Totals, w: int, verdict: Verdict) -> str:
    said = [test.doubts(total, float(total.lengths[w]))]
    if test.name in ("sign", "wilcoxon"):
        said.insert(0, zeros_said(int(total.first.zero[w])))
    if test.name == "calendar_portfolio":
        said += total.portfolios.doubts(w, test.comfortable)
    if not np.isfinite(verdict.statistic[w]):
        said.append(test.no_value)
    return "; ".join(filter(None, said))
