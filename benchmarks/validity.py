"""The validity table of the tests against simulation on real prices.

Each test claims its size for some designs and not for others; the claims were fixed before
any simulation. This script draws random shares and sessions, counts rejections at 5%, and
writes docs/validity.md and docs/validity.csv. A claim that the simulation contradicts is
shown as contradicted.

    python benchmarks/validity.py --prices DIR [--samples 20000] [--resampling-samples 2000]
        [--jobs 2] [--seed 1985] [--out docs]

DIR holds daily prices of shares and of SPY, one CSV a ticker; funds are left out.
"""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

import eventstudy as es
from eventstudy.calibration import CalibrationResult, calibrate, standard_designs
from eventstudy.calibration.rates import HOLDS, OVER, UNDEFINED, UNDER
from eventstudy.models.contract import Progress, unwatched

PERIODS = {"2019-2021": ("2019-01-01", "2021-12-31"), "2022-2025": ("2022-01-01", "2025-12-31")}
WINDOWS = ((0, 0), (0, 4))
DESIGNS = {
    "staggered": "staggered, N=50",
    "one-date": "one date, N=15",
    "event-variance": "event-induced variance",
    "thin-trading": "thin trading",
}
APPROXIMATE = (0.035, 0.095)
"""A claim of `approximately` stands where the interval meets this."""

YES, NO, ABOUT, NONE, SILENT = "yes", "no", "approximately", "undefined", ""
_MEANS = (YES, NO, YES, YES)
_ALWAYS = (YES, YES, YES, YES)
CLAIMS = {
    "time_series": (YES, YES, NO, YES),
    "cross_sectional": _MEANS,
    "bmp": _MEANS,
    "grank_t": _MEANS,
    "wilcoxon": _MEANS,
    "cluster_bootstrap": _MEANS,
    "kolari_pynnonen": _ALWAYS,
    "placebo": _ALWAYS,
    "corrado": (YES, YES, NO, YES),
    "corrado_zivney": _ALWAYS,
    "patell": (ABOUT, NO, NO, NO),
    "patell_adjusted": (ABOUT, ABOUT, NO, NO),
    "sign": (YES, NO, YES, YES),
    "generalized_sign": (YES, NO, YES, NO),
    "date_clustered": (YES, NONE, YES, YES),
}
"""METHODS.md, "Where each test claims its size": in the order of DESIGNS."""

STANDS, CONTRADICTED, UNCLAIMED = "stands", "contradicted", "not claimed"
OPEN = "cannot say"


def claim_of(test: str, design: str) -> str:
    """Return what a test claims in a design; empty where nothing was fixed."""
    return dict(zip(DESIGNS, CLAIMS.get(test, (SILENT,) * len(DESIGNS)), strict=True))[design]


def outcome(claim: str, verdict: str, lo: float, hi: float) -> str:
    """Return what the simulation says of a claim."""
    if claim in (NO, SILENT):
        return UNCLAIMED
    if claim == NONE or verdict == UNDEFINED:
        return STANDS if (claim == NONE) == (verdict == UNDEFINED) else CONTRADICTED
    if claim == ABOUT and verdict in (HOLDS, OVER, UNDER):
        meets = lo <= APPROXIMATE[1] and hi >= APPROXIMATE[0]
        return STANDS if meets else CONTRADICTED
    return {HOLDS: STANDS, OVER: CONTRADICTED, UNDER: CONTRADICTED}.get(verdict, OPEN)


def simulate(
    prices: es.PriceTable,
    period: str,
    *,
    samples: int,
    resampling_samples: int,
    seed: int,
    jobs: int,
    tests: Sequence[str] | None = None,
    progress: Progress = unwatched,
) -> CalibrationResult:
    """Return the null rejection rates of one period; its windows lie before and in it."""
    first, last = PERIODS[period]
    return calibrate(
        prices,
        window=WINDOWS,
        designs=standard_designs(),
        effects=(0.0,),
        samples=samples,
        resampling_samples=resampling_samples,
        tests=tests,
        first=first,
        last=last,
        seed=seed,
        jobs=jobs,
        progress=progress,
    )


def table_of(results: dict[str, CalibrationResult]) -> pd.DataFrame:
    """Return every rate with its claim and outcome; claims are about two-sided tests."""
    parts = []
    for period, result in results.items():
        found = result.rates.drop(columns="effect")
        claims = [claim_of(t, d) for t, d in zip(found["test"], found["design"], strict=True)]
        found.insert(0, "period", period)
        found["claim"] = claims
        found["outcome"] = [
            outcome(claim, row.verdict, row.lo, row.hi) if row.side == "two-sided" else ""
            for claim, row in zip(claims, found.itertuples(), strict=True)
        ]
        parts.append(found)
    return pd.concat(parts, ignore_index=True)


def _discrete(attainable: float) -> bool:
    return abs(attainable - 0.05) > 5e-4


def cell(row: pd.Series) -> str:
    """Return one cell of the table in words."""
    if row["verdict"] == UNDEFINED:
        return "undefined" + (" as claimed" if row["outcome"] == STANDS else "")
    said = f"{100 * row['rate']:.1f}% [{100 * row['lo']:.1f}, {100 * row['hi']:.1f}]"
    if _discrete(row["attainable"]):
        said += f" of {100 * row['attainable']:.1f}%"
    if row["undefined"] > 0:
        said += f", {100 * row['undefined']:.1f}% without a value"
    word = {
        STANDS: "",
        CONTRADICTED: f" **contradicted: {row['verdict']}**",
        UNCLAIMED: f" ({'not claimed' if row['claim'] == NO else 'no claim'}: {row['verdict']})",
    }.get(row["outcome"], f" ({row['outcome']})")
    return said + word


def markdown(
    table: pd.DataFrame, results: dict[str, CalibrationResult], seed: int, today: str
) -> str:
    """Return the page: what was done, and a table for each period and window."""
    two = table[table["side"] == "two-sided"]
    claimed = two[~two["claim"].isin([NO, SILENT])]
    wrong = claimed[claimed["outcome"] == CONTRADICTED]
    standing = int((claimed["outcome"] == STANDS).sum())
    unsettled = len(claimed) - standing - len(wrong)
    config = next(iter(results.values())).config
    lines = [
        "# Where the tests hold their size",
        "",
        "Written by `benchmarks/validity.py`; do not edit. "
        f"{today}, seed {seed}, {config['samples']:,} samples a cell for tests in closed form, "
        f"{config['resampling_samples']:,} for `cluster_bootstrap` and `placebo`.",
        "",
        f"**{standing} of {len(claimed)} claimed cells stand, {len(wrong)} are contradicted"
        + (f", {unsettled} cannot be said with so few samples" if unsettled else "")
        + ".** The claims were fixed before the simulation and have not been changed since.",
        "",
        *_explained(config, results),
    ]
    for period in results:
        for window in dict.fromkeys(two["window"]):
            part = two[(two["period"] == period) & (two["window"] == window)]
            lines += [f"## {period}, window [{window}]", "", *_grid(part), ""]
    lines += ["## Contradicted cells", "", *_contradicted(wrong), ""]
    return "\n".join(lines)


def _explained(config: object, results: dict[str, CalibrationResult]) -> list[str]:
    spans = "; ".join(
        f"{period}: {r.config['securities']} shares, {r.config['sessions']} sessions 0 from "
        f"{r.config['first']} to {r.config['last']}"
        for period, r in results.items()
    )
    return [
        "Brown and Warner's (1985) design on daily returns of large listed technology shares "
        f"({spans}); market model on SPY, estimation window [-260, -11] with at least 100 "
        "sessions, nothing planted, so that every rejection is a false one.",
        "",
        "- Staggered: 50 random pairs of share and session, none twice. One date: 15 distinct "
        "shares on one random session.",
        "- Event-induced variance: staggered; to each event day is added a residual drawn from "
        "the share's own estimation window, centred and scaled to its residual variance, which "
        "doubles the variance and leaves the mean at zero.",
        "- Thin trading: staggered; on 30% of its sessions, at random, a share does not trade: "
        "its price is carried (a return of zero) and the next trade brings the whole return, "
        "before the model is fitted; drawn once for all samples.",
        "- A cell is the share of samples with p <= 5%, two-sided, and its exact 99% Monte "
        "Carlo interval in percent. A claim stands where that interval meets [3.5%, 6.5%]; a "
        "discrete test (`sign`, `generalized_sign`, `wilcoxon`) is judged against the size that "
        "it can attain, written as `of 3.3%`, times [0.7, 1.3]. A claim of `approximately` "
        "stands where the interval meets [3.5%, 9.5%].",
        "- The interval covers the drawing of samples, not other markets or years. With one "
        "common date the sessions of a period are all the dates there are, and every share has "
        "one sector: its rates are known far less well than their intervals say.",
        "",
    ]


def _grid(part: pd.DataFrame) -> list[str]:
    lines = [
        "| test | " + " | ".join(DESIGNS.values()) + " |",
        "|---" * (len(DESIGNS) + 1) + "|",
    ]
    for test in dict.fromkeys(part["test"]):
        rows = part[part["test"] == test].set_index("design")
        cells = " | ".join(cell(rows.loc[design]) for design in DESIGNS)
        lines.append(f"| `{test}` | {cells} |")
    return lines


def _contradicted(wrong: pd.DataFrame) -> list[str]:
    if wrong.empty:
        return ["None."]
    lines = []
    for _, row in wrong.iterrows():
        measured = "undefined"
        if np.isfinite(row["rate"]):
            measured = "{:.2f}% [{:.2f}, {:.2f}]".format(*(100 * row[["rate", "lo", "hi"]]))
        if _discrete(row["attainable"]):
            measured += f" against {100 * row['attainable']:.2f}% attainable"
        lines.append(
            f"- `{row['test']}`, {DESIGNS[row['design']]}, {row['period']}, window "
            f"[{row['window']}]: claimed {row['claim']}, measured {measured}."
        )
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prices", required=True)
    parser.add_argument("--samples", type=int, default=20_000)
    parser.add_argument("--resampling-samples", type=int, default=2_000)
    parser.add_argument("--jobs", type=int, default=-1)
    parser.add_argument("--seed", type=int, default=1985)
    parser.add_argument("--test", action="append", help="repeatable; default all")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1] / "docs")
    given = parser.parse_args(arguments)
    prices = es.load_prices(None, source=given.prices)
    results = {}
    for period in PERIODS:
        results[period] = simulate(
            prices, period, samples=given.samples, resampling_samples=given.resampling_samples,
            seed=given.seed, jobs=given.jobs, tests=given.test, progress=_told(period),
        )  # fmt: skip
        print(f"{period}: {results[period].seconds:.0f} s", flush=True)
    table = table_of(results)
    given.out.mkdir(parents=True, exist_ok=True)
    table.to_csv(given.out / "validity.csv", index=False, float_format="%.6g", lineterminator="\n")
    today = dt.datetime.now(dt.UTC).date().isoformat()
    page = markdown(table, results, given.seed, today)
    (given.out / "validity.md").write_text(page, encoding="utf-8")


def _told(period: str) -> Progress:
    """Print a line at every twentieth part."""
    last = [""]

    def tell(what: str, done: int, total: int) -> None:
        line = f"{period}: {what}: {20 * done // max(total, 1) * 5}%"
        if line != last[0]:
            print(line, flush=True)
        last[0] = line

    return tell


if __name__ == "__main__":
    main()
