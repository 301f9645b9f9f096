"""Tests of a study standardise by the variance of the whole fit, not of its window alone.

The comparison-period mean and joint estimation fit on more sessions than an event's own
estimation window. Expected values come from plain loops over made returns: numpy's mean and
variance, a dummy regression in statsmodels, ranks by scipy.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.stats import rankdata

import eventstudy as es
from eventstudy.activity.layout import Fitted, positions_of, sample_of
from eventstudy.study.tables import samples

FIRMS = [f"F{i:02d}" for i in range(12)]
DAYS = pd.bdate_range("2018-01-01", periods=500)
ESTIMATION, GAP, WINDOW = 60, 1, (0, 4)
LENGTH = 5


@dataclass(frozen=True)
class Row:
    """One event worked by hand: residuals with NaN for holes, s^2, and its window."""

    residuals: np.ndarray
    s2: float
    ar: np.ndarray
    v: np.ndarray


@pytest.fixture(scope="module")
def returns() -> pd.DataFrame:
    """Firms whose returns spread twice as far from session 250 on."""
    rng = np.random.default_rng(12)
    table = rng.standard_t(5, (len(DAYS), len(FIRMS) + 1)) * 0.01
    table[250:] *= 2.0
    table[0] = 0.0
    return pd.DataFrame(table, index=DAYS, columns=[*FIRMS, "SPY"])


def study_at(
    returns: pd.DataFrame, places: list[tuple[str, int]], **options: object
) -> es.StudyResult:
    closes = es.load_prices(100.0 * (1.0 + returns).cumprod())
    rows = [
        {"event_id": f"e{i:02d}", "date": str(DAYS[at].date()), "session": "pre", "tickers": firm}
        for i, (firm, at) in enumerate(places)
    ]
    calendar = es.read_events(pd.DataFrame(rows), calendar="prices", prices=closes)
    return es.event_study(
        calendar, closes, window=WINDOW, estimation=ESTIMATION, gap=GAP, min_estimation=30,
        observed=[], **options,
    )  # fmt: skip


def before_and_after(y: np.ndarray, at: int) -> Row:
    """Mean and variance (ddof 1) over 60 sessions before and 60 after; one of each is left out."""
    before = y[at - GAP - ESTIMATION : at - GAP]
    after = y[at + WINDOW[1] + GAP + 1 : at + WINDOW[1] + GAP + 1 + ESTIMATION]
    both = np.concatenate([before, after])
    s2 = both.var(ddof=1)
    v = s2 * (np.eye(LENGTH) + np.ones((LENGTH, LENGTH)) / len(both))
    return Row(before - both.mean(), s2, y[at : at + LENGTH] - both.mean(), v)


def with_dummies(y: np.ndarray, chain: list[int], at: int) -> Row:
    """A regression on a constant with one dummy for every session of the chain's windows."""
    inside = sorted({p + d for p in chain for d in range(LENGTH)})
    before = {p + d for p in chain for d in range(-GAP - ESTIMATION, -GAP)}
    rows = sorted(before | set(inside))
    design = [[1.0, *(float(s == w) for w in inside)] for s in rows]
    fit = sm.OLS(y[rows], np.array(design)).fit()
    left = dict(zip(rows, fit.resid, strict=True))
    own = range(at - GAP - ESTIMATION, at - GAP)
    k = [1 + inside.index(at + d) for d in range(LENGTH)]
    residuals = [np.nan if s in inside else left[s] for s in own]
    covariance = fit.cov_params()[np.ix_(k, k)]
    return Row(np.array(residuals), fit.mse_resid, fit.params[k], covariance)


def grank(rows: list[Row]) -> tuple[float, float]:
    """Return GRANK t and z of the whole window."""
    scar = np.array([r.ar.sum() / np.sqrt(r.v.sum()) for r in rows])
    scaled = scar / scar.std(ddof=1)
    u = np.full((len(rows), ESTIMATION + 1), np.nan)
    for i, r in enumerate(rows):
        values = np.append(r.residuals / np.sqrt(r.s2), scaled[i])
        there = np.isfinite(values)
        u[i, there] = rankdata(values[there]) / (there.sum() + 1) - 0.5
    count = np.isfinite(u).sum(axis=0)
    mean = np.nanmean(u, axis=0)
    used = len(mean)
    z = mean[-1] / np.sqrt(np.sum(count / len(rows) * mean**2) / used)
    sizes = np.isfinite(u).sum(axis=1)
    error = np.sqrt(sum((n - 1) / (12 * (n + 1)) for n in sizes))
    return z * np.sqrt((used - 2) / (used - 1 - z**2)), u[:, -1].sum() / error


def daily_scores(rows: list[Row]) -> np.ndarray:
    """Return ranks of residuals and of event days over their spread across events."""
    sar = np.array([r.ar / np.sqrt(np.diag(r.v)) for r in rows])
    sar = sar / sar.std(axis=0, ddof=1)
    found = np.full((len(rows), ESTIMATION + LENGTH), np.nan)
    for i, r in enumerate(rows):
        values = np.concatenate([r.residuals / np.sqrt(r.s2), sar[i]])
        there = np.isfinite(values)
        found[i, there] = rankdata(values[there]) / (there.sum() + 1) - 0.5
    return found


def corrado_zivney(rows: list[Row]) -> float:
    u = daily_scores(rows)
    k = np.nansum(u, axis=0) / np.sqrt(np.isfinite(u).sum(axis=0))
    return k[-LENGTH:].sum() / np.sqrt(LENGTH * np.mean(k**2))


def statistics(study: es.StudyResult) -> dict[str, float]:
    table = study.tests
    rows = table[(table["group"] == "all") & (table["window"] == "0,4")]
    return dict(zip(rows["test"], rows["statistic"], strict=True))


APART = [(firm, 150 + 17 * i) for i, firm in enumerate(FIRMS)]
"""No two windows share a session, some lie before the spread doubles and some after."""


def test_comparison_mean_is_judged_by_both_sides(returns: pd.DataFrame) -> None:
    rows = [before_and_after(returns[firm].to_numpy(), at) for firm, at in APART]
    found = statistics(study_at(returns, APART, model="comparison-mean"))
    t, z = grank(rows)
    assert found["grank_t"] == pytest.approx(t, rel=1e-7)
    assert found["grank_z"] == pytest.approx(z, rel=1e-7)
    assert found["corrado_zivney"] == pytest.approx(corrado_zivney(rows), rel=1e-7)
    u, n = daily_scores(rows), ESTIMATION + LENGTH
    variance = len(rows) * LENGTH * (n - LENGTH) / (12 * (n + 1))
    assert found["cumrank"] == pytest.approx(u[:, -LENGTH:].sum() / np.sqrt(variance), rel=1e-7)
    held = np.concatenate([r.ar / np.sqrt(r.s2) for r in rows])
    portfolio = held.mean() / (held.std(ddof=1) / np.sqrt(len(held)))
    assert found["calendar_portfolio"] == pytest.approx(portfolio, rel=1e-7)


def test_joint_estimation_is_judged_by_its_whole_chain(returns: pd.DataFrame) -> None:
    """Four firms with three events each; later ones have earlier ones in their window."""
    places = [(f, 200 + 40 * i + 3 * k) for i, f in enumerate(FIRMS[:4]) for k in range(3)]
    rows = []
    for firm, at in places:
        chain = [p for f, p in places if f == firm]
        rows.append(with_dummies(returns[firm].to_numpy(), chain, at))
    assert any(np.isnan(r.residuals).any() for r in rows)
    found = statistics(study_at(returns, places, model="mean", overlap="joint"))
    t, z = grank(rows)
    assert found["grank_t"] == pytest.approx(t, rel=1e-7)
    assert found["grank_z"] == pytest.approx(z, rel=1e-7)
    assert found["corrado_zivney"] == pytest.approx(corrado_zivney(rows), rel=1e-7)


def test_samples_of_activity_hold_the_same_variances(returns: pd.DataFrame) -> None:
    study = study_at(returns, APART, model="comparison-mean")
    places = np.arange(len(study.observations))
    fitted = Fitted("m", places, positions_of(study), study.fits["comparison-mean"].fit)
    expected = [before_and_after(returns[f].to_numpy(), at).s2 for f, at in APART]
    assert sample_of(study, fitted, places).sigma == pytest.approx(np.sqrt(expected), rel=1e-9)


def test_a_robust_scale_is_no_standard_deviation(returns: pd.DataFrame) -> None:
    """A lone event's portfolio is standardised by its residuals, as any portfolio is."""
    study = study_at(returns, APART, model="robust", benchmark="SPY")
    _, _, group, sample = next(samples(study))
    fit = study.fits["robust"].fit
    assert group.name == "all"
    expected = [np.sqrt(np.nansum(e**2) / (ESTIMATION - 2)) for e in fit.residuals]
    assert sample.sigma == pytest.approx(expected, rel=1e-12)
    assert not np.allclose(fit.s2, np.square(expected), rtol=0.01)


def test_later_returns_are_said_in_summary_and_page(returns: pd.DataFrame, tmp_path: Path) -> None:
    said = "Expected returns under comparison-mean use returns from after the event window"
    ahead = study_at(returns, APART, model=["mean", "comparison-mean"], tests=["bmp"])
    assert said in ahead.summary()
    page = es.write_report(ahead, tmp_path / "page.html")
    assert said in Path(page).read_text(encoding="utf-8")
    plain = study_at(returns, APART, model="mean", tests=["bmp"])
    assert "after the event window" not in plain.summary()
