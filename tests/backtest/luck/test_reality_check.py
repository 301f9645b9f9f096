"""White's and Hansen's tests against arch called directly, plain loops and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from arch.bootstrap import SPA, StationaryBootstrap

from eventstudy.backtest.luck import reality_check
from eventstudy.backtest.luck.reality import FEWEST_PERIODS, long_run_spread
from eventstudy.errors import BacktestError


def sweep(n: int = 150, variants: int = 6, seed: int = 0) -> np.ndarray:
    """Variants of very different risk, the second half of them losing."""
    rng = np.random.default_rng(seed)
    risk = np.linspace(0.002, 0.03, variants)
    drift = np.where(np.arange(variants) < variants / 2, 0.08, -0.25)
    return rng.normal(drift, 1.0, (n, variants)) * risk


def market(n: int = 150, seed: int = 9) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0003, 0.004, n)


def slow_spread(d: np.ndarray, block: int) -> float:
    """Hansen's estimate with the kernel of the stationary bootstrap, lag by lag."""
    n, q = len(d), 1 / block
    e = d - d.mean()
    total = float(e @ e) / n
    for i in range(1, n):
        gamma = float(e[:-i] @ e[i:]) / n
        kernel = (n - i) / n * (1 - q) ** i + i / n * (1 - q) ** (n - i)
        total += 2 * kernel * gamma
    return math.sqrt(total)


def slow_hansen(d: np.ndarray, block: int, draws: int, seed: int) -> dict[str, float]:
    """Return p of max(0, max_k sqrt(n) mean_k / w_k) in the three ways, draw by draw."""
    n, variants = d.shape
    mean = d.mean(axis=0)
    w = [slow_spread(d[:, k], block) for k in range(variants)]
    observed = max(0.0, *(math.sqrt(n) * mean[k] / w[k] for k in range(variants)))
    far = -math.sqrt(2 * math.log(math.log(n)))
    centre = {
        "lower": [max(m, 0.0) for m in mean],
        "consistent": [
            m if math.sqrt(n) * m / s >= far else 0.0 for m, s in zip(mean, w, strict=True)
        ],
        "upper": list(mean),
    }
    counts = dict.fromkeys(centre, 0)
    for data in StationaryBootstrap(block, d, seed=seed).bootstrap(draws):
        star = data[0][0].mean(axis=0)
        for name, c in centre.items():
            drawn = [math.sqrt(n) * (star[k] - c[k]) / w[k] for k in range(variants)]
            counts[name] += max(0.0, *drawn) >= observed
    return {name: (1 + count) / (draws + 1) for name, count in counts.items()}


def test_hansens_p_values_are_those_of_a_plain_loop() -> None:
    returns, bench = sweep(), market()
    found = reality_check(returns, bench, draws=200, block=3, seed=4)
    slow = slow_hansen(returns - bench[:, None], 3, 200, 4)
    assert {name: getattr(found, name) for name in slow} == pytest.approx(slow)
    assert slow["lower"] < slow["consistent"] < slow["upper"]


def test_whites_p_value_is_archs_on_losses() -> None:
    returns, bench = sweep(), market()
    check = SPA(-bench, -returns, block_size=3, reps=200, seed=4)
    check.compute()
    found = reality_check(returns, bench, draws=200, block=3, seed=4)
    assert found.white == pytest.approx((1 + 200 * check.pvalues["upper"]) / 201)
    assert 0.02 < found.white < 0.98


def test_hansens_p_values_are_archs_on_scaled_losses() -> None:
    # arch leaves the statistic in units of return: what it is to compare is scaled before.
    returns = sweep(seed=3)
    w = np.array([slow_spread(returns[:, k], 5) for k in range(6)])
    check = SPA(np.zeros(150), -returns / w, block_size=5, reps=200, seed=8)
    check.compute()
    found = reality_check(returns, draws=200, block=5, seed=8)
    for name in ("lower", "consistent", "upper"):
        assert getattr(found, name) == pytest.approx((1 + 200 * check.pvalues[name]) / 201)


def test_the_long_run_spread_is_that_of_resampled_means() -> None:
    rng = np.random.default_rng(0)
    d = rng.normal(0, 0.01, (200, 2))
    d[1:, 1] += 0.6 * d[:-1, 1]
    found = long_run_spread(d, 6)
    assert found == pytest.approx([slow_spread(d[:, k], 6) for k in range(2)])
    drawn = np.array(
        [data[0][0].mean(axis=0) for data in StationaryBootstrap(6, d, seed=1).bootstrap(6000)]
    )
    assert found == pytest.approx(drawn.std(axis=0) * math.sqrt(200), rel=0.04)


def test_risk_is_allowed_for_only_by_hansen() -> None:
    # A quiet variant with a sure edge beside wild ones: in units of return it drowns.
    rng = np.random.default_rng(5)
    returns = rng.normal(0, 0.05, (300, 12))
    returns[:, 4] = rng.normal(0.0005, 0.002, 300)
    found = reality_check(returns, draws=499, block=1)
    assert found.best_studentised == 4
    assert found.consistent < 0.02
    assert found.white > 0.2


def test_the_best_is_named_by_its_own_column() -> None:
    returns = np.column_stack([np.zeros(150), sweep(), np.zeros(150)])
    found = reality_check(returns, draws=99, block=2)
    plain = reality_check(sweep(), draws=99, block=2)
    assert (found.variants, found.live) == (8, 6)
    assert found.best == 1 + plain.best == 1 + sweep().mean(axis=0).argmax()
    assert found.best_mean == pytest.approx(sweep().mean(axis=0).max())
    assert (found.white, found.consistent) == (plain.white, plain.consistent)


def test_size_is_near_nominal_where_no_variant_has_an_edge() -> None:
    sims, p = 100, []
    for seed in range(sims):
        returns = np.random.default_rng(seed).normal(0, 0.01, (100, 5))
        found = reality_check(returns, draws=99, block=1, seed=seed)
        p.append([found.white, found.consistent])
    assert np.mean(np.array(p) <= 0.1, axis=0) == pytest.approx(
        [0.1, 0.1], abs=3 * math.sqrt(0.09 / sims)
    )
    assert np.mean(p, axis=0) == pytest.approx([0.5, 0.5], abs=3 * math.sqrt(1 / 12 / sims))


def test_an_edge_is_found_and_p_has_a_floor() -> None:
    returns = sweep()
    returns[:, 2] += 0.02
    found = reality_check(returns, draws=99)
    assert (found.white, found.lower, found.consistent, found.upper) == (0.01,) * 4


def test_where_all_lose_there_is_nothing_to_find() -> None:
    found = reality_check(sweep() - 0.05, draws=99)
    assert (found.lower, found.consistent, found.upper) == (1.0, 1.0, 1.0)
    assert found.white > 0.5
    assert found.best_t < 0


def test_the_block_is_stated_and_the_seed_decides() -> None:
    one, same, other = (reality_check(sweep(), draws=99, seed=s) for s in (1, 1, 2))
    assert one == same
    assert one.white != other.white
    assert 1 <= one.block <= 150
    assert reality_check(sweep(), draws=99, block=7).block == 7


@pytest.mark.parametrize(
    ("returns", "why"),
    [
        (sweep(FEWEST_PERIODS - 1), "99 periods; needs 100"),
        (sweep()[:, :1], "1 variants that vary"),
        (np.column_stack([sweep()[:, :1], np.zeros(150)]), "1 variants that vary"),
        (sweep() * (np.arange(150) < 15)[:, None], "15 periods with a return other"),
        (np.empty((0, 4)), "0 periods"),
    ],
)
def test_no_verdict_without_enough(returns: np.ndarray, why: str) -> None:
    found = reality_check(returns)
    assert why in found.why
    assert math.isnan(found.white)
    assert math.isnan(found.consistent)
    assert found.best == -1


def test_users_mistakes_are_named() -> None:
    with pytest.raises(BacktestError, match=r"benchmark of shape \(149,\)"):
        reality_check(sweep(), market(149))
    with pytest.raises(BacktestError, match=r"draws 0.*block 0 periods"):
        reality_check(sweep(), draws=0, block=0)
    with pytest.raises(BacktestError, match="1 dimensions"):
        reality_check(market())
