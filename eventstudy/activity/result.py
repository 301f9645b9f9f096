"""What a study of volume or of variance returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.told import as_html, as_text

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.told import Told

KEYS = ["group", "alignment", "model", "window"]


@dataclass(frozen=True, eq=False)
class ActivityResult:
    """Abnormal volume, or the ratio of event variance to that of the estimation window.

    Attributes
    ----------
    what : {"volume", "variance"}
    windows : tuple of str
        The windows asked for; the tables hold every event day as well.
    alignments : tuple of str
        The last one leads.
    events : DataFrame
        A row an event, series, model and window: event_id, ticker, alignment, model, window,
        and of volume: abnormal (sum of abnormal log volume), multiple (volume over the
        expected one, geometric mean over the window), se, t, p_value (forecast error of
        independent sessions), p_sq, p_sq_greater (rank among sums of as many consecutive
        residuals, which keeps their autocorrelation), n_estimation, autocorrelation; of
        variance: ratio, p_value, p_greater, p_less (F), p_sq_greater, distribution,
        n_estimation.
    means : DataFrame
        group, alignment, model, window, n, n_dates, and of volume: mean_abnormal,
        median_abnormal, multiple, autocorrelation; of variance: mean_ratio, median_ratio,
        dispersion (cross-sectional variance of SCARs over its expectation).
    tests : DataFrame
        The columns of a study's tests.
    dropped : DataFrame
        event_id, ticker, reason, detail.
    notes : tuple of str
    """

    what: str
    windows: tuple[str, ...]
    alignments: tuple[str, ...]
    events: pd.DataFrame
    means: pd.DataFrame
    tests: pd.DataFrame
    dropped: pd.DataFrame
    notes: tuple[str, ...]

    def summary_frame(self) -> pd.DataFrame:
        """Return means and p-values by group, for the windows asked for.

        The p-values of volume are two-sided; those of variance, ``p_..._greater``, are of
        the upper tail: the question is whether variance rises.
        """
        means = self.means[self.means["window"].isin(self.windows)]
        value = "p_value" if self.what == "volume" else "p_greater"
        suffix = "" if self.what == "volume" else "_greater"
        wide = self.tests.pivot_table(
            index=KEYS, columns="test", values=value, sort=False, dropna=False
        )
        wide.columns = [f"p_{name}{suffix}" for name in wide.columns]
        return means.merge(wide.reset_index(), on=KEYS, how="left")

    def summary(self) -> str:
        """Return the summary as text, under the alignment that leads."""
        return as_text(self._told())

    def _told(self) -> Told:
        frame = self.summary_frame()
        frame = frame[frame["alignment"] == self.alignments[-1]].drop(columns="alignment")
        head = {
            "volume": "Abnormal log volume: what was traded over what was to be expected",
            "variance": "Variance of event days over that of the estimation window",
        }[self.what]
        lines: list[str | pd.DataFrame] = [f"{head}; alignment {self.alignments[-1]}", ""]
        lines.append(_table(frame) if len(frame) else "(no group)")
        if len(self.dropped):
            left = len(self.dropped)
            lines.append(f"{left} rows left out, each with its reason in dropped.")
        return [*lines, "", *self.notes]

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        events = self.events["event_id"].nunique()
        return f"ActivityResult({self.what}, {events} events, {len(self.dropped)} dropped)"

    def _repr_html_(self) -> str:
        return as_html(self._told())


def _table(frame: pd.DataFrame) -> pd.DataFrame:
    shown = frame.copy()
    for name in shown.columns:
        if name.startswith("p_"):
            shown[name] = [_worded(p) for p in shown[name]]
        elif shown[name].dtype.kind == "f":
            shown[name] = ["-" if np.isnan(x) else f"{x:.2f}" for x in shown[name]]
    return shown


def _worded(p: float) -> str:
    if np.isnan(p):
        return "-"
    return "<0.001" if p < 0.001 else f"{p:.3f}"
