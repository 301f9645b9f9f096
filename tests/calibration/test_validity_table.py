"""The validity table: claims, what the simulation says of them, and the page."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

import eventstudy as es
from eventstudy.significance import TESTS


@pytest.fixture(scope="module")
def validity(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("validity", root / "benchmarks" / "validity.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("claim", "verdict", "lo", "hi", "expected"),
    [
        ("yes", "holds", 0.04, 0.05, "stands"),
        ("yes", "over-rejects", 0.07, 0.08, "contradicted"),
        ("yes", "under-rejects", 0.01, 0.02, "contradicted"),
        ("yes", "cannot say", 0.01, 0.20, "cannot say"),
        ("yes", "undefined", np.nan, np.nan, "contradicted"),
        ("approximately", "over-rejects", 0.075, 0.085, "stands"),
        ("approximately", "over-rejects", 0.096, 0.11, "contradicted"),
        ("approximately", "under-rejects", 0.01, 0.02, "contradicted"),
        ("undefined", "undefined", np.nan, np.nan, "stands"),
        ("undefined", "holds", 0.04, 0.05, "contradicted"),
        ("no", "holds", 0.04, 0.05, "not claimed"),
        ("", "over-rejects", 0.2, 0.3, "not claimed"),
    ],
)
def test_a_claim_stands_or_is_contradicted(
    validity: ModuleType, claim: str, verdict: str, lo: float, hi: float, expected: str
) -> None:
    assert validity.outcome(claim, verdict, lo, hi) == expected


def test_the_claims_are_those_that_were_fixed_in_advance(validity: ModuleType) -> None:
    """Spot checks against the sentence of each row, by another route than the table's."""
    assert set(validity.CLAIMS) <= set(TESTS)
    columns = list(validity.DESIGNS)
    by_design = {
        d: {t for t in validity.CLAIMS if validity.claim_of(t, d) == "yes"} for d in columns
    }
    both = {"kolari_pynnonen", "placebo", "time_series", "corrado", "corrado_zivney"}
    assert by_design["one-date"] == both
    assert set(validity.CLAIMS) - by_design["staggered"] == {"patell", "patell_adjusted"}
    lost = {"time_series", "corrado", "patell", "patell_adjusted"}
    assert set(validity.CLAIMS) - by_design["event-variance"] == lost
    lost = {"patell", "patell_adjusted", "generalized_sign"}
    assert set(validity.CLAIMS) - by_design["thin-trading"] == lost
    assert validity.claim_of("date_clustered", "one-date") == "undefined"
    assert validity.claim_of("hall", "staggered") == ""


def test_the_script_writes_page_and_figures(
    validity: ModuleType, iid: es.PriceTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = pd.DataFrame(iid.adj_close, columns=list(iid.tickers))
    wide.insert(0, "date", np.datetime_as_string(iid.dates))
    (tmp_path / "prices").mkdir()
    wide.to_csv(tmp_path / "prices" / "wide.csv", index=False)
    monkeypatch.setattr(validity, "PERIODS", {"a year": ("2018-06-01", "2019-10-31")})
    given = ["--samples", "4", "--jobs", "1", "--out", str(tmp_path), "--seed", "9"]
    validity.main([*given, "--prices", str(tmp_path / "prices"), "--test", "date_clustered",
                   "--test", "sign"])  # fmt: skip
    page = (tmp_path / "validity.md").read_text()
    assert "seed 9, 4 samples a cell" in page
    # two tests claim four and three cells in two windows, `sign` not on one date
    assert "2 of 14 claimed cells stand, 0 are contradicted, 12 cannot be said" in page
    assert "undefined as claimed" in page
    assert str(tmp_path) not in page
    table = pd.read_csv(tmp_path / "validity.csv", keep_default_na=False)
    # one period, four designs, two windows, two tests, three sides
    assert len(table) == 4 * 2 * 2 * 3
    assert set(table["outcome"]) == {"", "stands", "not claimed", "cannot say"}


def test_contradicted_cells_are_shown_as_such(validity: ModuleType) -> None:
    row = pd.Series({
        "test": "sign", "design": "thin-trading", "period": "2019-2021", "window": "0,4",
        "claim": "yes", "rate": 0.08, "lo": 0.075, "hi": 0.085, "attainable": 0.0328,
        "undefined": 0.01, "verdict": "over-rejects", "outcome": "contradicted",
    })  # fmt: skip
    assert validity.cell(row) == (
        "8.0% [7.5, 8.5] of 3.3%, 1.0% without a value **contradicted: over-rejects**"
    )
    assert validity._contradicted(row.to_frame().T) == [
        "- `sign`, thin trading, 2019-2021, window [0,4]: claimed yes, measured 8.00% "
        "[7.50, 8.50] against 3.28% attainable."
    ]


@pytest.mark.vendor
def test_on_real_shares_one_date_breaks_patell_and_not_kolari_pynnonen(
    validity: ModuleType, vendor: Path
) -> None:
    prices = es.load_prices(None, source=vendor)
    kept = [t for t in prices.tickers if t not in {"ALAB", "CRDO"}]
    from eventstudy.calibration import calibrate
    from eventstudy.calibration.design import standard_designs

    found = calibrate(
        prices.select(kept), window=(0, 0), designs=standard_designs()[:2], effects=[],
        tests=["patell", "kolari_pynnonen"], samples=120, first="2022-01-01", jobs=1,
    )  # fmt: skip
    assert found.config["securities"] == 16
    frame = found.summary_frame().set_index(["design", "test"])
    assert frame.loc[("one-date", "patell"), "verdict"] == "over-rejects"
    assert frame.loc[("one-date", "kolari_pynnonen"), "lo"] < 0.065
    assert frame.loc[("staggered", "kolari_pynnonen"), "lo"] < 0.065
