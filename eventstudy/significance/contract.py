"""The contract of a test over events: one base class validates and owns the algorithm."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from eventstudy.significance.sample import Sample

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A statistic with its tail probabilities, one a window.

    Attributes
    ----------
    statistic, greater, less, two_sided : ndarray, shape (W,)
        Upper tail, lower tail and two-sided probability under the null.
    distribution : str
        Reference distribution with its degrees of freedom.
    """

    statistic: Floats
    greater: Floats
    less: Floats
    two_sided: Floats
    distribution: str


@dataclass(frozen=True, slots=True)
class Significance:
    """What a test says of a sample.

    Attributes
    ----------
    name, null, assumptions : str
    verdict : Verdict
    n, n_dates : int
    caveats : tuple of str, length W
        Where an assumption visibly fails in this window; empty where none does.
    """

    name: str
    null: str
    assumptions: str
    verdict: Verdict
    n: int
    n_dates: int
    caveats: tuple[str, ...]


NO_VALUE = "no value: the events do not vary, or 1 + (N - 1) r is not positive"


class SignificanceTest(ABC):
    """A test of the mean abnormal return of a sample, for many windows at once.

    A subclass states its name, null, assumptions and source, and its mathematics in
    `verdict`; this class checks the sample and says where assumptions visibly fail.
    """

    name: ClassVar[str]
    null: ClassVar[str] = "the mean abnormal return is zero"
    assumptions: ClassVar[str]
    source: ClassVar[str]
    fewest: ClassVar[int] = 2
    fewest_dates: ClassVar[int] = 1
    comfortable: ClassVar[int] = 10
    independent_events: ClassVar[bool] = True
    independent_days: ClassVar[bool] = False
    standardised: ClassVar[bool] = False

    @abstractmethod
    def verdict(self, sample: Sample, masks: Floats) -> Verdict:
        """Return statistic and tails for windows given as masks, shape (W, L)."""

    def evaluate(self, sample: Sample, masks: Floats) -> Significance:
        """Test a sample over windows.

        Parameters
        ----------
        sample : Sample
        masks : ndarray, shape (W, L)
            One indicator row a window over the days of the hull.

        Returns
        -------
        Significance
            Without a number, and saying so, where the sample is too small for the test.
        """
        reason = self.undefined(sample)
        if reason:
            verdict = undefined(len(masks), reason)
            caveats: tuple[str, ...] = ("",) * len(masks)
        else:
            verdict = self.verdict(sample, masks)
            caveats = tuple(
                "; ".join(filter(None, (self.caveat(sample, mask), "" if valued else NO_VALUE)))
                for mask, valued in zip(masks, np.isfinite(verdict.statistic), strict=True)
            )
        return Significance(
            self.name, self.null, self.assumptions, verdict, len(sample), sample.n_dates, caveats
        )

    def undefined(self, sample: Sample) -> str:
        """Return why the test has no value for this sample, or an empty string."""
        if len(sample) < self.fewest:
            return f"undefined: {_counted(len(sample), 'event')}, at least {self.fewest} needed"
        if sample.n_dates < self.fewest_dates:
            dates = _counted(sample.n_dates, "date")
            return f"undefined: {dates}, at least {self.fewest_dates} needed"
        return ""

    def caveat(self, sample: Sample, mask: Floats) -> str:
        """Return which assumptions visibly fail in one window, or an empty string."""
        found = []
        if len(sample) < self.comfortable:
            found.append(f"only {_counted(len(sample), 'event')}")
        if self.independent_events:
            if sample.n_dates < len(sample):
                found.append(
                    f"takes {len(sample)} events as independent, but they fall on "
                    f"{_counted(sample.n_dates, 'date')}"
                )
            elif _overlapping(sample, int(mask.sum())):
                found.append("takes events as independent, but windows overlap")
        elif self.independent_days and _overlapping(sample, int(mask.sum())):
            found.append("takes event days as independent over time, but windows overlap")
        return "; ".join(found)


def undefined(count: int, reason: str) -> Verdict:
    """Return a verdict without numbers that says why."""
    blank = np.full(count, np.nan)
    return Verdict(blank, blank, blank, blank, reason)


def symmetric(statistic: Floats, greater: Floats, less: Floats, distribution: str) -> Verdict:
    """Return a verdict whose two-sided probability is twice the smaller tail, at most 1."""
    two_sided = np.minimum(1.0, 2.0 * np.minimum(greater, less))
    return Verdict(statistic, greater, less, two_sided, distribution)


def normal(z: Floats) -> Verdict:
    """Return the tails of standard normal statistics."""
    from scipy.special import ndtr

    return symmetric(z, ndtr(-z), ndtr(z), "N(0,1)")


def student(t: Floats, dof: int | npt.NDArray[np.int64]) -> Verdict:
    """Return the tails of t statistics; `dof` is one number or broadcasts against `t`."""
    from scipy.special import stdtr

    greater, less = (np.asarray(stdtr(dof, x), dtype=np.float64) for x in (-t, t))
    return symmetric(t, greater, less, f"t({dof})" if np.ndim(dof) == 0 else "t")


def _overlapping(sample: Sample, length: int) -> bool:
    """Return whether two windows of this length share a session."""
    gaps = np.diff(np.unique(sample.positions))
    return bool((gaps < length).any())


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
