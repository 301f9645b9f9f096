"""The contract of a test over events: one base class validates and owns the algorithm."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from eventstudy.significance.sample import Sample

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A statistic with its tail probabilities, one a window.

    Attributes
    ----------
    statistic, greater, less, two_sided : ndarray, shape (W,)
        Upper tail, lower tail and two-sided probability under the null.
    distribution : str or tuple of str, length W
        Reference distribution with its degrees of freedom; one a window where they differ.
    """

    statistic: Floats
    greater: Floats
    less: Floats
    two_sided: Floats
    distribution: str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Significance:
    """What a test says of a sample.

    Attributes
    ----------
    name, null, assumptions : str
    verdict : Verdict
    n, n_dates : ndarray, shape (W,), int
        Events that have every day of the window, and their dates.
    caveats : tuple of str, length W
        Where an assumption visibly fails in this window; empty where none does.
    """

    name: str
    null: str
    assumptions: str
    verdict: Verdict
    n: Ints
    n_dates: Ints
    caveats: tuple[str, ...]


class Facts(Protocol):
    """How many events there are, and when: what doubts about a test rest on."""

    def __len__(self) -> int:
        """Return the number of events."""
        ...

    @property
    def n_dates(self) -> int:
        """Distinct sessions 0."""
        ...

    @property
    def smallest_gap(self) -> float:
        """Sessions between the two nearest of them."""
        ...

    @property
    def covariance(self) -> str:
        """What the covariance of forecast errors is."""
        ...

    @property
    def least_dof(self) -> int:
        """Smallest M_i - d."""
        ...


NO_VALUE = "no value: the events do not vary, or 1 + (N - 1) r is not positive"


class SignificanceTest(ABC):
    """A test of the mean abnormal return of a sample, for many windows at once.

    A subclass states its name, null, assumptions and source, and its mathematics in
    `verdict`; this class checks the sample and says where assumptions visibly fail.

    Attributes
    ----------
    fewest, fewest_dates : int
        Events and dates below which there is no statistic.
    comfortable : int
        Events below which a caveat says how few there are.
    few : str
        What it does with so few, for that caveat; empty where there is nothing to add.
    independent_events : bool
        Whether it needs events to be independent of each other.
    independent_days : bool
        Whether it needs event days to be independent over time.
    standardised : bool
        Whether it uses SCARs, so that the convention matters.
    needs_covariance : bool
        Whether it uses the covariance of forecast errors otherwise.
    no_value : str
        Why a window may be left without a number.
    """

    name: ClassVar[str]
    null: ClassVar[str] = "the mean abnormal return is zero"
    assumptions: ClassVar[str]
    source: ClassVar[str]
    fewest: ClassVar[int] = 2
    fewest_dates: ClassVar[int] = 1
    comfortable: ClassVar[int] = 10
    few: ClassVar[str] = ""
    independent_events: ClassVar[bool] = True
    independent_days: ClassVar[bool] = False
    standardised: ClassVar[bool] = False
    needs_covariance: ClassVar[bool] = False
    no_value: ClassVar[str] = NO_VALUE

    @abstractmethod
    def verdict(self, sample: Sample, masks: Floats) -> Verdict:
        """Return statistic and tails for windows given as masks, shape (W, L).

        The sample has every day of these windows; other days may be missing.
        """

    def evaluate(self, sample: Sample, masks: Floats) -> Significance:
        """Test a sample over windows.

        Parameters
        ----------
        sample : Sample
            An event with a missing day leaves the windows that hold it, which then have a
            smaller n and say so.
        masks : ndarray, shape (W, L)
            One indicator row a window over the days of the hull.

        Returns
        -------
        Significance
            Without a number, and saying so, where the sample is too small for the test.
        """
        parts = [
            (windows, self._on(part, masks[windows], len(sample) - len(part)), part)
            for windows, part in sample.complete(masks)
        ]
        verdict, caveats = _joined([(windows, found) for windows, found, _ in parts], len(masks))
        n, n_dates = (np.zeros(len(masks), dtype=np.int64) for _ in range(2))
        for windows, _, part in parts:
            n[windows], n_dates[windows] = len(part), part.n_dates
        return Significance(self.name, self.null, self.assumptions, verdict, n, n_dates, caveats)

    def _on(self, sample: Sample, masks: Floats, left: int) -> tuple[Verdict, tuple[str, ...]]:
        """Return verdict and caveats of windows that the whole sample has; `left` are out."""
        out = f"{_counted(left, 'event')} left out: a day of this window is missing" if left else ""
        reason = self.undefined(sample)
        if reason:
            return undefined(len(masks), reason), (out,) * len(masks)
        verdict = self.verdict(sample, masks)
        valued = np.isfinite(verdict.statistic)
        said = [
            "; ".join(filter(None, (out, self.caveat(sample, mask), "" if has else self.no_value)))
            for mask, has in zip(masks, valued, strict=True)
        ]
        return verdict, tuple(said)

    def undefined(self, sample: Facts) -> str:
        """Return why the test has no value for this sample, or an empty string."""
        if len(sample) < self.fewest:
            return f"undefined: {_counted(len(sample), 'event')}, at least {self.fewest} needed"
        if sample.n_dates < self.fewest_dates:
            dates = _counted(sample.n_dates, "date")
            return f"undefined: {dates}, at least {self.fewest_dates} needed"
        if self._uses_covariance and sample.covariance == "none":
            return "undefined: the model gives no forecast covariance"
        return ""

    def caveat(self, sample: Sample, mask: Floats) -> str:
        """Return which assumptions visibly fail in one window, or an empty string."""
        return self.doubts(sample, float(mask.sum()))

    def doubts(self, sample: Facts, length: float) -> str:
        """Return what number and dates of the events say against the test.

        Parameters
        ----------
        sample : Facts
        length : float
            Sessions of the window.
        """
        found = []
        if len(sample) < self.comfortable:
            found.append(f"only {_counted(len(sample), 'event')}{self.few}")
        overlapping = sample.smallest_gap < length
        if self.independent_events:
            if sample.n_dates < len(sample):
                found.append(
                    f"takes {len(sample)} events as independent, but they fall on "
                    f"{_counted(sample.n_dates, 'date')}"
                )
            elif overlapping:
                found.append("takes events as independent, but windows overlap")
        elif self.independent_days and overlapping:
            found.append("takes event days as independent over time, but windows overlap")
        if self._uses_covariance and sample.covariance == "approximate":
            found.append("the model's forecast covariance is approximate")
        return "; ".join(found)

    @property
    def _uses_covariance(self) -> bool:
        return self.standardised or self.needs_covariance


class SpreadTest(SignificanceTest):
    """A test that divides by a spread across events as if that were known.

    Ranks and normal tails take no account of the error of the spread. With independent normal
    returns and M = 250 such tests reject, at nominal 5%, about 10% to 12% of samples of 5
    events, 8% of 10 and 6% of 20: below 10 events they print no number.
    """

    fewest = 10
    comfortable = 20
    few = ", whose spread is itself estimated: it rejects too often"


def undefined(count: int, reason: str) -> Verdict:
    """Return a verdict without numbers that says why."""
    blank = np.full(count, np.nan)
    return Verdict(blank, blank, blank, blank, reason)


def symmetric(
    statistic: Floats, greater: Floats, less: Floats, distribution: str | tuple[str, ...]
) -> Verdict:
    """Return a verdict whose two-sided probability is twice the smaller tail, at most 1."""
    two_sided = np.minimum(1.0, 2.0 * np.minimum(greater, less))
    return Verdict(statistic, greater, less, two_sided, distribution)


def normal(z: Floats) -> Verdict:
    """Return the tails of standard normal statistics."""
    from scipy.special import ndtr

    return symmetric(z, ndtr(-z), ndtr(z), "N(0,1)")


def student(t: Floats, dof: int | Ints) -> Verdict:
    """Return the tails of t statistics.

    Parameters
    ----------
    t : ndarray, shape (..., W)
    dof : int or ndarray that broadcasts against `t`
        The distribution is named for one number, and for one a window.
    """
    from scipy.special import stdtr

    greater, less = (np.asarray(stdtr(dof, x), dtype=np.float64) for x in (-t, t))
    many = np.atleast_1d(dof)
    named = one_or_each([f"t({d})" for d in many]) if many.ndim == 1 else "t"
    return symmetric(t, greater, less, named)


def one_or_each(names: Sequence[str]) -> str | tuple[str, ...]:
    """Return the names of W windows, or one name where all are the same."""
    return names[0] if len(set(names)) == 1 else tuple(names)


def _joined(
    parts: list[tuple[Ints, tuple[Verdict, tuple[str, ...]]]], count: int
) -> tuple[Verdict, tuple[str, ...]]:
    """Put the verdicts of sets of windows together in the order of the windows."""
    if len(parts) == 1:
        return parts[0][1]
    statistic, greater, less, two_sided = (np.full(count, np.nan) for _ in range(4))
    distributions, caveats = [""] * count, [""] * count
    for windows, (verdict, said) in parts:
        statistic[windows], two_sided[windows] = verdict.statistic, verdict.two_sided
        greater[windows], less[windows] = verdict.greater, verdict.less
        text = verdict.distribution
        for k, window in enumerate(windows):
            distributions[window] = text if isinstance(text, str) else text[k]
            caveats[window] = said[k]
    shown = one_or_each(distributions)
    return Verdict(statistic, greater, less, two_sided, shown), tuple(caveats)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
