"""Wild bootstrap by date and shifted calendars against loops, statsmodels and enumeration."""

from __future__ import annotations

import gc
import itertools
from collections.abc import Callable
from dataclasses import replace
from weakref import ref

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

import eventstudy as es
from eventstudy.models import MarketModel, ModelFit, ModelTask
from eventstudy.significance import Sample
from eventstudy.significance.history import Everywhere, History, remembered
from eventstudy.significance.resampling import (
    WEBB,
    ClusterBootstrap,
    PlaceboShift,
    all_signs,
    by_date,
    wild_statistics,
    wild_weights,
)

Floats = npt.NDArray[np.float64]
ROOT_HALF, ROOT_THREE_HALVES = 0.5**0.5, 1.5**0.5


def sample(
    positions: list[int] | npt.NDArray[np.int64], seed: int = 0, length: int = 3, m: int = 80
) -> Sample:
    """Independent normal returns; events of one date share half of their variance."""
    rng = np.random.default_rng(seed)
    at = np.asarray(positions, dtype=np.int64)
    n = len(at)
    _, date = np.unique(at, return_inverse=True)
    common = rng.normal(0, 0.02, (date.max() + 1, length))
    return Sample(
        ar=common[date] + rng.normal(0.004, 0.02, (n, length)),
        v=np.broadcast_to(np.eye(length) * 0.0008, (n, length, length)).copy(),
        residuals=rng.normal(0, 0.03, (n, m)),
        estimation_rows=at[:, None] + np.arange(-10 - m, -10),
        positions=at,
        dof=np.full(n, m - 2),
        n_params=2,
    )


MASKS = np.array([[1, 0, 0], [1, 1, 1]], dtype=float)
UNEQUAL = [500, 500, 500, 530, 530, 560, 590, 620, 650, 650, 680, 710, 740, 770, 800, 830]


# --------------------------------------------------------------------------- cluster_bootstrap


def test_the_statistic_is_statsmodels_mean_with_errors_clustered_by_date() -> None:
    s = sample(UNEQUAL)
    found = ClusterBootstrap().evaluate(s, MASKS).verdict.statistic
    for w, mask in enumerate(MASKS):
        fit = sm.OLS(s.ar @ mask, np.ones(len(s))).fit(
            cov_type="cluster", cov_kwds={"groups": s.positions}
        )
        assert found[w] == pytest.approx(fit.tvalues[0], rel=1e-10)


def slow_t(values: list[float], dates: list[int]) -> float:
    """Return the mean over its standard error clustered by date, by plain arithmetic."""
    n, mean = len(values), sum(values) / len(values)
    held = sorted(set(dates))
    scatter = sum(
        sum(v - mean for v, d in zip(values, dates, strict=True) if d == date) ** 2 for date in held
    )
    return mean / (len(held) / (len(held) - 1) * scatter / n**2) ** 0.5


@pytest.mark.parametrize("positions", [UNEQUAL, UNEQUAL[:9], list(range(500, 1100, 40))])
def test_every_draw_by_a_plain_loop_over_the_same_weights(positions: list[int]) -> None:
    s = sample(positions, seed=4)
    dates = sorted(set(positions))
    weights, _ = wild_weights(len(dates), 199, s.seed)
    found = ClusterBootstrap(draws=199).evaluate(s, MASKS).verdict
    _, drawn = wild_statistics(*by_date(s.cars(MASKS)[0], s.positions), weights)
    for w, mask in enumerate(MASKS):
        car = [float(x) for x in s.ar @ mask]
        t = slow_t(car, positions)
        stars = []
        for weight in weights:
            of_date = dict(zip(dates, weight, strict=True))
            starred = [x * of_date[d] for x, d in zip(car, positions, strict=True)]
            stars.append(slow_t(starred, positions))
        np.testing.assert_allclose(drawn[:, w], stars, rtol=1e-9)
        assert found.greater[w] == pytest.approx((1 + sum(x >= t for x in stars)) / 200)
        assert found.less[w] == pytest.approx((1 + sum(x <= t for x in stars)) / 200)
        assert found.two_sided[w] == pytest.approx((1 + sum(abs(x) >= abs(t) for x in stars)) / 200)


def test_all_sign_patterns_of_twelve_dates_by_enumeration() -> None:
    positions = [500 + 30 * k for k in range(12)] + [500, 530]
    s = sample(positions, seed=2)
    found = ClusterBootstrap(draws=4095).evaluate(s, MASKS[:1]).verdict
    assert "all 4095 other sign patterns" in str(found.distribution)
    car = s.ar @ MASKS[0]
    which = np.unique(s.positions, return_inverse=True)[1]
    t = slow_t(list(car), positions)
    size = same_side = 0
    for signs in itertools.product((1.0, -1.0), repeat=12):
        star = slow_t(list(car * np.array(signs)[which]), positions)
        size += abs(star) >= abs(t) - 1e-9
        same_side += star >= t - 1e-9
    assert found.two_sided[0] == pytest.approx(size / 2**12, abs=1e-12)
    assert found.greater[0] == pytest.approx(same_side / 2**12, abs=1e-12)
    assert found.two_sided[0] >= 2 / 2**12


def test_sign_patterns_of_three_dates_by_hand() -> None:
    found = {tuple(row) for row in all_signs(3)}
    assert len(all_signs(3)) == 7
    assert found == set(itertools.product((1.0, -1.0), repeat=3)) - {(1.0, 1.0, 1.0)}


def test_webbs_points_have_mean_zero_and_variance_one() -> None:
    expected = [
        -ROOT_THREE_HALVES, -1, -ROOT_HALF, ROOT_HALF, 1, ROOT_THREE_HALVES,
    ]  # fmt: skip
    np.testing.assert_allclose(sorted(WEBB), expected, rtol=1e-15)
    few, said = wild_weights(11, 999, 0)
    assert "Webb" in said
    assert {round(float(x), 12) for x in np.unique(few)} == {round(x, 12) for x in expected}
    many, said = wild_weights(12, 999, 0)
    assert "Rademacher" in said
    assert set(np.unique(many)) == {-1.0, 1.0}
    np.testing.assert_allclose(few.mean(), 0.0, atol=0.03)
    np.testing.assert_allclose(many.mean(), 0.0, atol=0.03)


def test_four_dates_are_refused() -> None:
    found = ClusterBootstrap().evaluate(sample([500, 530, 560, 590, 590]), MASKS).verdict
    assert found.distribution == "undefined: 4 dates, at least 5 needed"
    assert np.isnan(found.two_sided).all()
    five = ClusterBootstrap().evaluate(sample([500, 530, 560, 590, 620]), MASKS).verdict
    assert np.isfinite(five.two_sided).all()


@given(seed=st.integers(0, 2**20), size=st.floats(0.0, 0.2))
@settings(max_examples=30, deadline=None)
def test_p_is_never_below_its_floor_and_order_changes_nothing(seed: int, size: float) -> None:
    s = sample(UNEQUAL, seed)
    s = replace(s, ar=s.ar + size)
    order = np.random.default_rng(seed).permutation(len(s))
    mixed = replace(
        s, ar=s.ar[order], v=s.v[order], residuals=s.residuals[order],
        estimation_rows=s.estimation_rows[order], positions=s.positions[order],
    )  # fmt: skip
    test = ClusterBootstrap(draws=99)
    one, other = test.evaluate(s, MASKS).verdict, test.evaluate(mixed, MASKS).verdict
    for p in (one.two_sided, one.greater, one.less):
        assert ((p >= 0.01) & (p <= 1.0)).all()
    np.testing.assert_array_equal(one.two_sided, other.two_sided)
    np.testing.assert_array_equal(one.greater, other.greater)
    np.testing.assert_allclose(one.statistic, other.statistic, rtol=1e-9)
    turned = test.evaluate(replace(s, ar=-s.ar), MASKS).verdict
    np.testing.assert_array_equal(one.greater, turned.less)
    np.testing.assert_array_equal(one.two_sided, turned.two_sided)


def test_an_event_that_is_there_twice_adds_nothing() -> None:
    s = sample(UNEQUAL, seed=9)
    twice = s.take(np.ones(len(s), dtype=bool))
    twice = replace(
        s, **{name: np.concatenate([getattr(s, name)] * 2)
              for name in ("ar", "v", "residuals", "estimation_rows", "positions", "dof")},
    )  # fmt: skip
    one, other = (ClusterBootstrap().evaluate(x, MASKS).verdict for x in (s, twice))
    np.testing.assert_allclose(one.statistic, other.statistic, rtol=1e-10)
    np.testing.assert_array_equal(one.two_sided, other.two_sided)


def test_size_where_events_of_a_date_move_together() -> None:
    """20 dates of 3 events, half of the variance shared: 5% within three standard errors."""
    rng = np.random.default_rng(11)
    positions = np.repeat(500 + 30 * np.arange(20), 3)
    base = sample(positions, length=1)
    rejected = 0
    for seed in range(500):
        ar = np.repeat(rng.normal(size=20), 3) + rng.normal(size=60)
        s = replace(base, ar=ar[:, None], seed=seed)
        rejected += ClusterBootstrap(199).evaluate(s, np.ones((1, 1))).verdict.two_sided[0] <= 0.05
    assert abs(rejected / 500 - 0.05) < 3 * (0.05 * 0.95 / 500) ** 0.5


def test_bootstrap_caveats() -> None:
    near = sample([500, 501, 530, 560, 590, 620, 650, 680, 710, 740])
    assert "windows overlap" in ClusterBootstrap().evaluate(near, MASKS).caveats[1]
    assert ClusterBootstrap().evaluate(near, MASKS).caveats[0] == ""
    unequal = sample([500] * 8 + [530, 560, 590, 620, 650])
    said = ClusterBootstrap().evaluate(unequal, MASKS).caveats[0]
    assert "one date holds 62% of the events" in said
    assert "only 6 dates" in said


# ------------------------------------------------------------------------------------- placebo


def random_history(seed: int) -> tuple[History, npt.NDArray[np.int64], Floats]:
    """Two series under three names at 40 sessions from row 100, hull [-1, 1]."""
    rng = np.random.default_rng(seed)
    ar = rng.normal(0, 0.02, (2, 40, 3))
    v = np.array([np.eye(3) * x for x in rng.uniform(0.0002, 0.001, 80)]).reshape(2, 40, 3, 3)
    v += 0.00005
    forbidden = rng.random((3, 142)) < 0.1
    usable = rng.random((2, 40)) < 0.95

    def errors(masks: Floats) -> Floats:
        return np.sqrt(np.einsum("wl,kplm,wm->kpw", masks, v, masks))

    everywhere = Everywhere(
        ar, usable, np.arange(100, 140), -1, np.array([0, 1, 1]), forbidden, remembered(errors)
    )
    names = np.array([0, 1, 2, 2, 0, 2])
    positions = np.array([104, 104, 111, 127, 139, 111])
    return History(everywhere, names, np.array([1.0, -1.0, 1.0, 1.0, -1.0, 1.0])), positions, v


def placebo_sample(history: History, positions: npt.NDArray[np.int64], v: Floats) -> Sample:
    rng = np.random.default_rng(5)
    columns, at = history.everywhere.columns[history.names], positions - 100
    ar = history.everywhere.ar[columns, at] * history.signs[:, None] + 0.01
    return Sample(
        ar, v[columns, at], rng.normal(0, 0.02, (6, 80)),
        positions[:, None] + np.arange(-90, -10), positions, np.full(6, 78), 2,
        history=lambda: history,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_shifts_by_a_plain_loop(seed: int) -> None:
    history, positions, v = random_history(seed)
    s = placebo_sample(history, positions, v)
    e = history.everywhere
    masks = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 1]], dtype=float)
    found = PlaceboShift().evaluate(s, masks).verdict
    for w, mask in enumerate(masks):
        days = [d for d, m in zip((-1, 0, 1), mask, strict=True) if m]
        length = len(days)
        gap = np.abs(positions[:, None] - positions[None, :])
        # Two events of row 104 and two of row 111 share all sessions, no others share any.
        pairs = [(i, j) for i in range(6) for j in range(i) if gap[i, j] < length]
        assert pairs == [(1, 0), (5, 2)]
        shared = sum(np.corrcoef(s.residuals[i], s.residuals[j])[0, 1] for i, j in pairs)
        r = max(0.0, shared / 15)
        scar = s.ar @ mask / np.sqrt([mask @ x @ mask for x in s.v])
        own = scar.sum() / np.sqrt(6 * (1 + 5 * r))
        draws = []
        for shift in range(1, 40):
            kept = []
            for i in range(6):
                p = (positions[i] - 100 + shift) % 40
                name, k = history.names[i], e.columns[history.names[i]]
                if e.forbidden[name, [100 + p + d for d in days]].any() or not e.usable[k, p]:
                    continue
                error = np.sqrt(mask @ v[k, p] @ mask)
                kept.append(history.signs[i] * e.ar[k, p] @ mask / error)
            if len(kept) >= 3:
                draws.append(sum(kept) / np.sqrt(len(kept) * (1 + (len(kept) - 1) * r)))
        greater = (1 + sum(d >= own for d in draws)) / (1 + len(draws))
        less = (1 + sum(d <= own for d in draws)) / (1 + len(draws))
        assert found.statistic[w] == pytest.approx(scar.mean(), rel=1e-12)
        assert found.greater[w] == pytest.approx(greater, abs=1e-12)
        assert found.less[w] == pytest.approx(less, abs=1e-12)
        assert found.two_sided[w] == pytest.approx(min(1, 2 * min(greater, less)), abs=1e-12)
        assert found.distribution[w].startswith(f"ranks among {len(draws)} of 39 shifts")


def test_events_with_a_missing_day_leave_with_their_history() -> None:
    """The window without the missing day keeps all events, the other is the sample of five."""
    history, positions, v = random_history(1)
    s = placebo_sample(history, positions, v)
    ar = s.ar.copy()
    ar[3, 0] = np.nan
    kept = np.array([True, True, True, False, True, True])
    five = s.take(kept)
    assert five.history is not None
    np.testing.assert_array_equal(five.history().names, [0, 1, 2, 0, 2])
    masks = np.array([[0, 1, 0], [1, 1, 1]], dtype=float)
    found = PlaceboShift().evaluate(replace(s, ar=ar), masks)
    whole, part = (PlaceboShift().evaluate(x, masks).verdict for x in (s, five))
    assert list(found.n) == [6, 5]
    assert found.verdict.greater[0] == whole.greater[0]
    assert found.verdict.greater[1] == part.greater[1]


def test_more_shifts_than_draws_are_a_seeded_subset_that_order_does_not_change() -> None:
    history, positions, v = random_history(2)
    s = placebo_sample(history, positions, v)
    masks = np.array([[0, 1, 0]], dtype=float)
    few = PlaceboShift(draws=15)
    said = few.evaluate(s, masks).verdict.distribution[0]
    assert said.startswith("ranks among 15 of 39 shifts of the calendar, p no smaller than 0.125")
    assert "few draws" in few.evaluate(s, masks).caveats[0]
    order = np.array([3, 0, 5, 4, 2, 1])
    turned = History(history.everywhere, history.names[order], history.signs[order])
    mixed = replace(
        s, ar=s.ar[order], v=s.v[order], residuals=s.residuals[order],
        estimation_rows=s.estimation_rows[order], positions=s.positions[order],
        history=lambda: turned,
    )  # fmt: skip
    one, other = (few.evaluate(x, masks).verdict for x in (s, mixed))
    assert one.greater[0] == other.greater[0]
    p = {few.evaluate(replace(s, seed=k), masks).verdict.greater[0] for k in range(8)}
    assert len(p) > 1
    assert min(p) >= 1 / 16


def test_without_a_history_placebo_says_so() -> None:
    found = PlaceboShift().evaluate(sample(UNEQUAL), MASKS).verdict
    assert found.distribution == "undefined: no history to draw from"


def test_event_induced_spread_is_named() -> None:
    history, positions, v = random_history(3)
    s = placebo_sample(history, positions, v)
    wide = replace(s, ar=5.0 * (s.ar - s.ar.mean(axis=0)))
    masks = np.array([[0, 1, 0]], dtype=float)
    assert "as much as other dates" in PlaceboShift().evaluate(wide, masks).caveats[0]
    flat = replace(s, ar=0.2 * s.ar)
    assert "as much as other dates" not in PlaceboShift().evaluate(flat, masks).caveats[0]


EVENTS = (("one", 150, "AA"), ("two", 150, "BB"), ("three", 171, "AA"), ("four", 190, "CC"))
World = tuple[pd.DataFrame, pd.DataFrame]


@pytest.fixture(scope="module")
def world() -> World:
    """Four events of three firms on 240 sessions, their betas and variances unlike."""
    rng = np.random.default_rng(8)
    days = pd.bdate_range("2022-01-03", periods=240)
    market = rng.normal(0.0003, 0.01, 240)
    returns = {"SPY": market}
    for k, ticker in enumerate(("AA", "BB", "CC")):
        returns[ticker] = (0.5 + 0.5 * k) * market + rng.normal(0, 0.01 + 0.01 * k, 240)
    for _, at, ticker in EVENTS:
        returns[ticker][at] += 0.03
    prices = 100.0 * (1.0 + pd.DataFrame(returns, index=days)).cumprod()
    events = pd.DataFrame(
        {
            "event_id": [name for name, _, _ in EVENTS],
            "date": [days[at].date().isoformat() for _, at, _ in EVENTS],
            "session": "regular",
            "tickers": [ticker for *_, ticker in EVENTS],
        }
    )
    return events, prices


def studied(world: World, **asked: object) -> es.StudyResult:
    table = es.load_prices(world[1])
    events = es.read_events(world[0], calendar="prices", prices=table)
    return es.event_study(
        events, table, window=(0, 1), estimation=60, gap=5, min_estimation=60, observed=(),
        **asked,  # type: ignore[arg-type]
    )  # fmt: skip


def test_the_placebo_of_a_study_by_refitting_with_statsmodels(world: World) -> None:
    found = studied(world, tests=["placebo"]).group_tests
    row = found[(found["group"] == "all") & (found["window"] == "0,1")].iloc[0]
    returns = world[1].pct_change().to_numpy()
    place = {ticker: i for i, ticker in enumerate(world[1].columns)}
    # Row 65 is the first with 60 sessions before a gap of 5; one of them, row 0, has no
    # return, so that it can hold no event.
    rows = range(65, 239)
    residuals: dict[tuple[str, int], Floats] = {}

    def scar(ticker: str, at: int) -> float:
        before, during = slice(at - 65, at - 5), slice(at, at + 2)
        y, x = returns[:, place[ticker]], sm.add_constant(returns[:, place["SPY"]])
        if not np.isfinite(y[before]).all():
            return np.nan
        fit = sm.OLS(y[before], x[before]).fit()
        residuals[ticker, at] = fit.resid
        total = x[during].sum(axis=0)
        variance = fit.mse_resid * 2 + total @ fit.cov_params() @ total
        return float((y[during] - fit.predict(x[during])).sum() / np.sqrt(variance))

    scars = {(t, at): scar(t, at) for t in ("AA", "BB", "CC") for at in rows}
    usable = [at for at in rows if np.isfinite(scars["AA", at])]
    assert usable == list(rows)[1:]
    truth = {t: {at + d for _, at, u in EVENTS if u == t for d in (0, 1)} for t in place}
    r = np.corrcoef(residuals["AA", 150], residuals["BB", 150])[0, 1] / 6
    scale = [np.nan, *(np.sqrt(n * (1 + (n - 1) * max(r, 0.0))) for n in (1, 2, 3, 4))]
    own = sum(scars[t, at] for _, at, t in EVENTS) / scale[4]
    draws = []
    for shift in range(1, len(rows)):
        kept = []
        for _, at, ticker in EVENTS:
            new = rows[0] + (at - rows[0] + shift) % len(rows)
            if new > 65 and not {new, new + 1} & truth[ticker]:
                kept.append(scars[ticker, new])
        if len(kept) >= 2:
            draws.append(sum(kept) / scale[len(kept)])
    greater = (1 + sum(d >= own for d in draws)) / (1 + len(draws))
    assert 0.0 < greater < 0.2
    assert row["statistic"] == pytest.approx(np.mean([scars[t, at] for _, at, t in EVENTS]))
    assert row["p_greater"] == pytest.approx(greater, abs=1e-12)
    assert row["distribution"].startswith(f"ranks among {len(draws)} of {len(rows) - 1} shifts")


def test_a_study_whose_placebos_were_drawn_is_freed(world: World) -> None:
    study = studied(world, tests=["placebo"])
    assert len(study.group_tests)
    held = ref(study)
    del study
    gc.collect()
    assert held() is None


def test_on_one_date_the_placebo_is_the_rank_of_the_mean_among_dates(world: World) -> None:
    """Two events on one date: the calendar is a point, and each shift is another date."""
    events, prices = world[0].iloc[:2], world[1]
    study = studied((events, prices), tests=["placebo"])
    row = study.group_tests.query("group == 'all' and window == '0,0'").iloc[0]
    at = study.places.positions[0]
    history = {}
    for name, ticker in (("one", "AA"), ("two", "BB")):
        values = prices[ticker].pct_change().to_numpy()
        market = prices["SPY"].pct_change().to_numpy()
        for t in range(66, 239):
            x = sm.add_constant(market[t - 65 : t - 5])
            fit = sm.OLS(values[t - 65 : t - 5], x).fit()
            z = np.array([1.0, market[t]])
            error = np.sqrt(fit.mse_resid + z @ fit.cov_params() @ z)
            history[name, t] = (values[t] - z @ fit.params) / error
    mean = {t: (history["one", t] + history["two", t]) / 2 for t in range(66, 239)}
    others = [mean[t] for t in mean if t not in (at, at + 1)]
    expected = (1 + sum(x >= mean[at] for x in others)) / (1 + len(others))
    assert row["p_greater"] == pytest.approx(expected, abs=1e-12)
    assert "100% of events left" in row["distribution"]


class Slow:
    """A market model that says that it takes long and knows no forecast covariance."""

    name = "slow"
    needs_benchmark = True
    iterates = True

    def fit(self, task: ModelTask) -> ModelFit:
        found = MarketModel().fit(task)
        return replace(found, v=np.full_like(found.v, np.nan), covariance="none")


APART = (("one", 150, "AA"), ("three", 171, "AA"), ("four", 190, "CC"))
"""No two share a session, so that r is zero."""


@pytest.fixture(scope="module")
def calm(world: World) -> World:
    """The events apart, their days like any other."""
    returns = world[1].pct_change().fillna(0.0)
    for _, at, ticker in EVENTS:
        returns.iloc[at, returns.columns.get_loc(ticker)] -= 0.032
    kept = world[0]["event_id"].isin([name for name, *_ in APART])
    return world[0][kept], 100.0 * (1.0 + returns).cumprod()


def slow_study(world: World) -> pd.Series:
    study = studied(world, model=Slow(), tests=["placebo"])
    found: pd.Series = study.group_tests.query("group == 'all' and window == '0,0'").iloc[0]
    return found


def slow_placebo(world: World, step: int, rounded: bool) -> tuple[float, int]:
    """Return p_greater of the mean CAR of day 0 and the number of draws, by a plain loop.

    Rows 65 to 239 are 175 in a circle; 66 is the first with 60 returns before a gap of 5, 238
    the last with the hull 0,1.
    """
    returns = world[1].pct_change()
    truth = {t: {at + d for _, at, u in APART if u == t for d in (0, 1)} for t in returns}

    def car(ticker: str, at: int) -> float:
        before = returns.iloc[at - 65 : at - 5]
        slope, level = np.polyfit(before["SPY"], before[ticker], 1)
        return float(returns[ticker].iloc[at] - level - slope * returns["SPY"].iloc[at])

    own = sum(car(ticker, at) for _, at, ticker in APART) / np.sqrt(3)
    draws = []
    for shift in range(step, 175, step):
        kept = []
        for _, at, ticker in APART:
            away = step * round((at - 65) / step) if rounded else at - 65
            new = 65 + (away + shift) % 175
            if 66 <= new <= 238 and new not in truth[ticker]:
                kept.append(car(ticker, new))
        if len(kept) >= 2:
            draws.append(sum(kept) / np.sqrt(len(kept)))
    return (1 + sum(d >= own for d in draws)) / (1 + len(draws)), len(draws)


def test_a_slow_model_is_refitted_for_some_shifts_and_keeps_the_gaps(
    calm: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows 65 to 238 are 174, and 174 / 35 makes one in five: 35 shifts, one of them none."""
    monkeypatch.setattr("eventstudy.study.placebo.MOST_REFITS", 35)
    row = slow_study(calm)
    p, draws = slow_placebo(calm, 5, rounded=False)
    assert row["p_greater"] == pytest.approx(p, abs=1e-12)
    assert row["distribution"].startswith(f"ranks among {draws} of 34 shifts of the calendar")
    assert "refitted for one shift in 5" in row["distribution"]
    assert "of the mean CAR" in row["distribution"]
    assert "gaps" not in row["caveat"]
    assert slow_placebo(calm, 5, rounded=True) != (p, draws)


def test_where_the_refits_are_too_many_gaps_change_and_a_caveat_says_so(
    calm: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AA needs two sessions in five (85 and 106 from the first), CC one: 1.5 on average."""
    monkeypatch.setattr("eventstudy.study.placebo.MOST_REFITS", 35)
    monkeypatch.setattr("eventstudy.study.placebo.DEAREST", 1.5)
    assert "gaps" not in slow_study(calm)["caveat"]
    monkeypatch.setattr("eventstudy.study.placebo.DEAREST", 1.4)
    row = slow_study(calm)
    p, draws = slow_placebo(calm, 5, rounded=True)
    assert row["p_greater"] == pytest.approx(p, abs=1e-12)
    assert row["distribution"].startswith(f"ranks among {draws} of 34 shifts")
    assert "gaps between events change by up to 5 sessions in the draws" in row["caveat"]


def test_a_slow_models_statistic_is_its_own(world: World) -> None:
    study = studied(world, model=Slow(), tests=["placebo"])
    market = studied(world).cars.query("window == '0,1'")["car"].mean()
    window = study.group_tests.query("group == 'all' and window == '0,1'").iloc[0]
    assert window["statistic"] == pytest.approx(market, rel=1e-10)


def test_windows_that_were_not_asked_for_are_refitted(world: World) -> None:
    """The covariances are not kept: another window asks for its errors again."""
    from eventstudy.study.placebo import everywhere

    study = studied(world)
    e = everywhere(study, study.config.models[0])
    assert everywhere(study, study.config.models[0]) is e
    known: Callable[[Floats], Floats] = e.errors
    other = known(np.array([[1.0, -1.0]]))
    k = int(study.places.columns[0])
    p = int(study.places.positions[0] - e.positions[0])
    v = study.fits["market"].fit.v[0]
    expected = np.sqrt(v[0, 0] + v[1, 1] - 2 * v[0, 1])
    assert other[k, p, 0] == pytest.approx(expected, rel=1e-10)
