"""What a calibration returns: rates, verdicts, and which tests to use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.calibration.attainable import SIDES
from eventstudy.calibration.design import Design
from eventstudy.calibration.experiment import Counts, Question
from eventstudy.calibration.rates import HOLDS, OFTEN, UNSURE, exact_interval, size_verdict
from eventstudy.told import as_html, as_text
from eventstudy.windows import Window, window_name

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.told import Told

COLUMNS = (
    "design", "effect", "window", "test", "side", "samples", "undefined", "rate", "lo", "hi",
    "attainable", "verdict",
)  # fmt: skip
RANKED_AT = 0.01
"""Tests that hold their size are ranked by their power at the effect nearest to this."""


@dataclass(frozen=True, eq=False)
class CalibrationResult:
    """Size and power of tests on one's own prices.

    Attributes
    ----------
    rates : DataFrame
        One row a design, effect, window, test and side: ``samples`` drawn, the share of them
        in which the test is ``undefined``, the rejection ``rate`` at 5% among the others,
        its exact 99% Monte Carlo interval ``lo`` to ``hi``, the level ``attainable`` for a
        discrete test, and, where nothing is planted, the ``verdict``. Effects are decimals.
    designs : tuple of Design
    windows : tuple of (int, int)
    tests : tuple of str
    config : mapping
        What was asked, plain values.
    notes : tuple of str
    seconds : float
        Wall time.
    """

    rates: pd.DataFrame
    designs: tuple[Design, ...]
    windows: tuple[Window, ...]
    tests: tuple[str, ...]
    config: Mapping[str, object]
    notes: tuple[str, ...]
    seconds: float

    @property
    def recommended(self) -> tuple[str, ...]:
        """Tests that hold their size in every design and window, the most powerful first."""
        return self.recommended_for(*self._names)

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(design.name for design in self.designs)

    def recommended_for(self, *designs: str) -> tuple[str, ...]:
        """Return the tests that hold their size in these designs, the most powerful first.

        Two-sided; in every window asked for. Power is that at the planted effect nearest to
        1%, averaged over these designs and windows.
        """
        two, null = self._two_sided(designs)
        holding = null.assign(holds=null["verdict"] == HOLDS).groupby("test")["holds"].all()
        planted = two[(two["effect"] == self.ranked_at) & (two["effect"] != 0.0)]
        power = planted.groupby("test")["rate"].mean()
        kept = [name for name in self.tests if bool(holding.get(name, False))]
        return tuple(sorted(kept, key=lambda name: -float(power.get(name, 0.0))))

    def cannot_say(self, *designs: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the tests that fail in no design and window and are not known to hold in all.

        Returns
        -------
        few, undefined : tuple of str
            Those that more samples would settle, and those without a value in more than half of
            the samples somewhere.
        """
        _, null = self._two_sided(designs)
        open_ = null["verdict"] == UNSURE
        settled = null.loc[~open_ & (null["verdict"] != HOLDS), "test"]
        often = set(null.loc[open_ & (null["undefined"] > OFTEN), "test"])
        names = [t for t in self.tests if t in set(null.loc[open_, "test"]) - set(settled)]
        return (
            tuple(name for name in names if name not in often),
            tuple(name for name in names if name in often),
        )

    def _two_sided(self, designs: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the two-sided rates of some designs, and those without an effect."""
        two = self.rates[(self.rates["side"] == SIDES[0]) & self.rates["design"].isin(designs)]
        return two, two[two["effect"] == 0.0]

    @property
    def ranked_at(self) -> float:
        """The planted effect at which tests are ranked; 0 where none was planted."""
        effects = np.unique(self.rates["effect"])
        planted = effects[effects != 0.0]
        if not len(planted):
            return 0.0
        return float(planted[np.argmin(np.abs(planted - RANKED_AT))])

    def summary_frame(self) -> pd.DataFrame:
        """Return one row a design, window and test: size, interval, verdict and power.

        ``power_<effect>`` stands for each planted effect in percent; all two-sided.
        """
        keys = ["design", "window", "test"]
        two = self.rates[self.rates["side"] == SIDES[0]]
        null = two[two["effect"] == 0.0].drop(columns=["side", "effect"])
        for effect in sorted(set(two["effect"]) - {0.0}):
            power = two[two["effect"] == effect][[*keys, "rate"]]
            null = null.merge(
                power.rename(columns={"rate": f"power_{100 * effect:g}%"}), on=keys, how="left"
            )
        return null.reset_index(drop=True)

    def summary(self) -> str:
        """Return the summary as text."""
        return as_text(self._told())

    def _told(self) -> Told:
        from eventstudy.calibration.wording import told

        return told(self)

    def manifest(self) -> dict[str, object]:
        """Return what is needed to run the calibration again."""
        from eventstudy.provenance import versions

        return {
            **self.config,
            "designs": {design.name: design.what for design in self.designs},
            "tests": list(self.tests),
            "recommended": list(self.recommended),
            "cannot_say": [name for part in self.cannot_say(*self._names) for name in part],
            "notes": list(self.notes),
            "versions": versions(),
        }

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        names = ", ".join(design.name for design in self.designs)
        return f"CalibrationResult({len(self.tests)} tests; designs {names})"

    def _repr_html_(self) -> str:
        return as_html(self._told())


def rates_frame(
    designs: Sequence[Design],
    counts: Sequence[Counts],
    question: Question,
    windows: Sequence[Window],
) -> pd.DataFrame:
    """Return the rates of counts in the columns of `CalibrationResult.rates`."""
    import pandas as pd

    rows = [
        row
        for design, found in zip(designs, counts, strict=True)
        for row in _rows(design, found, question, windows)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _rows(
    design: Design, found: Counts, question: Question, windows: Sequence[Window]
) -> list[tuple[object, ...]]:
    lo, hi = exact_interval(found.rejected, found.defined[..., None])
    rows: list[tuple[object, ...]] = []
    for e, effect in enumerate(question.effects):
        for w, window in enumerate(windows):
            for t, test in enumerate(question.tests):
                drawn, defined = int(found.drawn[t]), int(found.defined[e, w, t])
                missing = 1.0 - defined / drawn
                for s, side in enumerate(SIDES):
                    rate = found.rejected[e, w, t, s] / defined if defined else np.nan
                    level = float(found.attainable[t, s]) / drawn
                    ends = float(lo[e, w, t, s]), float(hi[e, w, t, s])
                    verdict = size_verdict(*ends, level, missing) if e == 0 else ""
                    rows.append((
                        design.name, effect, window_name(window), test.name, side, drawn,
                        missing, rate, *ends, level, verdict,
                    ))  # fmt: skip
    return rows
