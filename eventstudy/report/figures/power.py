"""What the tests can do: how often they cry wolf, and what this sample could have found."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eventstudy.report.figures.contract import Choice, Figure, Spec, with_variants
from eventstudy.report.figures.style import (
    BLUE,
    DASHES,
    GREEN,
    GRID,
    ORANGE,
    PURPLE,
    SYMBOLS,
    VERMILLION,
    axis,
    layout,
    percents,
    safe,
    shade,
)
from eventstudy.report.frames import records, rows_where
from eventstudy.report.lead import headline_alignment, lead_groups, model_names, window_names
from eventstudy.report.numbers import percent, window_text

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.calibration import CalibrationResult
    from eventstudy.study import StudyResult

LEVEL = 0.05
ROOM = (0.035, 0.065)
"""Sizes that are called right: the nominal 5% within 30%, as in docs/validity.md."""
MOST_SHOWN = 0.42
"""Where the axis of rejection rates ends."""
SURE = 20.0
"""Standard errors beyond which a test of three events or more misses nothing."""
ONE_SIDED = 6.0
"""Standard errors beyond which a test finds the wrong side less than once in 10^9."""
LOOKS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE)


def validity_file() -> Path:
    """Return the measured sizes that ship with the project, installed or in its repository."""
    package = Path(__file__).resolve().parents[2]
    packaged = package / "bundle" / "validity.csv"
    return packaged if packaged.is_file() else package.parent / "docs" / "validity.csv"


@lru_cache(maxsize=1)
def measured_sizes() -> pd.DataFrame:
    """Return rejection rates of true nulls by period, design, window and test; decimals."""
    import pandas as pd

    frame = pd.read_csv(validity_file())
    return frame[frame["side"] == "two-sided"]


def size_figure(study: StudyResult, calibration: CalibrationResult | None = None) -> Figure | None:
    """Return how often each test of the study rejects where nothing happened.

    Rates of the calibration that is given, else of the table that ships with the project;
    None where neither knows one of the tests.
    """
    tests = [test.name for test in study.tests_asked]
    if calibration is None:
        rates, source = measured_sizes(), "Measured on large technology shares: docs/validity.csv."
        periods = list(dict.fromkeys(rates["period"]))[::-1]
    else:
        rates = calibration.rates
        rates = rates[(rates["side"] == "two-sided") & (rates["effect"] == 0.0)]
        rates, periods = rates.assign(period="own prices"), ["own prices"]
        source = "Measured on the prices of this study by its own calibration."
    rates = rates[rates["test"].isin(tests)]
    if rates.empty:
        return None
    windows = list(dict.fromkeys(rates["window"]))
    parts = {
        f"{period}|{window}": rows_where(rates, period=period, window=window)
        for period in periods
        for window in windows
    }
    start = f"{periods[0]}|{windows[0]}"
    return with_variants(
        "size",
        "How often each test rejects where nothing happened",
        "Share of samples without any effect in which a two-sided 5% test rejects, with its 99% "
        "Monte Carlo interval, by what the samples were like. Grey: 3.5% to 6.5%, about what is "
        f"asked for; a mark to the right of it rejects too often. {source}",
        f"{periods[0]}, {window_text(windows[0])}: {_size_words(parts[start])}.",
        (
            Choice("Period", tuple((p, p) for p in periods)),
            Choice("Window", tuple((w, window_text(w)) for w in windows)),
        ),
        {key: _size_spec(part, tests) for key, part in parts.items()},
        start,
    )


def _size_words(part: pd.DataFrame) -> str:
    said = []
    for design, rows in part.groupby("design", sort=False):
        known = rows[np.isfinite(rows["rate"])]
        often = known[known["lo"] > ROOM[1]]["test"].tolist()
        named = f" ({', '.join(often)})" if often else ""
        said.append(f"{design}: {len(often)} of {len(known)} tests reject too often{named}")
    return "; ".join(said)


def _size_spec(part: pd.DataFrame, tests: list[str]) -> Spec:
    data: list[Spec] = []
    designs = list(dict.fromkeys(part["design"]))
    known = set(part["test"])
    shown = [test for test in tests if test in known]
    for k, design in enumerate(designs):
        rows = part[(part["design"] == design) & np.isfinite(part["rate"])]
        colour, name = LOOKS[k % len(LOOKS)], safe(str(design).replace("-", " "))
        shift = (k - (len(designs) - 1) / 2) * 0.17
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": name,
                "x": percents(np.minimum(rows["rate"], MOST_SHOWN)),
                "y": [round(shown.index(test) + shift, 3) for test in rows["test"]],
                "marker": {"color": colour, "size": 8, "symbol": SYMBOLS[k % len(SYMBOLS)]},
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": percents(rows["hi"] - rows["rate"]),
                    "arrayminus": percents(rows["rate"] - rows["lo"]),
                    "color": colour,
                    "thickness": 1.4,
                    "width": 0,
                },
                "customdata": [
                    [safe(r["test"]), *percents([r["rate"], r["lo"], r["hi"]]), r["verdict"]]
                    for r in records(rows)
                ],
                "hovertemplate": f"<b>%{{customdata[0]}}</b>, {name}<br>%{{customdata[1]:.1f}}% "
                "[%{customdata[2]:.1f}%, %{customdata[3]:.1f}%] %{customdata[4]}<extra></extra>",
            }
        )
    shape = layout(
        axis("rejections at 5%", ticksuffix="%", range=[0, 100 * MOST_SHOWN + 1], side="top"),
        axis(
            "", tickvals=list(range(len(shown))), ticktext=shown, zeroline=False, showgrid=False,
            range=[len(shown) - 0.4, -0.6],
        ),
        height=150 + 34 * len(shown),
    )  # fmt: skip
    shape["legend"] |= {"y": 0.0, "yanchor": "top"}
    shape["shapes"] = [
        {"type": "rect", "xref": "x", "yref": "paper", "x0": 100 * ROOM[0], "x1": 100 * ROOM[1],
         "y0": 0, "y1": 1, "fillcolor": GRID, "line": {"width": 0}, "layer": "below"},
    ]  # fmt: skip
    return {"data": data, "layout": shape}


def power_of(effect: npt.NDArray[np.float64], se: float, dof: float) -> npt.NDArray[np.float64]:
    """Return the probability that a two-sided 5% t test finds a true mean.

    Parameters
    ----------
    effect : ndarray, shape (k,)
        True means, decimals.
    se : float
        Standard error of the estimated mean.
    dof : float

    Returns
    -------
    ndarray, shape (k,)
        By the noncentral t distribution.
    """
    from scipy.special import nctdtr, stdtrit

    edge = stdtrit(dof, 1.0 - LEVEL / 2)
    away = np.minimum(np.abs(np.asarray(effect, dtype=float)) / se, SURE)
    # Beyond some standard errors scipy has no digits of the wrong side, not even a zero.
    wrong = np.where(away < ONE_SIDED, nctdtr(dof, np.minimum(away, ONE_SIDED), -edge), 0.0)
    found: npt.NDArray[np.float64] = 1.0 - nctdtr(dof, away, edge) + wrong
    return found


def power_figure(study: StudyResult) -> Figure | None:
    """Return, for the groups that lead, the chance to find a true mean CAR by its size."""
    effects = rows_where(
        study.effects, model=model_names(study)[0], alignment=headline_alignment(study)
    )
    effects = effects[(effects["n"] >= 3) & (effects["se"] > 0)]
    windows = [w for w in window_names(study) if (effects["window"] == w).any()]
    if not windows:
        return None
    found = {w: _power_rows(effects[effects["window"] == w], study) for w in windows}
    found = {w: rows for w, rows in found.items() if rows}
    if not found:
        return None
    start = next(iter(found))
    words = "; ".join(f"{r['group']} (n {r['n']}) {_power_words(r)}" for r in found[start])
    return with_variants(
        "power",
        "What this sample could have found",
        "Probability that a two-sided 5% t test over the events finds a true mean CAR of a given "
        "size, with the standard error that the sample had. Dotted: 80%.",
        f"{window_text(start).capitalize()}: {words}.",
        (Choice("Window", tuple((w, window_text(w)) for w in found)),),
        {w: _power_spec(rows) for w, rows in found.items()},
        start,
    )


def _power_rows(rows: pd.DataFrame, study: StudyResult) -> list[dict[str, object]]:
    known = {r["group"]: r for r in records(rows)}
    return [known[name] for name in lead_groups(study) if name in known][:5]


def _power_words(row: dict[str, object]) -> str:
    se, dof = float(str(row["se"])), int(str(row["n"])) - 1
    chances = power_of(np.array([0.01, 0.02, 0.05]), se, dof)
    told = ", ".join(
        f"{percent(size, 0, signed=False)} with {percent(float(chance), 0, signed=False)}"
        for size, chance in zip((0.01, 0.02, 0.05), chances, strict=True)
    )
    return f"finds {told}"


def _power_spec(rows: list[dict[str, object]]) -> Spec:
    reach = 1.6 * float(np.median([float(str(r["mde"])) for r in rows]))
    grid = np.linspace(0.0, reach, 61)
    data: list[Spec] = []
    for i, row in enumerate(rows):
        colour = LOOKS[i % len(LOOKS)]
        text = safe(f"{row['group']} (n {row['n']})")
        chance = power_of(grid, float(str(row["se"])), int(str(row["n"])) - 1)
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": text,
                "x": percents(grid),
                "y": percents(chance),
                "line": {"color": colour, "width": 2.2, "dash": DASHES[i % len(DASHES)]},
                "hovertemplate": f"{text} %{{y:.0f}}%<extra></extra>",
            }
        )
    shape = layout(
        axis("true mean CAR, either sign", ticksuffix="%", rangemode="tozero"),
        axis("found with probability", ticksuffix="%", range=[0, 102]),
        height=360,
        hovermode="x unified",
    )
    shape["shapes"] = [
        {"type": "line", "xref": "paper", "yref": "y", "x0": 0, "x1": 1, "y0": 80, "y1": 80,
         "line": {"color": shade(BLUE, 0.45), "width": 1.2, "dash": "dot"}},
    ]  # fmt: skip
    return {"data": data, "layout": shape}
