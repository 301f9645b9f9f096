"""The article's claims on real quotes; expected values by pandas and statsmodels alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import eventstudy as es
from eventstudy.claims import CANNOT_BE_SAID, CONTRADICTED, SUPPORTED, ClaimsResult, Finding, Number

pytestmark = pytest.mark.vendor


@pytest.fixture(scope="module")
def quotes(vendor: Path) -> dict[str, pd.DataFrame]:
    names = ("AVGO", "NVDA", "MRVL", "SPY", "SMH")
    return {
        name: pd.read_csv(vendor / f"{name}.csv", parse_dates=["date"], index_col="date")
        for name in names
    }


@pytest.fixture(scope="module")
def returns(quotes: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return pd.DataFrame({name: q["adj_close"].pct_change() for name, q in quotes.items()})


@pytest.fixture(scope="module")
def real(root: Path, vendor: Path) -> ClaimsResult:
    events = es.read_events(root / "events.csv")
    prices = es.load_prices(sorted(events.tickers | {"SPY", "SMH"}), source=vendor)
    study = es.event_study(events, prices, window=(0, 0), tests=["kolari_pynnonen", "corrado"])
    return es.check_claims("article", study)


def finding(real: ClaimsResult, claim: str) -> Finding:
    return next(c.finding for c in real.checked if c.claim.id == claim)


def number(found: Finding, what: str) -> Number:
    return next(n for n in found.numbers if n.what.startswith(what))


def forward(returns: pd.DataFrame, y: pd.Series, x: list[str], at: int, steps: range) -> float:
    """The CAR over steps from a session, the market model by numpy's least squares."""
    window = slice(at - 260, at - 10)
    design = np.column_stack([np.ones(250), returns[x].to_numpy()[window]])
    params = np.linalg.lstsq(design, y.to_numpy()[window], rcond=None)[0]
    rows = [at + k for k in steps]
    expected = np.column_stack([np.ones(len(rows)), returns[x].to_numpy()[rows]]) @ params
    return float((y.to_numpy()[rows] - expected).sum())


def test_verdicts(real: ClaimsResult) -> None:
    found = [c.finding.verdict for c in real.checked]
    assert found == [SUPPORTED] * 8 + [CANNOT_BE_SAID] * 6


def test_the_move(real: ClaimsResult, returns: pd.DataFrame) -> None:
    found, at = finding(real, "1"), returns.index.get_loc("2024-12-13")
    for what, x in (
        ("abnormal, against SPY and SMH", ["SPY", "SMH"]),
        ("abnormal, against SPY", ["SPY"]),
    ):
        own = next(n for n in found.numbers if n.what == what)
        expected = forward(returns, returns["AVGO"], x, at, range(1))
        assert own.value == pytest.approx(expected, rel=1e-8)
    assert next(n for n in found.numbers if "SMH" in n.what).value == pytest.approx(
        0.2168, abs=1e-4
    )


def test_marvell_on_each_day(real: ClaimsResult, quotes: dict[str, pd.DataFrame]) -> None:
    adjusted = quotes["MRVL"]["adj_close"]
    expected = []
    for day in ("2024-12-13", "2024-12-16", "2024-12-17", "2024-12-18"):
        before = adjusted[: pd.Timestamp(day) - pd.DateOffset(years=1)].iloc[-1]
        expected.append(adjusted[day] / before)
    found = finding(real, "10")
    assert [n.value for n in found.numbers] == pytest.approx(expected, rel=1e-9)
    assert [n.verdict for n in found.numbers] == [SUPPORTED] * 2 + [CONTRADICTED] * 2


@pytest.mark.parametrize("horizon", [5, 10, 21, 63])
def test_what_followed(real: ClaimsResult, returns: pd.DataFrame, horizon: int) -> None:
    at, spread = returns.index.get_loc("2024-12-17"), returns["AVGO"] - returns["NVDA"]
    own = number(finding(real, "11"), f"AVGO less NVDA, {horizon} sessions")
    expected = forward(returns, spread, ["SPY"], at, range(1, horizon + 1))
    assert own.value == pytest.approx(expected, rel=1e-7)


def test_what_follows_four_falls(
    real: ClaimsResult, quotes: dict[str, pd.DataFrame], returns: pd.DataFrame
) -> None:
    """Every run that reaches four, once; five sessions after, less the mean after any."""
    falls = quotes["NVDA"]["close"].diff() < 0
    run = falls.groupby((~falls).cumsum()).cumsum()
    rows = range(111, len(returns) - 5)
    after = {}
    for at in rows:
        first = max(at - 260, 1)
        window = slice(first, at - 10)
        design = np.column_stack([np.ones(at - 10 - first), returns["SPY"].to_numpy()[window]])
        params = np.linalg.lstsq(design, returns["NVDA"].to_numpy()[window], rcond=None)[0]
        ahead = slice(at + 1, at + 6)
        after[at] = returns["NVDA"].to_numpy()[ahead].sum() - (
            5 * params[0] + params[1] * returns["SPY"].to_numpy()[ahead].sum()
        )
    marked = [at for at in rows if run.iloc[at] == 4]
    own = number(finding(real, "11"), "NVDA, 5 sessions after 4 falls")
    assert own.n == len(marked)
    expected = np.mean([after[at] for at in marked]) - np.mean(list(after.values()))
    assert own.value == pytest.approx(expected, rel=1e-7)


def test_after_capex(real: ClaimsResult, returns: pd.DataFrame) -> None:
    """Nine events up to June 2025 on seven sessions."""
    days = ["2024-04-25", "2024-10-31", "2024-11-01", "2025-01-24", "2025-02-05", "2025-02-07",
            "2025-05-01"]  # fmt: skip
    at = [returns.index.get_loc(day) for day in days]
    for name in ("NVDA", "AVGO", "MRVL"):
        own = number(finding(real, "12"), f"{name}, mean")
        values = [forward(returns, returns[name], ["SPY"], row, range(1)) for row in at]
        assert own.n == 7
        assert own.value == pytest.approx(np.mean(values), rel=1e-8)


def test_the_joint_effect(real: ClaimsResult, returns: pd.DataFrame) -> None:
    at, spread = returns.index.get_loc("2024-12-13"), returns["AVGO"] - returns["NVDA"]
    own = number(finding(real, "13"), "AVGO less NVDA, 2024-12-13 to 2024-12-16, joint")
    assert own.value == pytest.approx(forward(returns, spread, ["SPY"], at, range(2)), rel=1e-8)
    assert own.p_value == pytest.approx(2 / 250)
