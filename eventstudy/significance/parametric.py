"""Parametric tests over events: plain, standardised, and adjusted for dependence."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eventstudy.significance.contract import (
    Facts,
    SignificanceTest,
    Verdict,
    normal,
    student,
    undefined,
)
from eventstudy.significance.sample import NO_SPREAD, Sample

Floats = npt.NDArray[np.float64]

NOT_POSITIVE = "undefined: 1 + (N - 1) r is not positive"


class TimeSeries(SignificanceTest):
    """CAAR / (sqrt(L) s_AAR), s_AAR from the estimation-window series of mean residuals.

    The "crude dependence adjustment": cross-correlation is in s_AAR; t with M - 1 degrees
    of freedom. A session's mean is over the events that have a residual there.
    """

    name = "time_series"
    assumptions = (
        "variance in the event window equals that of the estimation window; "
        "daily mean abnormal returns are independent over time"
    )
    source = "Brown and Warner 1980, 1985"
    independent_events = False
    independent_days = True

    def verdict(self, sample: Sample, masks: Floats) -> Verdict:
        """Return t for each window."""
        present = np.isfinite(sample.residuals)
        count = present.sum(axis=0)
        total = np.where(present, sample.residuals, 0.0).sum(axis=0)
        aar = total[count > 0] / count[count > 0]
        caar = sample.cars(masks)[0].mean(axis=0)
        t = caar / (np.sqrt(masks.sum(axis=1)) * aar.std(ddof=1))
        return student(t, len(aar) - 1)


class CrossSectional(SignificanceTest):
    """CAAR / (s_CAR / sqrt(N)), t with N - 1 degrees of freedom."""

    name = "cross_sectional"
    assumptions = "CARs are independent across events, of one variance, near normal or many"
    source = "Brown and Warner 1985"

    def verdict(self, sample: Sample, masks: Floats) -> Verdict:
        """Return t for each window."""
        return student(mean_t(sample.cars(masks)[0]), len(sample) - 1)


class Patell(SignificanceTest):
    """sum SCAR_i / sqrt(sum (M_i - d) / (M_i - d - 2)), standard normal."""

    name = "patell"
    assumptions = "no event-induced variance; abnormal returns normal and independent across events"
    source = "Patell 1976"
    standardised = True

    def undefined(self, sample: Facts) -> str:
        """Say where the variance of a t variable with M - d degrees of freedom is infinite."""
        few = "undefined: an event has M - d of 2 or fewer"
        return super().undefined(sample) or (few if sample.least_dof <= 2 else "")

    def verdict(self, sample: Sample, masks: Floats) -> Verdict:
        """Return z for each window."""
        return normal(_patell_z(sample, masks))


class PatellAdjusted(Patell):
    """patell / sqrt(1 + (N - 1) r), r the mean cross-correlation of the window."""

    name = "patell_adjusted"
    assumptions = (
        "no event-induced variance; abnormal returns normal; cross-correlation of event days "
        "equals that of estimation residuals on shared sessions"
    )
    source = "Kolari and Pynnonen 2010; Kolari, Pape and Pynnonen 2018"
    independent_events = False

    def verdict(self, sample: Sample, masks: Floats) -> Verdict:
        """Return z for each window; NaN where 1 + (N - 1) r is not positive."""
        inflation = inflated(sample.mean_correlation(masks), len(sample))
        if (inflation <= 0).all():
            return undefined(len(masks), NOT_POSITIVE)
        return normal(_patell_z(sample, masks) / np.sqrt(positive(inflation)))


class Bmp(SignificanceTest):
    """mean SCAR / (s_SCAR / sqrt(N)), t with N - 1 degrees of freedom."""

    name = "bmp"
    assumptions = "standardised CARs independent across events; event-induced variance allowed"
    source = "Boehmer, Musumeci and Poulsen 1991"
    standardised = True

    def verdict(self, sample: Sample, masks: Floats) -> Verdict:
        """Return t for each window."""
        return student(mean_t(sample.scars(masks)), len(sample) - 1)


class KolariPynnonen(SignificanceTest):
    """bmp x sqrt((1 - r) / (1 + (N - 1) r)), r the mean cross-correlation of the window."""

    name = "kolari_pynnonen"
    assumptions = (
        "cross-correlation of event days equals that of estimation residuals on shared "
        "sessions; event-induced variance allowed"
    )
    source = "Kolari and Pynnonen 2010; Kolari, Pape and Pynnonen 2018"
    independent_events = False
    standardised = True

    def verdict(self, sample: Sample, masks: Floats) -> Verdict:
        """Return t for each window; NaN where 1 + (N - 1) r is not positive."""
        r = sample.mean_correlation(masks)
        inflation = inflated(r, len(sample))
        if (inflation <= 0).all():
            return undefined(len(masks), NOT_POSITIVE)
        return student(mean_t(sample.scars(masks)) * kolari_scale(r, len(sample)), len(sample) - 1)


class DateClustered(SignificanceTest):
    """One mean SCAR a date, t over G dates with G - 1 degrees of freedom."""

    name = "date_clustered"
    assumptions = "dates are independent; any dependence within a date"
    source = "Fama and MacBeth 1973, by event date"
    independent_events = False
    standardised = True
    fewest_dates = 2

    def verdict(self, sample: Sample, masks: Floats) -> Verdict:
        """Return t for each window."""
        _, date = np.unique(sample.positions, return_inverse=True)
        counts = np.bincount(date)
        sums = np.zeros((len(counts), len(masks)))
        np.add.at(sums, date, sample.scars(masks))
        return student(mean_t(sums / counts[:, None]), len(counts) - 1)

    def doubts(self, sample: Facts, length: float) -> str:
        """Say where dates are few or their windows overlap."""
        found = [super().doubts(sample, length)]
        if sample.n_dates < self.comfortable <= len(sample):
            found.append(f"only {sample.n_dates} dates")
        if sample.smallest_gap < length:
            found.append("takes dates as independent, but windows overlap")
        return "; ".join(filter(None, found))


def _patell_z(sample: Sample, masks: Floats) -> Floats:
    variance = (sample.dof / (sample.dof - 2.0)).sum()
    found: Floats = sample.scars(masks).sum(axis=0) / np.sqrt(variance)
    return found


def inflated(r: Floats, n: int) -> Floats:
    """Return 1 + (N - 1) r, by which correlation multiplies the variance of a mean."""
    found: Floats = 1.0 + (n - 1) * r
    return found


def positive(inflation: Floats) -> Floats:
    """Return the inflation where it is positive, else NaN."""
    return np.where(inflation > 0, inflation, np.nan)


def kolari_scale(r: Floats, n: int) -> Floats:
    """Return sqrt((1 - r) / (1 + (N - 1) r)); NaN where the denominator is not positive."""
    return np.sqrt((1.0 - r) / positive(inflated(r, n)))


def mean_t(values: Floats) -> Floats:
    """Return mean / (s / sqrt(N)) of each column of an (N, W) array.

    NaN where the rows are equal but for rounding: coinciding events on one series are one
    observation, and its spread says nothing.
    """
    mean: Floats = values.mean(axis=0)
    error: Floats = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    size = np.sqrt((values**2).mean(axis=0))
    return mean / np.where(error > NO_SPREAD * size, error, np.nan)
