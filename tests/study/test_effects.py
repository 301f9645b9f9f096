"""Effects with intervals and power, against numpy's correlations and scipy's t."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from eventstudy.significance import Sample
from eventstudy.study.effects import group_effects

N, M, L = 6, 150, 3
WHOLE = np.ones((1, L))


def sample(spacing: int, common: float) -> Sample:
    """Six events with residuals that share a factor over the same estimation sessions."""
    rng = np.random.default_rng(4)
    positions = 300 + spacing * np.arange(N)
    residuals = common * rng.normal(size=M) + rng.normal(size=(N, M))
    return Sample(
        rng.normal(0.01, 0.03, (N, L)),
        np.broadcast_to(np.eye(L), (N, L, L)).copy(),
        residuals,
        np.broadcast_to(np.arange(M), (N, M)).copy(),
        positions,
        np.full(N, M - 2),
        2,
    )


def test_one_date_widens_the_interval_by_the_mean_correlation() -> None:
    s = sample(spacing=0, common=1.0)
    r = np.mean(np.corrcoef(s.residuals)[np.triu_indices(N, 1)])
    assert r > 0.3
    car = s.ar.sum(axis=1)
    se = car.std(ddof=1) / np.sqrt(N) * np.sqrt((1 + (N - 1) * r) / (1 - r))
    reach, power = scipy.stats.t.ppf([0.975, 0.8], N - 1)
    found = group_effects(s, WHOLE)
    assert found.caar[0] == pytest.approx(car.mean(), rel=1e-12)
    assert found.se[0] == pytest.approx(se, rel=1e-9)
    assert found.lo[0] == pytest.approx(car.mean() - reach * se, rel=1e-9)
    assert found.hi[0] == pytest.approx(car.mean() + reach * se, rel=1e-9)
    assert found.mde[0] == pytest.approx((reach + power) * se, rel=1e-9)


@pytest.mark.parametrize(("spacing", "common"), [(50, 1.0), (0, 0.0)])
def test_no_shared_session_and_no_correlation_leave_it_alone(spacing: int, common: float) -> None:
    """Without a common factor r may be slightly negative: an interval is never narrowed."""
    s = sample(spacing, common)
    if not common:
        s.residuals[1::2] = -s.residuals[::2]
    car = s.ar.sum(axis=1)
    found = group_effects(s, WHOLE)
    assert found.se[0] == pytest.approx(car.std(ddof=1) / np.sqrt(N), rel=1e-12)
