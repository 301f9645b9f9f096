"""What the search leaves of the best variant: counted, deflated, split in halves, in words."""

from __future__ import annotations

import json
import math
import statistics

import numpy as np
import pytest
from scipy.stats import kurtosis, norm, skew

import eventstudy as es
from eventstudy.backtest.luck import cscv, reality_check
from eventstudy.backtest.sweep import Range, sweep
from eventstudy.backtest.sweep.heat import BINS, MOST_STEPS, counts_of, heat_of, steps
from eventstudy.backtest.sweep.wording import facts_of
from eventstudy.errors import UnknownNameError

OVER = {"hold": [1, 2, 4, 6, 8], "tilt": [0.1, 0.5, 0.9], "limit": [0.01, None]}


@pytest.fixture(scope="module")
def wide(make_event, make_table, make_days):
    """300 sessions: enough for sixteen blocks."""
    rng = np.random.default_rng(4)
    days = make_days(300)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, (300, 3)), axis=0))
    prices = {n: {"close": close[:, i]} for i, n in enumerate(("A", "B", "SPY"))}
    events = [make_event(f"e{i}", str(days[9 * i + 3])) for i in range(32)]
    return events, make_table(days, prices)


@pytest.fixture(scope="module")
def result(wide, folder):
    """30 variants, half of which fail."""
    return sweep(*wide, "pair:fill=close", OVER, folder=folder, jobs=1, seed=7)


def test_failed_variants_count_as_trials(result) -> None:
    """Bailey and Lopez de Prado (2014), line by line with scipy."""
    assert (len(result.ran), len(result.failed)) == (15, 15)
    ratios = [x.mean() / x.std(ddof=1) for x in result.excess.T]
    best = int(np.argmax(ratios))
    assert result.best == best
    x, n = result.excess[:, best], len(result.excess)
    euler, k = 0.5772156649015329, 30
    spread = statistics.stdev(ratios)
    sr0 = spread * ((1 - euler) * norm.ppf(1 - 1 / k) + euler * norm.ppf(1 - 1 / (k * math.e)))
    sr, g3, g4 = ratios[best], skew(x), kurtosis(x, fisher=False)
    z = (sr - sr0) * math.sqrt(n - 1) / math.sqrt(1 - g3 * sr + (g4 - 1) / 4 * sr**2)
    found = result.deflated
    assert found.trials == 30
    assert found.expected_max == pytest.approx(sr0, rel=1e-9)
    assert found.deflated == pytest.approx(norm.cdf(z), rel=1e-9)
    fewer = spread * ((1 - euler) * norm.ppf(1 - 1 / 15) + euler * norm.ppf(1 - 1 / (15 * math.e)))
    assert found.expected_max > fewer * 1.05


def test_overfitting_and_reality_are_those_of_luck(result) -> None:
    by_hand = cscv(result.excess)
    assert result.overfitting.pbo == by_hand.pbo
    assert result.overfitting.variants == 15
    np.testing.assert_allclose(result.overfitting.logits, by_hand.logits, atol=1e-12)
    assert result.reality == reality_check(result.excess, seed=7)
    assert 1 / 1000 <= result.reality.white <= 1


def test_what_differs_by_rounding_is_one_variant(wide, folder) -> None:
    """A stop that is never reached runs on Cerebro and gives the same account."""
    over = {"hold": list(range(1, 13)), "stop_loss": [None, 9.0]}
    found = sweep(*wide, "pair", over, folder=folder, jobs=1)
    assert set(found.table["engine"]) == {"vectorised", "cerebro"}
    assert found.overfitting.variants == 24
    assert found.overfitting.distinct == 12


def test_facts_are_json_and_hold_the_findings(result) -> None:
    facts = json.loads(json.dumps(facts_of(result, 3), allow_nan=False))
    row = result.ran.loc[result.best]
    assert (facts["variants"], facts["ran"], facts["failed"]) == (30, 15, 15)
    assert facts["best"]["variant"] == row["variant"]
    assert facts["best"]["sharpe"] == row["sharpe"]
    assert facts["best"]["parameters"] == {"hold": row["hold"], "tilt": row["tilt"], "limit": None}
    assert facts["deflated"]["expected_max"] == result.deflated.expected_max * math.sqrt(252)
    assert facts["engines"] == {"vectorised": 15}
    walk = result.walk_forward(3)
    tested = [result.event_ids.index(name) for name in walk.event_ids]
    own = result.earned[tested, result.best].tolist()
    assert facts["walk"]["profit"] == pytest.approx(walk.total)
    assert facts["walk"]["best_in_sample"] == pytest.approx(sum(own))
    t = statistics.mean(own) / (statistics.stdev(own) / math.sqrt(len(own)))
    assert facts["walk"]["best_in_sample_t"] == pytest.approx(t)
    manifest = json.loads(json.dumps(result.manifest(3), allow_nan=False))
    assert manifest["over"] == {"hold": [1, 2, 4, 6, 8], "tilt": [0.1, 0.5, 0.9],
                                "limit": [0.01, None]}  # fmt: skip
    assert manifest["variants"] == 30
    assert manifest["findings"] == json.loads(json.dumps(facts_of(result, 3)))
    assert manifest["file"] == "mine.py"


def test_the_summary_says_what_was_tried_and_what_it_rests_on(result) -> None:
    text = str(result)
    best = result.ran.loc[result.best]
    for part in (
        "pair:fill=close over hold 1 2 4 6 8, tilt 0.1 0.5 0.9, limit 0.01 none: 30 variants, 15",
        f"Highest Sharpe ratio of 30: {best['sharpe']:.2f} (s.e. {best['sharpe_se']:.2f})",
        "Deflated for 30 trials",
        f"Probability of backtest overfitting {100 * result.overfitting.pbo:.1f}%",
        "16 blocks, 15 different variants",
        f"p {result.reality.white:.3f} (White's reality check)",
        "999 draws, no p below 0.001",
        "Walk-forward, 4 folds",
        "Engine: 15 vectorised.",
        "15 x parameters of Pair: limit with fill=close: a limit order works during the session",
        "The 10 highest Sharpe ratios",
        "counts every variant of this sweep",
    ):
        assert part in text, part
    frame = result.summary_frame()
    assert list(frame["sharpe"]) == sorted(result.ran["sharpe"], reverse=True)
    assert set(frame["variant"]) == set(result.ran["variant"])


def test_what_cannot_be_told_is_said(world, folder) -> None:
    short = sweep(*world, "pair", {"hold": [1, 2]}, folder=folder, jobs=1)
    text = short.summary(folds=40)
    assert "overfitting: not told, for 1" in text
    assert "blocks need 160 or more" in text
    assert "Walk-forward: not told; folds 40; allowed: 2 to" in text
    idle = sweep(*world, "pair:k=9", {"hold": [1, 2]}, folder=folder, jobs=1)
    assert "No variant has a Sharpe ratio: none ran, or none traded." in str(idle)
    assert idle.deflated is None
    assert "only 0 dates of events were traded" in str(idle)
    json.dumps(idle.manifest(), allow_nan=False)


def test_all_variants_may_fail(world, folder) -> None:
    broken = sweep(*world, "fragile:mode=raises", {"hold": [1, 2, 3]}, folder=folder, jobs=1)
    assert (len(broken.ran), len(broken.failed)) == (0, 3)
    assert broken.excess.shape == (len(broken.dates), 0)
    assert "3 variants failed; they count as trials" in str(broken)
    json.dumps(broken.manifest(), allow_nan=False)
    assert broken.returns_frame().columns.tolist() == ["date"]


def test_a_notebook_shows_text_and_not_markup(world, tmp_path) -> None:
    (tmp_path / "s.py").write_text(
        "from eventstudy.backtest import EventStrategy\n"
        "class Odd(EventStrategy):\n    word: str = 'a'\n"
        "    def targets(self, event, history):\n"
        "        if self.word != 'a':\n            raise ValueError('<b>' + self.word)\n"
        "        return {'A': 1.0}\n"
    )
    result = sweep(*world, "odd", {"word": ["a", "<script>x</script>"]}, folder=tmp_path, jobs=1)
    html = result._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "<table" in html


def test_heat_is_the_mean_over_the_other_parameters(result) -> None:
    table = result.heat("hold", "tilt", "total_return")
    assert list(table.columns) == ["1", "2", "4", "6", "8"]
    assert list(table.index) == ["0.1", "0.5", "0.9"]
    for tilt in (0.1, 0.5, 0.9):
        for hold in (1, 2, 4, 6, 8):
            rows = [r for r in result.ran.to_dict("records")
                    if (r["hold"], r["tilt"]) == (hold, tilt)]  # fmt: skip
            expected = statistics.mean(r["total_return"] for r in rows)
            assert table.loc[f"{tilt:g}", str(hold)] == pytest.approx(expected)
    counts = result.heat_counts("hold", "tilt")
    assert (counts.to_numpy() == 1).all()
    with pytest.raises(UnknownNameError, match=r"'hol' \(did you mean 'hold'\?\)"):
        result.heat("hol", "tilt")
    with pytest.raises(UnknownNameError, match="figure of a sweep 'sharp'"):
        result.heat("hold", "tilt", "sharp")


def test_no_value_of_a_parameter_is_left_out_of_a_map(wide, folder) -> None:
    over = {"stop_loss": [None, 0.5], "hold": [3], "fill": ["open", "close"]}
    found = sweep(*wide, "pair", over, folder=folder, jobs=1)
    table = found.heat("stop_loss", "fill")
    assert (list(table.columns), list(table.index)) == (["0.5", "none"], ["open", "close"])
    assert np.isfinite(table.to_numpy()).all()


def test_many_numbers_are_put_into_equal_ranges(wide, folder) -> None:
    found = sweep(*wide, "pair", {"tilt": Range(0.1, 0.9), "hold": [1, 5]}, random=60,
                  folder=folder, jobs=1)  # fmt: skip
    table, counts = found.heat("tilt", "hold"), found.heat_counts("tilt", "hold")
    assert table.shape == (2, BINS)
    assert counts.to_numpy().sum() == 60
    values = found.ran["tilt"].to_numpy()
    edges = np.linspace(values.min(), values.max(), BINS + 1)
    inside = found.ran[(values >= edges[3]) & (values < edges[4]) & (found.ran["hold"] == 5)]
    assert counts.iloc[1, 3] == len(inside)
    assert table.iloc[1, 3] == pytest.approx(inside["sharpe"].mean(), nan_ok=True)


def test_steps_keep_order_and_count() -> None:
    places, labels = steps([5, None, 2, True, "x", 2.0, float("nan")])
    assert labels == ["2", "5", "none", "true", "x"]
    assert places.tolist() == [1, 2, 0, 3, 4, 0, 2]
    _, few = steps(list(range(MOST_STEPS)))
    assert len(few) == MOST_STEPS
    places, many = steps(list(range(MOST_STEPS + 1)))
    assert len(many) == BINS
    assert np.bincount(places).sum() == MOST_STEPS + 1


def test_variants_without_a_figure_leave_a_cell_empty(result) -> None:
    ran = result.ran.copy()
    ran.loc[ran["hold"] == 4, "sharpe"] = np.nan
    table = heat_of(ran, result.parameters, "hold", "tilt", "sharpe", ["sharpe"])
    assert table["4"].isna().all()
    assert table.drop(columns="4").notna().all().all()
    assert counts_of(ran, result.parameters, "hold", "tilt")["4"].tolist() == [1, 1, 1]


def test_returns_stand_under_the_numbers_of_their_variants(result) -> None:
    frame = result.returns_frame()
    assert list(frame.columns) == ["date", *(str(n) for n in result.ran["variant"])]
    np.testing.assert_array_equal(frame["1"], result.excess[:, 0])


@pytest.mark.vendor
def test_real_prices_by_the_verb_of_the_package(root, vendor) -> None:
    events = es.read_events(root / "events.csv")
    prices = es.load_prices(sorted(events.tickers | {"SPY"}), source=str(vendor), missing="drop")
    result = es.sweep(events, prices, "asic-gpu-rotation",
                      {"hold": [1, 2, 3, 5, 8, 10], "gross": [0.1, 0.2]}, jobs=1)  # fmt: skip
    assert len(result.ran) == 12
    assert set(result.table["engine"]) == {"vectorised"}
    assert 0 < result.overfitting.pbo < 1
    assert result.walk_forward().total < result.walk_forward().hindsight
