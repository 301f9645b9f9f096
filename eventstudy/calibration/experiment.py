"""Counting rejections: batches of samples, spread over workers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventstudy.calibration.attainable import LEVEL, SIDES, attainable_levels
from eventstudy.calibration.design import Design
from eventstudy.calibration.draws import Drawer
from eventstudy.calibration.world import World
from eventstudy.models.contract import Progress
from eventstudy.significance import Sample, SignificanceTest
from eventstudy.windows import Window
from eventstudy.workers import crew

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BATCH = 100
"""Samples that a worker draws before it reports."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of every sample.

    Attributes
    ----------
    tests : tuple of SignificanceTest, length T
    effects : tuple of float, length E
        Decimals; the first is 0.
    masks : ndarray, shape (W, L)
    days : tuple of int, length W
        Event day on which an effect is planted for each window; see `planting_day`.
    samples, resampling_samples : int
        Samples of tests in closed form, and of tests that resample.
    convention : str
    seed : int
    """

    tests: tuple[SignificanceTest, ...]
    effects: tuple[float, ...]
    masks: Floats
    days: tuple[int, ...]
    samples: int
    resampling_samples: int
    convention: str
    seed: int

    def wanted(self, test: SignificanceTest) -> int:
        """Return how many samples a test is asked about."""
        return self.resampling_samples if resamples(test) else self.samples

    def planted(self, effect: float) -> list[tuple[int, Ints]]:
        """Return (event day, windows) of each sample that an effect asks for."""
        if effect == 0.0:
            return [(0, np.arange(len(self.masks)))]
        days = np.array(self.days)
        return [(int(day), np.flatnonzero(days == day)) for day in np.unique(days)]

    @property
    def longest(self) -> int:
        """How many samples are drawn."""
        return max(self.wanted(test) for test in self.tests)


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the samples of one design.

    Attributes
    ----------
    drawn : ndarray, shape (T,), int
    defined : ndarray, shape (E, W, T), int
        Samples in which a test has a value.
    rejected : ndarray, shape (E, W, T, 3), int
        Rejections at 5%: two-sided, greater, less.
    attainable : ndarray, shape (T, 3)
        Sums over samples of the level that a test can attain.
    """

    drawn: Ints
    defined: Ints
    rejected: Ints
    attainable: Floats

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.drawn + other.drawn,
            self.defined + other.defined,
            self.rejected + other.rejected,
            self.attainable + other.attainable,
        )


def planting_day(window: Window) -> int:
    """Return session 0 where a window holds it, else the window's first day."""
    return 0 if window[0] <= 0 <= window[1] else window[0]


def resamples(test: SignificanceTest) -> bool:
    """Return whether a test draws its reference distribution."""
    return bool(getattr(test, "resamples", False) or hasattr(test, "draws"))


def nothing(question: Question) -> Counts:
    """Return counts before the first sample."""
    e, w, t = len(question.effects), len(question.masks), len(question.tests)
    return Counts(
        np.zeros(t, dtype=np.int64),
        np.zeros((e, w, t), dtype=np.int64),
        np.zeros((e, w, t, len(SIDES)), dtype=np.int64),
        np.zeros((t, len(SIDES))),
    )


def count(world: World, design: Design, question: Question, indices: Sequence[int]) -> Counts:
    """Draw samples and count the rejections of every test, effect, window and side."""
    drawer = Drawer(world, design, question.convention, question.seed)
    found = nothing(question)
    for index in indices:
        draw = drawer.draw(index)
        asked = [t for t, test in enumerate(question.tests) if index < question.wanted(test)]
        for e, effect in enumerate(question.effects):
            for day, windows in question.planted(effect):
                sample = draw.sample(effect, day)
                for t in asked:
                    p = _p_values(question.tests[t], sample, question.masks[windows])
                    valued = np.isfinite(p[:, 0])
                    found.defined[e, windows, t] += valued
                    found.rejected[e, windows, t] += valued[:, None] & (p <= LEVEL)
                    if e == 0:
                        found.drawn[t] += 1
                        name, masks = question.tests[t].name, question.masks[windows]
                        found.attainable[t] += attainable_levels(name, sample, masks)
    return found


def _p_values(test: SignificanceTest, sample: Sample, masks: Floats) -> Floats:
    """Return p-values, shape (W, 3)."""
    verdict = test.evaluate(sample, masks).verdict
    return np.stack([verdict.two_sided, verdict.greater, verdict.less], axis=1)


@dataclass(frozen=True, eq=False)
class Experiment:
    """What every worker holds.

    Attributes
    ----------
    worlds : tuple of World
        The one that each design draws from; several designs may share one.
    designs : tuple of Design, of the same length
    question : Question
    """

    worlds: tuple[World, ...]
    designs: tuple[Design, ...]
    question: Question


def counted(experiment: Experiment, task: tuple[int, range]) -> Counts:
    """Count rejections in some samples of one design, as a worker does."""
    k, indices = task
    return count(experiment.worlds[k], experiment.designs[k], experiment.question, indices)


def run_experiments(
    worlds: Sequence[World],
    designs: Sequence[Design],
    question: Question,
    jobs: int,
    progress: Progress,
    cluster: str | None = None,
) -> list[Counts]:
    """Return the counts of each design, the same for any number of workers.

    Parameters
    ----------
    worlds, designs : sequences of one length
        Each design with the world that it draws from.
    question : Question
    jobs : int
        Processes; 1 stays in this one.
    progress : callable
        Told how many samples are done and how many there are.
    cluster : str, optional
        Address of a Dask cluster, instead of processes of this machine.
    """
    batches = [
        (k, range(begin, min(begin + BATCH, question.longest)))
        for k in range(len(designs))
        for begin in range(0, question.longest, BATCH)
    ]
    total, done = question.longest * len(designs), 0
    found = [nothing(question) for _ in designs]
    experiment = Experiment(tuple(worlds), tuple(designs), question)
    if cluster is not None:
        progress(f"asking the Dask scheduler at {cluster}", 0, total)
    with crew(experiment, cluster=cluster, jobs=min(jobs, len(batches))) as hands:
        progress("drawing samples", 0, total)
        # In order: the order of a sum changes its last digits.
        for index, counts in hands.run(counted, batches, ordered=True, word="batch"):
            k, indices = batches[index]
            found[k] = found[k] + counts
            done += len(indices)
            progress("drawing samples", done, total)
    return found
