"""What is drawn: one sample by an independent loop, noise, thin trading, dates and firms."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import eventstudy as es
from eventstudy.calibration.design import Design, calendar_designs
from eventstudy.calibration.draws import Drawer, extra_noise
from eventstudy.calibration.experiment import planting_day
from eventstudy.calibration.world import World, thin_returns
from eventstudy.errors import StudyError
from eventstudy.significance import TESTS

MASKS = np.array([[0.0, 1, 0, 0], [1, 1, 1, 1]])


def drawer(world: World, design: Design) -> Drawer:
    return Drawer(world, design, "scar", 11)


def test_one_sample_agrees_with_a_loop_of_regressions(world: World, iid: es.PriceTable) -> None:
    """Each event fitted by itself with statsmodels on returns of the raw closes."""
    draw = drawer(world, Design("staggered", 12)).draw(4)
    sample = draw.sample(0.01)
    closes = iid.adj_close
    returns = np.vstack([np.full(closes.shape[1], np.nan), closes[1:] / closes[:-1] - 1.0])
    market = returns[:, iid.column("SPY")]
    scars, cars = np.empty((2, 12)), np.empty((2, 12))
    for i, row in enumerate(draw.rows):
        at, own = world.positions[row], returns[:, iid.column(world.securities[world.columns[row]])]
        before = np.arange(max(at - 130, 1), at - 10)
        during = np.arange(at - 1, at + 3)
        found = sm.OLS(own[before], sm.add_constant(market[before])).fit()
        x = np.column_stack([np.ones(4), market[during]])
        ar = own[during] - x @ found.params
        ar[1] += 0.01
        v = found.mse_resid * np.eye(4) + x @ found.cov_params() @ x.T
        np.testing.assert_allclose(sample.ar[i], ar, atol=1e-12)
        np.testing.assert_allclose(sample.v[i], v, rtol=1e-8)
        kept = np.isfinite(sample.residuals[i])
        np.testing.assert_allclose(sample.residuals[i][kept], found.resid, atol=1e-12)
        np.testing.assert_array_equal(sample.estimation_rows[i][kept], before)
        assert sample.dof[i] == len(before) - 2
        cars[:, i] = MASKS @ ar
        scars[:, i] = cars[:, i] / np.sqrt(np.einsum("wl,lk,wk->w", MASKS, v, MASKS))
    for name, values in (("cross_sectional", cars), ("bmp", scars)):
        expected = stats.ttest_1samp(values, 0.0, axis=1)
        verdict = TESTS[name].evaluate(sample, MASKS).verdict
        np.testing.assert_allclose(verdict.statistic, expected.statistic, rtol=1e-8)
        np.testing.assert_allclose(verdict.two_sided, expected.pvalue, rtol=1e-8)


def test_every_security_and_session_with_a_full_window_is_a_place(world: World) -> None:
    """Sessions run from 0 to 499; row 0 has no return, so 111 returns end before row 112..."""
    usable = world.at >= 0
    # 100 returns in rows 1..100 end eleven rows before session 0 = 111; two rows follow 497.
    assert np.flatnonzero(usable.any(axis=1))[[0, -1]].tolist() == [111, 497]
    assert usable[111:498].all()
    assert len(world) == 20 * (498 - 111)


def test_a_staggered_sample_has_no_pair_of_firm_and_date_twice(world: World) -> None:
    source = drawer(world, Design("staggered", 200))
    for index in range(5):
        assert len(set(source.draw(index).rows)) == 200


def test_staggered_draws_reach_every_security_and_the_whole_span(world: World) -> None:
    source = drawer(world, Design("staggered", 100))
    rows = np.concatenate([source.draw(i).rows for i in range(60)])
    counts = np.bincount(world.columns[rows], minlength=20)
    assert stats.chisquare(counts).pvalue > 0.001
    spread = stats.kstest(world.positions[rows], stats.uniform(111, 387).cdf)
    assert spread.pvalue > 0.001


def test_one_date_is_one_date_and_its_firms_are_distinct(world: World) -> None:
    source = drawer(world, Design("one", 15, "one-date"))
    dates = set()
    for index in range(20):
        draw = source.draw(index)
        assert draw.sample().n_dates == 1
        assert len(set(world.columns[draw.rows])) == 15
        dates.add(int(world.positions[draw.rows[0]]))
    assert len(dates) > 10


def test_a_calendar_keeps_gaps_blocks_and_firms(world: World) -> None:
    """Five events: two on one date, one firm with two events."""
    (design, doubled, thin) = calendar_designs([300, 300, 304, 330, 401], ["A", "B", "A", "C", "D"])
    assert (doubled.extra_variance, thin.thin) == (1.0, 0.3)
    source = drawer(world, design)
    starts = set()
    for index in range(40):
        rows = source.draw(index).rows
        positions, firms = world.positions[rows], world.columns[rows]
        offsets = (positions - positions[0]) % (498 - 111)
        assert offsets.tolist() == [0, 0, 4, 30, 101]
        assert firms[0] == firms[2]
        assert len(set(firms)) == 4
        starts.add(int(positions[0]))
    assert len(starts) > 25


def test_a_calendar_that_does_not_fit_says_so(world: World) -> None:
    design = calendar_designs([0] * 21, [f"F{i}" for i in range(21)])[0]
    with pytest.raises(StudyError, match="21 events does not fit into the prices"):
        drawer(world, design).draw(0)


def test_a_draw_depends_on_its_number_alone(world: World) -> None:
    design = Design("staggered", 30, extra_variance=1.0)
    first, second = drawer(world, design), drawer(world, design)
    second.draw(0)
    np.testing.assert_array_equal(first.draw(7).sample().ar, second.draw(7).sample().ar)
    assert first.draw(7).seed == second.draw(7).seed
    assert not np.array_equal(first.draw(8).rows, first.draw(7).rows)
    other = Drawer(world, design, "scar", 12)
    assert not np.array_equal(first.draw(7).rows, other.draw(7).rows)


def test_an_effect_stands_at_session_0_and_nowhere_else(world: World) -> None:
    draw = drawer(world, Design("staggered", 30)).draw(0)
    moved = draw.sample(0.02).ar - draw.sample().ar
    np.testing.assert_allclose(moved, np.tile([0.0, 0.02, 0.0, 0.0], (30, 1)), atol=1e-15)


@pytest.mark.parametrize(
    ("window", "day"), [((0, 0), 0), ((0, 4), 0), ((-3, 2), 0), ((2, 10), 2), ((-5, -1), -5)]
)
def test_a_window_without_session_0_has_its_effect_on_its_first_day(
    world: World, window: tuple[int, int], day: int
) -> None:
    assert planting_day(window) == day
    if day in world.frame.days:
        draw = drawer(world, Design("staggered", 30)).draw(0)
        moved = draw.sample(0.02, day).ar - draw.sample().ar
        expected = np.where(world.frame.days == day, 0.02, 0.0)
        np.testing.assert_allclose(moved, np.tile(expected, (len(moved), 1)), atol=1e-15)


def test_the_mean_of_the_null_is_zero(world: World) -> None:
    source = drawer(world, Design("staggered", 50, extra_variance=1.0))
    means = [source.draw(i).sample().ar.mean() for i in range(200)]
    assert abs(np.mean(means)) < 3.3 * np.std(means, ddof=1) / np.sqrt(200)


def test_event_induced_variance_doubles_the_variance(world: World) -> None:
    plain = drawer(world, Design("same-name", 50))
    doubled = drawer(world, Design("same-name", 50, extra_variance=1.0))
    pairs = [(plain.draw(i).sample().ar, doubled.draw(i)) for i in range(100)]
    before = np.var([ar for ar, _ in pairs])
    after = np.var([draw.sample().ar for _, draw in pairs])
    # 20,000 values: the s.e. of each variance is sqrt(2 / 20000) = 1% of it.
    assert after / before == pytest.approx(2.0, abs=0.07)
    with_noise = np.stack([draw.sample().ar - ar for ar, draw in pairs])
    assert np.var(with_noise) / 0.02**2 == pytest.approx(1.0, abs=0.05)
    flat = with_noise.transpose(0, 2, 1).reshape(400, 50)
    between = np.corrcoef(flat, rowvar=False)[np.triu_indices(50, 1)]
    assert abs(between.mean()) < 0.005


def test_noise_has_exactly_the_residual_variance_and_never_a_hole() -> None:
    """All values that can be drawn have mean 0 and mean square s^2."""
    rng = np.random.default_rng(0)
    residuals = rng.standard_t(4, (3, 40)) + 0.5
    residuals[1, :35] = np.nan
    s2 = np.array([1.0, 4.0, 0.25])
    drawn = extra_noise(residuals, s2, 20_000, rng)
    for i in range(3):
        values = np.unique(drawn[i])
        kept = residuals[i][np.isfinite(residuals[i])]
        assert len(values) == len(kept)
        assert values.mean() == pytest.approx(0.0, abs=1e-12)
        assert (values**2).mean() == pytest.approx(s2[i], rel=1e-12)
        assert drawn[i].var() == pytest.approx(s2[i], rel=0.1)


def test_thin_trading_by_hand() -> None:
    """No trade on the second and third session: 1.1 x 0.5 x 1.2 - 1 comes with the fourth."""

    class Chosen:
        def random(self, shape: tuple[int, int]) -> np.ndarray:
            return np.array([[0.9], [0.1], [0.1], [0.9], [0.9]])

    returns = np.array([[0.05], [0.1], [-0.5], [0.2], [np.nan]])
    thinned, traded = thin_returns(returns, 0.3, Chosen())  # type: ignore[arg-type]
    np.testing.assert_allclose(thinned.ravel()[:4], [0.05, 0.0, 0.0, -0.34], atol=1e-15)
    assert np.isnan(thinned[4, 0])
    assert traded.ravel().tolist() == [True, False, False, True, False]


@given(st.integers(0, 2**20), st.floats(0.0, 0.9))
def test_thin_trading_loses_no_return(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    returns = rng.normal(0.0, 0.03, (60, 3))
    thinned, traded = thin_returns(returns, share, rng)
    price, seen = np.cumprod(1 + returns, axis=0), np.cumprod(1 + thinned, axis=0)
    np.testing.assert_allclose(seen[traded], price[traded], rtol=1e-10)
    np.testing.assert_allclose(thinned[~traded], 0.0, atol=1e-15)


def test_thin_trading_misses_the_share_that_was_asked_for(thin_world: World) -> None:
    """News of session 0 shows on the next trade: 70% at once, 21% a session later, 6.3% two."""
    counts = np.bincount(thin_world.arrival() + 1, minlength=5) / len(thin_world)
    expected = [0.027, 0.0, 0.7, 0.21, 0.063]
    np.testing.assert_allclose(counts, expected, atol=0.03)


def test_news_that_waits_for_a_trade_stands_where_the_trade_is(thin_world: World) -> None:
    draw = drawer(thin_world, Design("thin", 100, thin=0.3)).draw(0)
    moved = draw.sample(0.02).ar - draw.sample().ar
    arrival = thin_world.arrival()[draw.rows]
    for i in range(100):
        expected = np.zeros(4)
        if arrival[i] >= 0:
            expected[arrival[i]] = 0.02
        np.testing.assert_allclose(moved[i], expected, atol=1e-15)


def test_placebo_dates_come_from_the_same_fits_without_the_true_windows(world: World) -> None:
    draw = drawer(world, Design("staggered", 10)).draw(2)
    sample = draw.sample(0.05)
    assert sample.history is not None
    history = sample.history()
    everywhere = history.everywhere
    forbidden = np.zeros((20, 500), dtype=bool)
    for row in draw.rows:
        at = world.positions[row]
        forbidden[world.columns[row], at - 1 : at + 3] = True
    np.testing.assert_array_equal(everywhere.forbidden, forbidden)
    np.testing.assert_array_equal(everywhere.columns[history.names], world.columns[draw.rows])
    assert everywhere.first_day == -1
    places = sample.positions - everywhere.positions[0]
    scores = everywhere.scores(MASKS, "scar")[history.names, places]
    np.testing.assert_allclose(scores, draw.sample().scars(MASKS), rtol=1e-12)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"n": 1}, "1 events: at least 2"),
        ({"thin": 1.0}, "thin 1: a share of sessions"),
        ({"extra_variance": -1.0}, "extra_variance -1"),
        ({"layout": "weekly"}, "layout 'weekly': staggered, one-date or calendar"),
        ({"layout": "calendar"}, "offsets and firms"),
    ],
)
def test_a_design_that_cannot_be_drawn_says_why(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(StudyError, match=said):
        Design(**({"name": "mine", "n": 5} | wrong))  # type: ignore[arg-type]
