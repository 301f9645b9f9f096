"""What a long-run study returns."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from eventstudy.longrun.config import OVERLAPS, LongRunConfig
from eventstudy.longrun.tables import kinds_of
from eventstudy.told import as_html, as_text
from eventstudy.windows import window_name

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.told import Told

KEYS = ["group", "alignment", "horizon", "against"]
SHORT = {
    "t": "p_t",
    "skewness_adjusted_t": "p_skewness_adjusted",
    "bootstrapped_skewness_adjusted_t": "p_bootstrapped",
}


@dataclass(frozen=True, eq=False)
class LongRunResult:
    """Performance over the months after events.

    Attributes
    ----------
    config : LongRunConfig
    alignments : tuple of str
        The alignments in use; the last one leads.
    bhar : DataFrame
        A row an event, alignment, horizon and yardstick: event_id, ticker, kind, alignment,
        horizon, against (the benchmark's ticker or ``matched``), date (session 0), start, end,
        bh_return, bh_expected, bhar (simple returns over the horizon), controls, overlapping
        (other horizons of the same firm that share sessions with this one).
    tests : DataFrame
        That the mean BHAR is zero: group, alignment, horizon, against, test, statistic,
        p_value, p_greater, p_less, n, n_dates, distribution, caveat.
    calendar_time : DataFrame
        group, alignment, horizon, weights, model, alpha (per session), se, statistic, p_value,
        p_greater, p_less, n (sessions), n_events, n_firms, mean_firms, least_firms,
        most_firms, lags, r2, loadings, distribution, caveat.
    portfolios : DataFrame
        group, alignment, horizon, weights, date, return (simple, not in excess), firms.
    dropped : DataFrame
        event_id, ticker, part (``bhar`` or ``calendar_time``), horizon, reason, detail.
    span : (datetime64[D], datetime64[D])
        First and last session.
    source : str
        Of the prices.
    """

    config: LongRunConfig
    alignments: tuple[str, ...]
    bhar: pd.DataFrame
    tests: pd.DataFrame
    calendar_time: pd.DataFrame
    portfolios: pd.DataFrame
    dropped: pd.DataFrame
    span: tuple[np.datetime64, np.datetime64]
    source: str

    @cached_property
    def means(self) -> pd.DataFrame:
        """Mean, median, spread and skewness of BHARs by group, horizon and yardstick.

        Columns: group, alignment, horizon, against, n, n_dates, mean_bhar, median_bhar, sd
        (ddof 1), skewness (mean cubed deviation over sd^3), positive (share), overlapping
        (events that overlap another horizon of their firm).
        """
        import pandas as pd

        grouped = ["alignment", "horizon", "against"]
        parts = []
        for keys, found in self.bhar.groupby(grouped, sort=False):
            parts += [
                {
                    "group": name,
                    **dict(zip(grouped, keys, strict=True)),
                    **_moments(found.iloc[rows]),
                }
                for name, rows in kinds_of(found["kind"]).items()
            ]
        return pd.DataFrame(parts)

    def summary_frame(self) -> pd.DataFrame:
        """Return means, the p-values of their tests, and the calendar-time alpha beside them.

        The alpha is per session, that of the first weights asked for; one for each group and
        horizon, whatever the yardstick of the BHAR.
        """
        wide = self.tests.pivot_table(
            index=KEYS, columns="test", values="p_value", sort=False, dropna=False
        ).rename(columns=SHORT)
        found = self.means.merge(wide.reset_index(), on=KEYS, how="left")
        first = self.calendar_time[self.calendar_time["weights"] == self.config.weights[0]]
        alpha = first[[*KEYS[:3], "alpha", "p_value"]].rename(columns={"p_value": "p_alpha"})
        return found.merge(alpha, on=KEYS[:3], how="left")

    def summary(self) -> str:
        """Return the summary as text, under the alignment that leads."""
        return as_text(self._told())

    def _told(self) -> Told:
        return [*self.asked(), "", _table(self._leading()), "", *self.cautions()]

    def manifest(self) -> dict[str, object]:
        """Return what was asked, in plain values."""
        return {"long_run": self.config.as_dict()}

    def _leading(self) -> pd.DataFrame:
        frame = self.summary_frame()
        return frame[frame["alignment"] == self.alignments[-1]].drop(columns="alignment")

    def asked(self) -> list[str]:
        """Return what was asked, in a few lines."""
        c = self.config
        horizons = ", ".join(f"[{window_name(w)}]" for w in c.horizons)
        lines = [
            f"Long-run performance, horizons {horizons} sessions, benchmark {c.benchmark}, "
            f"alignment {self.alignments[-1]}",
            f"Prices: {self.source}, {self.span[0]} to {self.span[1]}",
        ]
        lines.append(
            f"Horizons of one firm that share sessions ({c.overlap}): {OVERLAPS[c.overlap]}; "
            "calendar time holds a firm once whatever the rule"
        )
        if c.matches:
            bought = (
                "bought once (mean of compounded returns)"
                if c.rebalance == "never"
                else "rebalanced each session (compounded mean return)"
            )
            who = (
                f"{c.neighbours} nearest of {len(c.candidates)} candidates on "
                f"{', '.join(c.match_on)} before the event"
                if c.candidates
                else "named firms"
            )
            lines.append(f"Matched portfolio: {who}, {bought}")
        return lines

    def cautions(self) -> list[str]:
        """Return the alphas in words, and what strains the tests."""
        lead = self.alignments[-1]
        rows = self.calendar_time[
            (self.calendar_time["alignment"] == lead) & (self.calendar_time["group"] == "all")
        ]
        lines = [_alpha_line(row) for row in rows.to_dict("records")]
        tests = self.tests[(self.tests["alignment"] == lead) & (self.tests["group"] == "all")]
        doubts = tests[tests["caveat"] != ""].drop_duplicates(["horizon", "caveat"])
        for row in doubts.to_dict("records"):
            lines.append(f"Tests of BHARs, horizon {row['horizon']}: {row['caveat']}.")
        if len(self.alignments) > 1:
            lines.append("Some events have an uncertain session 0: run both ways.")
        if len(self.dropped):
            lines.append(
                f"{len(self.dropped)} rows left out, each with its reason in dropped (in a run's "
                "files: bhar_dropped). Firms "
                "without prices to the end of a horizon are among them: their BHAR is unknown, "
                "and the mean leans towards survivors."
            )
        return lines

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        events = self.bhar["event_id"].nunique()
        return f"LongRunResult({events} events, {len(self.dropped)} dropped)"

    def _repr_html_(self) -> str:
        return as_html(self._told())


def _moments(rows: pd.DataFrame) -> dict[str, float]:
    values = rows["bhar"].to_numpy()
    apart = values - values.mean()
    sd = values.std(ddof=1) if len(values) > 1 else np.nan
    return {
        "n": len(values),
        "n_dates": rows["date"].nunique(),
        "mean_bhar": values.mean(),
        "median_bhar": float(np.median(values)),
        "sd": sd,
        "skewness": (apart**3).mean() / sd**3 if len(values) > 2 and sd > 0 else np.nan,
        "positive": float((values > 0).mean()),
        "overlapping": int((rows["overlapping"] > 0).sum()),
    }


def _alpha_line(row: Mapping[Hashable, Any]) -> str:
    """Return one calendar-time portfolio in words."""
    head = f"Calendar time, horizon {row['horizon']}, {row['weights']} weights on {row['model']}: "
    if np.isnan(row["alpha"]):
        return f"{head}{row['distribution']}"
    return (
        f"{head}alpha {_percent(row['alpha'])} a session, t {row['statistic']:.2f}, "
        f"p {row['p_value']:.3f}; {row['n']} sessions, {row['mean_firms']:.1f} firms on average, "
        f"Newey-West with {row['lags']} lags" + (f"; {row['caveat']}" if row["caveat"] else "")
    )


def _percent(x: float) -> str:
    return "-" if np.isnan(x) else f"{100 * x:+.4f}%"


def _table(frame: pd.DataFrame) -> pd.DataFrame:
    shown = frame.copy()
    for name in ("mean_bhar", "median_bhar", "sd"):
        shown[name] = [
            "-" if np.isnan(x) else f"{100 * x:{'' if name == 'sd' else '+'}.2f}%"
            for x in shown[name]
        ]
    shown["alpha"] = [_percent(x) for x in shown["alpha"]]
    shown["skewness"] = ["-" if np.isnan(x) else f"{x:.2f}" for x in shown["skewness"]]
    shown["positive"] = [f"{x:.0%}" for x in shown["positive"]]
    for name in [column for column in shown.columns if column.startswith("p_")]:
        shown[name] = [_worded(p) for p in shown[name]]
    return shown


def _worded(p: float) -> str:
    if np.isnan(p):
        return "-"
    return "<0.001" if p < 0.001 else f"{p:.3f}"
