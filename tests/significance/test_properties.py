"""What holds for every test that draws nothing: order, sign and scale of the events."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.significance import TESTS, Sample

MASKS = np.array([[0, 1, 0], [1, 1, 1]], dtype=float)
N, M, L = 9, 60, 3
CLOSED = [name for name in TESTS if name not in ("cluster_bootstrap", "placebo")]
COUNTS = ("sign", "wilcoxon")
"""Statistics that count: the flipped one is the total less the count."""


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    """Events on one date, overlapping in part or apart; some returns missing."""
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    gaps = draw(st.lists(st.sampled_from([0, 1, 2, 7, 30]), min_size=N - 1, max_size=N - 1))
    positions = 100 + np.concatenate([[0], np.cumsum(gaps)]).astype(np.int64)
    rows = positions[:, None] + np.arange(-5 - M, -5)
    market = rng.normal(size=int(positions.max()) + L)
    scale = rng.uniform(0.005, 0.05, (N, 1))
    residuals = scale * (market[rows] + rng.normal(size=(N, M)))
    ar = scale * (market[positions[:, None] + np.arange(L)] + rng.normal(size=(N, L)) + 0.3)
    gone = rng.random((N, M)) < draw(st.sampled_from([0.0, 0.1]))
    residuals[gone] = np.nan
    if draw(st.booleans()):
        ar[rng.integers(N), rng.integers(L)] = np.nan
    dof = np.isfinite(residuals).sum(axis=1) - 1
    v = (np.nansum(residuals**2, axis=1) / dof)[:, None, None] * (np.eye(L) + 1 / M)
    convention = draw(st.sampled_from(["scar", "sum_sar"]))
    return Sample(ar, v, residuals, rows, positions, dof, 1, convention)


@pytest.mark.parametrize("name", CLOSED)
@given(s=samples(), seed=st.integers(0, 2**20))
@settings(max_examples=15, deadline=None)
def test_order_sign_and_scale(name: str, s: Sample, seed: int) -> None:
    one = TESTS[name].evaluate(s, MASKS)
    order = np.random.default_rng(seed).permutation(N)
    mixed = replace(
        s, ar=s.ar[order], v=s.v[order], residuals=s.residuals[order],
        estimation_rows=s.estimation_rows[order], positions=s.positions[order], dof=s.dof[order],
    )  # fmt: skip
    other = TESTS[name].evaluate(mixed, MASKS)
    np.testing.assert_allclose(
        other.verdict.statistic, one.verdict.statistic, rtol=1e-8, atol=1e-12
    )
    np.testing.assert_allclose(other.verdict.two_sided, one.verdict.two_sided, rtol=1e-7)
    assert other.verdict.distribution == one.verdict.distribution
    assert other.caveats == one.caveats

    flipped = TESTS[name].evaluate(replace(s, ar=-s.ar, residuals=-s.residuals), MASKS)
    total = np.zeros(2)
    if name in COUNTS:
        total += [one.n[w] if name == "sign" else one.n[w] * (one.n[w] + 1) / 2 for w in range(2)]
    np.testing.assert_allclose(
        flipped.verdict.statistic, total - one.verdict.statistic, rtol=1e-8, atol=1e-12
    )
    np.testing.assert_allclose(flipped.verdict.greater, one.verdict.less, rtol=1e-7, atol=1e-13)
    np.testing.assert_allclose(flipped.verdict.two_sided, one.verdict.two_sided, rtol=1e-7)
    for p in (one.verdict.two_sided, one.verdict.greater, one.verdict.less):
        assert ((p >= 0) & (p <= 1) | np.isnan(p)).all()

    c = 10.0 ** (seed % 17 - 8)
    scaled = replace(s, ar=c * s.ar, v=c * c * s.v, residuals=c * s.residuals)
    again = TESTS[name].evaluate(scaled, MASKS).verdict
    np.testing.assert_allclose(again.statistic, one.verdict.statistic, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(again.greater, one.verdict.greater, rtol=1e-7)
