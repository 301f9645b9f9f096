"""The whole pipeline on made inputs, twice: as they are, and with the rows after t changed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from lookahead_changes import CHANGES, changed
from lookahead_dates import (
    FAR,
    Dated,
    Difference,
    activity_tables,
    backtest_tables,
    calendar_table,
    differences,
    streamed_tables,
    study_tables,
)
from lookahead_inputs import COUNT, SESSIONS, Inputs, make_inputs

import eventstudy as es
from eventstudy.activity import ActivityResult, abnormal_volume, variance_ratio
from eventstudy.errors import EventStudyError, StudyError
from eventstudy.models import find_model
from eventstudy.models.contract import needs_of, recipe_of

LINEAR = (
    "market", "mean", "market-adjusted", "capm", "ff3", "carhart", "ff5", "ff5-mom",
    "factors:mkt_rf,smb", "adjusted:INTC", "adjusted:@GPU", "industry:QCOM", "industry:@ASIC",
)  # fmt: skip
OTHERS = ("comparison-mean", "dimson", "dimson:2", "scholes-williams", "robust")
SLOW = ("garch", "egarch", "synthetic-control", "elastic-net")
MODELS = (*LINEAR, *OTHERS, *SLOW)
STRATEGIES: tuple[str, ...] = (
    "asic-gpu-rotation:hold=4",
    "asic-gpu-rotation:hold=3,sizing=volatility",
    "asic-gpu-rotation:hold=6,sizing=beta-neutral,size_of=equity",
    "post-event-drift:k=0.2,hold=5,estimation=60,gap=3,min_estimation=40",
    "post-event-drift:k=0.2,hold=3,estimation=60,gap=3,min_estimation=40,leg_stop=0.03",
    "overreaction-reversal:k=0.1,hold=4,stop_loss=0.02",
    "capex-momentum:hold=4,participation=0.05",
    "pre-event-run-up",
    "buy-and-hold",
    "buy-and-hold:held=@GPU",
)
EXACT = 0.0
SUMMED = 1e-12
"""Relative: what products of matrices may differ by when the table has other columns or rows."""
ENGINES = 1e-9
"""Relative: a later bar or limit may send a run from the vectorised engine to Cerebro."""
TOLERANCES = {"calendar": EXACT, "orders decided": EXACT, "closes": EXACT}


@dataclass(frozen=True)
class Asked:
    """What is asked of the pipeline."""

    models: Sequence[Any] = ("market",)
    tests: Sequence[str] | None = ("bmp", "corrado")
    overlap: str = "keep"
    excludes: str = "none"
    returns: str = "simple"
    calendar: str = "XNYS"
    strategies: Sequence[Any] = ()
    engine: str = "cerebro"
    study: bool = True
    streamed: bool = True
    observed: Sequence[str] = ("@ASIC", "@GPU", "@ASIC-@GPU", "@ASIC-@GPU:ex")

    def models_that_go(self) -> list[Any]:
        """Return the models that go with the other settings."""
        found = [m if not isinstance(m, str) else find_model(m) for m in self.models]
        if self.returns == "log":
            found = [m for m in found if not needs_of(m).factors]
        if self.overlap == "joint":
            found = [m for m in found if recipe_of(m) is not None]
        return found or [find_model("market")]


@dataclass
class Report:
    """What one pair of runs showed.

    Attributes
    ----------
    compared : dict of str to int
        Numbers dated t or earlier, by table.
    differing : list of Difference
    inexact : dict of str to int
        Of those compared, how many differ in their last bits, by table.
    """

    compared: dict[str, int] = field(default_factory=dict)
    differing: list[Difference] = field(default_factory=list)
    inexact: dict[str, int] = field(default_factory=dict)


def tables_of(inputs: Inputs, asked: Asked, t: pd.Timestamp) -> dict[str, Dated]:
    """Run the pipeline from files and return its tables by name."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        inputs.write(folder)
        return {table.name: table for table in _tables(folder, asked, t)}


def _tables(folder: Path, asked: Asked, t: pd.Timestamp) -> Iterator[Dated]:
    prices = es.load_prices(source=folder / "prices", calendar=asked.calendar)
    factors = es.load_factors(folder / "factors.csv", units="decimal")
    events = es.read_events(
        folder / "events.csv", calendar=asked.calendar, prices=prices,
        benchmark="SPY" if asked.calendar == "prices" else None,
    )  # fmt: skip
    yield calendar_table(events, t)
    if asked.study:
        yield from _studied(events, prices, factors, folder, asked)
    if asked.strategies:
        yield from _traded(events, prices, asked, t)


def _studied(
    events: es.EventCalendar,
    prices: es.PriceTable,
    factors: es.FactorTable,
    folder: Path,
    asked: Asked,
) -> Iterator[Dated]:
    options: dict[str, Any] = {
        "benchmark": "SPY", "window": [(0, 0), (-1, 2), (0, 4)], "estimation": 70, "gap": 3,
        "min_estimation": 60, "overlap": asked.overlap, "estimation_excludes": asked.excludes,
        "returns": asked.returns, "factors": factors,
    }  # fmt: skip
    models = asked.models_that_go()
    try:
        study = es.event_study(
            events, prices, model=models, tests=asked.tests,
            observed=list(asked.observed),
            donors=("INTC", "QCOM", "MU", "AMD", "MRVL"), **options,
        )  # fmt: skip
    except StudyError as error:
        if "no event is left" not in str(error):
            raise
    else:
        yield from study_tables(study)
        yield from activity_tables(study, _activity(study))
    if asked.streamed:
        yield from _streamed(events, prices, models, options, folder, asked)


def _activity(study: es.StudyResult) -> Iterator[ActivityResult]:
    for measure in (abnormal_volume, variance_ratio):
        try:
            yield measure(study, every_day=False)
        except StudyError as error:
            if "no observation of the study" not in str(error):
                raise


def _streamed(
    events: es.EventCalendar,
    prices: es.PriceTable,
    models: Sequence[Any],
    options: Mapping[str, Any],
    folder: Path,
    asked: Asked,
) -> Iterator[Dated]:
    able = [m for m in models if recipe_of(m) is not None and "@" not in m.name]
    if not able or asked.overlap == "joint":
        return
    plain = [e.event_id for e in events if not any("@" in name for name in e.tickers)]
    try:
        study = es.event_study(
            events.select(plain), prices, model=able, engine="streamed", out=folder / "streamed",
            tables=("cars", "abnormal"), tests=["bmp"], **options,
        )  # fmt: skip
    except StudyError as error:
        if "no event is left" not in str(error):
            raise
        return
    yield from streamed_tables(study)


def _traded(
    events: es.EventCalendar, prices: es.PriceTable, asked: Asked, t: pd.Timestamp
) -> Iterator[Dated]:
    chosen = asked.strategies
    if asked.calendar == "prices":  # the fifth session before an event is one of later prices
        chosen = [s for s in chosen if s != "pre-event-run-up"]
    try:
        result = es.backtest(events, prices, list(chosen), engine=asked.engine, risk_free=0.03)
    except EventStudyError as error:
        if not any(w in str(error) for w in ("nothing could be traded", "can be traded")):
            raise
        return
    yield from backtest_tables(result, t)


def compared(inputs: Inputs, seed: int, row: int, kinds: Sequence[str], asked: Asked) -> Report:
    """Run the pipeline on inputs and on the same with later rows changed, and compare.

    Parameters
    ----------
    inputs : Inputs
    seed : int
        Of the changes.
    row : int
        Of session t.
    kinds : sequence of str
        Of `CHANGES`.
    asked : Asked
    """
    t = pd.Timestamp(SESSIONS[row])
    one = tables_of(inputs, asked, t)
    other = tables_of(changed(inputs, t, seed, kinds), asked, t)
    report = Report()
    for name in dict.fromkeys((*one, *other)):
        known = one.get(name) or other[name]
        nothing = known.frame.iloc[:0], known.until.iloc[:0], known.settled.iloc[:0]
        until = FAR if known.reach == FAR else pd.Timestamp(0)
        empty = Dated(name, *nothing, until)
        left, right = one.get(name, empty), other.get(name, empty)
        loose = ENGINES if asked.engine == "auto" and not _of_study(name) else SUMMED
        number, wrong = differences(left, right, t, TOLERANCES.get(name, loose))
        report.compared[name] = number
        report.differing += wrong
        _, bits = differences(left, right, t)
        report.inexact[name] = len(bits) - len(wrong)
    return report


def _of_study(name: str) -> bool:
    return name not in {
        "orders decided", "orders filled", "trades entered", "trades closed", "attribution",
        "equity", "yardsticks", "closes", "metrics", "monthly",
    }  # fmt: skip


def drawn(seed: int, size: str = "full") -> tuple[Inputs, int, list[str], Asked]:
    """Return inputs, a session, changes and a question, all drawn from a seed.

    Parameters
    ----------
    seed : int
    size : {"quick", "full", "slow"}
        Few events, models and strategies; many; also models that iterate, or, for one seed in
        four, every test.
    """
    quick, slow = size == "quick", size == "slow"
    rng = np.random.default_rng([seed, 5])
    source, holes = str(rng.choice(["stated", "adjusted", "both"])), int(rng.integers(0, 8))
    early = bool(rng.random() < 0.3)
    last = 125 if early else COUNT - 2
    inputs = make_inputs(seed, source, holes, 4 if quick else 9, last)
    kinds = [name for name in CHANGES if rng.random() < 0.4] or ["values"]
    every = slow and seed % 4 == 0  # every test, the models that iterate left out: placebos refit
    models = MODELS if slow and not every else (*LINEAR, *OTHERS)
    asked = Asked(
        models=[str(m) for m in rng.choice(models, 6 if slow else 3 - quick, replace=False)],
        tests=None if every else ("bmp", "corrado", "grank_t")[: 3 - quick],
        overlap=str(rng.choice(["keep", "keep", "drop", "keep-first", "joint"])),
        excludes=str(rng.choice(["none", "none", "own_events"])),
        returns=str(rng.choice(["simple", "simple", "log"])),
        calendar=str(rng.choice(["XNYS", "XNYS", "prices"])),
        strategies=[str(s) for s in rng.choice(STRATEGIES, 3 - quick, replace=False)],
        engine=str(rng.choice(["cerebro", "auto"])),
        observed=("@ASIC", "@ASIC-@GPU:ex") if quick else Asked.observed,
    )  # fmt: skip
    return inputs, int(rng.integers(140 if early else 90, COUNT - 5)), kinds, asked
