"""Tests of one event: other securities on its date, by hand; what a model cannot give."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

import eventstudy as es
from eventstudy.activity import variance_ratio
from eventstudy.models import MarketModel, ModelFit, ModelTask
from eventstudy.models.contract import Needs
from eventstudy.significance.single import beyond_ranks, by_size, empirical_tails, kind_tails
from eventstudy.study.tables import samples

Floats = npt.NDArray[np.float64]
AT = 80
TICKERS = ("SPY", "QQQ", "AA", "BB", "CC", "DD", "EE", "FF")


@pytest.fixture(scope="module")
def returns() -> dict[str, Floats]:
    """The event moves AA by 6% and its peer BB by -50%; DD is volatile and moves by 20%."""
    rng = np.random.default_rng(4)
    market = rng.normal(0, 0.01, 120)
    spread = {"QQQ": 0.001, "AA": 0.01, "BB": 0.01, "CC": 0.01, "DD": 0.2, "EE": 0.01, "FF": 0.01}
    found = {"SPY": market} | {t: market + rng.normal(0, s, 120) for t, s in spread.items()}
    moves = {"QQQ": -0.4, "AA": 0.06, "BB": -0.5, "CC": 0.02, "DD": 0.2, "EE": -0.01, "FF": 0.0}
    for ticker, move in moves.items():
        found[ticker][AT] = market[AT] + move
    return found


def studied(
    returns: dict[str, Floats], *, also: tuple[str, ...] = (), **asked: object
) -> es.StudyResult:
    """Return the study of the event, and of one of FF at row 100 where `also` has its tickers."""
    days = pd.bdate_range("2022-01-03", periods=120)
    prices = es.load_prices(100.0 * (1.0 + pd.DataFrame(returns, index=days)).cumprod())
    frame = pd.DataFrame(
        {
            "event_id": ["only", "other"][: 1 + len(also)],
            "date": [days[at].date().isoformat() for at in (AT, 100)[: 1 + len(also)]],
            "session": "regular",
            "kind": "earnings",
            "subject": ["AA", "FF"][: 1 + len(also)],
            "tickers": ["AA;BB", *also],
        }
    )
    events = es.read_events(frame, calendar="prices", prices=prices, baskets={"@XY": ["AA", "CC"]})
    return es.event_study(
        events, prices, window=(0, 0), estimation=40, gap=5, min_estimation=40,
        observed=["@XY", "CC"], **asked,  # type: ignore[arg-type]
    )  # fmt: skip


def row(study: es.StudyResult, label: str, test: str) -> pd.Series:
    rows = study.single_tests
    found = rows[(rows["group"] == f"only/{label}") & (rows["test"] == test)]
    assert len(found) == 1
    return found.iloc[0]


def market_adjusted_scar(returns: dict[str, Floats], ticker: str) -> float:
    """Return today's return less the market's, over the root mean square of 40 such before."""
    excess = [float(a - m) for a, m in zip(returns[ticker], returns["SPY"], strict=True)]
    before = excess[AT - 45 : AT - 5]
    return excess[AT] / (sum(e * e for e in before) / 40) ** 0.5


def test_placebo_space_by_hand(returns: dict[str, Floats]) -> None:
    """Donors are CC, DD, EE, FF: not the fund, the benchmark, the peer or AA itself."""
    study = studied(returns, model="market-adjusted")
    assert study.config.donors == ("AA", "BB", "CC", "DD", "EE", "FF")
    found = row(study, "AA", "placebo_space")
    own = market_adjusted_scar(returns, "AA")
    donors = [market_adjusted_scar(returns, t) for t in ("CC", "DD", "EE", "FF")]
    assert found["statistic"] == pytest.approx(own, rel=1e-9)
    assert sum(d >= own for d in donors) == 0
    assert found["p_greater"] == pytest.approx(1 / 5)
    assert found["p_less"] == pytest.approx(1.0)
    assert found["p_value"] == pytest.approx(2 / 5)
    assert found["distribution"] == "ranks among 4, p no smaller than 0.4 (0.2 one-sided)"
    assert found["caveat"] == "few draws"


def test_p_below_what_ranks_can_show_is_said_beside_it(returns: dict[str, Floats]) -> None:
    """Forty sessions before hold forty windows of one day: by ranks p is 2 / 41 at least."""
    study = studied(returns, model="market-adjusted")
    cars = study.cars.set_index("ticker")
    said = "p is below 0.049, the smallest by ranks among 40 windows before the event"
    assert cars.loc["AA", "p_value"] < 1e-4
    assert cars.loc["AA", "caveat"] == f"{said}: it rests on normal tails"
    calm = dict(returns)
    calm["AA"] = returns["AA"].copy()
    calm["AA"][AT] = returns["SPY"][AT] + 0.005
    row_of = studied(calm, model="market-adjusted").cars.set_index("ticker").loc["AA"]
    assert row_of["p_value"] > 2 / 41
    assert row_of["caveat"] == ""
    ratios = variance_ratio(study, every_day=False).events.set_index("ticker")["caveat"]
    assert ratios["AA"] == cars.loc["AA", "caveat"]


def test_what_ranks_can_show_by_hand() -> None:
    """M = 40: windows of 1 and 3 number 40 and 38; M = 5: 5 and 3, so 2 / 6 and 2 / 4."""
    residuals = np.random.default_rng(1).normal(size=(2, 40))
    residuals[1, :35] = np.nan
    near = 1e-9
    below = beyond_ranks(
        np.array([[2 / 41 - near, 2 / 39 - near], [2 / 6 - near, 2 / 4 - near]]), residuals, [1, 3]
    )
    assert [text.split("among ")[1].split()[0] for texts in below for text in texts] == [
        "40", "38", "5", "3",
    ]  # fmt: skip
    above = np.array([[2 / 41, np.nan], [2 / 6, 1.0]])
    assert beyond_ranks(above, residuals, [1, 30]) == [["", ""], ["", ""]]
    assert "among 0 windows" in beyond_ranks(np.array([[1.0], [0.9]]), residuals, [9])[1][0]


def test_a_security_is_no_donor_of_itself(returns: dict[str, Floats]) -> None:
    """CC is observed beside the event's tickers: DD, EE and FF are left."""
    found = row(studied(returns, model="market-adjusted"), "CC", "placebo_space")
    own = market_adjusted_scar(returns, "CC")
    donors = [market_adjusted_scar(returns, t) for t in ("DD", "EE", "FF")]
    assert found["distribution"].startswith("ranks among 3,")
    assert found["p_greater"] == pytest.approx((1 + sum(d >= own for d in donors)) / 4)


def test_a_volatile_donor_does_not_decide_alone(returns: dict[str, Floats]) -> None:
    """DD moves by 20% and AA by 6%, but for DD that is an ordinary day."""
    assert returns["DD"][AT] > returns["AA"][AT]
    assert market_adjusted_scar(returns, "DD") < market_adjusted_scar(returns, "AA")
    assert row(studied(returns, model="market-adjusted"), "AA", "placebo_space")["p_greater"] == 0.2
    other = dict(returns)
    other["EE"] = returns["EE"].copy()
    other["EE"][AT] = returns["SPY"][AT] + 0.3
    found = row(studied(other, model="market-adjusted"), "AA", "placebo_space")
    assert found["p_greater"] == pytest.approx(2 / 5)


def test_donors_that_were_asked_for_without_a_full_window_are_no_draws(
    returns: dict[str, Floats],
) -> None:
    short = dict(returns)
    short["FF"] = np.concatenate([np.full(AT - 30, np.nan), returns["FF"][AT - 30 :]])
    days = pd.bdate_range("2022-01-03", periods=120)
    assert len(days) == len(short["FF"])
    found = row(studied(short, model="market-adjusted"), "AA", "placebo_space")
    assert found["distribution"].startswith("ranks among 3,")
    few = row(studied(returns, model="market", donors=["CC", "DD"]), "BB", "placebo_space")
    assert few["distribution"].startswith("ranks among 2,")
    assert few["p_less"] == pytest.approx(1 / 3)


def test_a_basket_has_no_placebo_in_space(returns: dict[str, Floats]) -> None:
    found = row(studied(returns), "@XY", "placebo_space")
    assert np.isnan(found[["statistic", "p_value", "p_greater", "p_less"]].astype(float)).all()
    assert found["distribution"] == "undefined: the placebos are single securities"
    none = row(studied(returns, donors=["AA", "BB"]), "AA", "placebo_space")
    assert none["distribution"] == "undefined: no other security"


def plain_mean(donors: Floats) -> Floats:
    there = np.isfinite(donors)
    count = there.sum(axis=2)
    return np.where(count > 0, np.where(there, donors, 0.0).sum(axis=2), np.nan) / (count + 1e-300)


class MeanOfDonors:
    """A counterfactual that is the plain mean of the donors; no forecast covariance."""

    name = "mean-of-donors"
    needs_benchmark = False
    needs = Needs(benchmark=False, donors=True)

    def fit(self, task: ModelTask) -> ModelFit:
        n, length = task.y_event.shape
        blank = np.full(n, np.nan)
        residuals = task.y - plain_mean(task.donors)
        used = np.isfinite(residuals).sum(axis=1)
        return ModelFit(
            ar=task.y_event - plain_mean(task.donors_event),
            v=np.full((n, length, length), np.nan), residuals=residuals,
            leverage=np.zeros_like(residuals), s2=np.nansum(residuals**2, axis=1) / 40,
            dof=used.astype(np.int64), n_params=0, alpha=blank, beta=blank,
            condition=np.ones(n), covariance="none",
        )  # fmt: skip


def test_each_donor_has_its_own_control_of_the_remaining_donors(
    returns: dict[str, Floats],
) -> None:
    """CAR over the root mean square residual, each donor against the other three."""
    calm = {t: r.copy() for t, r in returns.items()}
    for ticker, move in {"AA": -0.1, "CC": -0.3, "DD": 0.0, "EE": -0.3, "FF": -0.2}.items():
        calm[ticker][AT] = move
    found = row(studied(calm, model=MeanOfDonors()), "AA", "placebo_space")
    pool = ("CC", "DD", "EE", "FF")

    def ratio(ticker: str) -> float:
        others = [t for t in pool if t != ticker]
        gap = calm[ticker] - sum(calm[t] for t in others) / len(others)
        before = gap[AT - 45 : AT - 5]
        return float(gap[AT] / (sum(before**2) / 40) ** 0.5)

    own, donors = ratio("AA"), [ratio(t) for t in pool]
    assert found["statistic"] == pytest.approx(own, rel=1e-9)
    count = sum(abs(d) >= abs(own) for d in donors)
    # Two donors fell by more than AA rose; twice the smaller tail would be 2/5.
    assert (count, sum(d >= own for d in donors)) == (2, 0)
    assert found["p_value"] == pytest.approx((1 + count) / 5)
    assert found["p_greater"] == pytest.approx((1 + sum(d >= own for d in donors)) / 5)
    assert found["distribution"] == (
        "ranks among 4, p no smaller than 0.2 (0.2 one-sided), two-sided by size, of CAR over "
        "the root mean square residual"
    )


class NoCovariance:
    """The market model, saying that it knows no covariance of forecast errors."""

    name = "no-covariance"
    needs_benchmark = True

    def fit(self, task: ModelTask) -> ModelFit:
        found = MarketModel().fit(task)
        return replace(found, v=np.full_like(found.v, np.nan), covariance="none")


def test_a_model_without_covariance_has_no_forecast_t(returns: dict[str, Floats]) -> None:
    study = studied(returns, model=["market", NoCovariance()])
    rows = study.single_tests.query("group == 'only/AA' and model == 'no-covariance'")
    rows = rows.set_index("test")
    forecast = rows.loc["forecast_t"]
    assert forecast["distribution"] == "undefined: the model gives no forecast covariance"
    assert forecast[["statistic", "p_value", "p_greater", "p_less"]].isna().all()
    assert "of CAR over the root mean square residual" in rows.loc["placebo_space", "distribution"]
    assert np.isfinite(rows.loc[["sq", "placebo_time", "placebo_space"], "p_value"]).all()


class Counting:
    """A market model that counts what it is fitted to, and says whether it takes long."""

    name = "counting"
    needs_benchmark = True

    def __init__(self, iterates: bool) -> None:
        self.iterates, self.fitted = iterates, 0

    def fit(self, task: ModelTask) -> ModelFit:
        self.fitted += len(task.y)
        return MarketModel().fit(task)


@pytest.mark.parametrize("iterates", [True, False])
@pytest.mark.parametrize("asked", [("bmp", "corrado"), ("bmp", "placebo"), None])
def test_a_slow_model_is_not_refitted_for_what_nobody_asked(
    returns: dict[str, Floats], iterates: bool, asked: tuple[str, ...] | None
) -> None:
    """The event is seen on AA, BB, CC and @XY: four fits, and no more unless for placebos."""
    model = Counting(iterates)
    study = studied(returns, model=model, tests=asked)
    assert model.fitted == 4
    found = study.tests
    placebos = found["test"].isin(["placebo_time", "placebo_space"])
    single = found["group"].str.startswith("only/")
    own = found[single & placebos & (found["group"] == "only/AA")]
    if iterates and asked == ("bmp", "corrado"):
        assert model.fitted == 4
        assert own["distribution"].str.startswith("undefined: not asked for: models that").all()
        assert own[["statistic", "p_value", "p_greater", "p_less"]].isna().all(axis=None)
    else:
        assert model.fitted > 100
        assert own["p_value"].notna().all()
    rest = found[single & ~placebos & (found["group"] == "only/AA")]
    assert rest.set_index("test")["p_value"].drop("placebo_kind").notna().all()


def test_placebo_kind_ranks_cars_where_there_is_no_covariance(root: Path) -> None:
    events = es.read_events(root / "events.csv")
    events = events.select([e.event_id for e in events if e.event_id.startswith("avgo-earnings")])
    prices = es.load_prices({"AVGO", "NVDA", "MRVL", "AMD", "SPY"}, source="sample")
    study = es.event_study(events, prices, model=NoCovariance(), window=(0, 0))
    rows = study.single_tests
    found = rows[(rows["test"] == "placebo_kind") & rows["group"].str.endswith("/AVGO")]
    cars = study.cars[study.cars["ticker"] == "AVGO"].drop_duplicates("event_id")
    sizes = cars.set_index("event_id")["car"].abs()
    assert len(found) == len(sizes) == 2
    for group, p in zip(found["group"], found["p_value"], strict=True):
        own = sizes[group.split("/")[0]]
        assert p == pytest.approx((sizes >= own).sum() / len(sizes))
    assert (
        found["distribution"].str.endswith("of |CAR|: the model gives no forecast covariance").all()
    )


def test_baskets_are_concerned_by_every_event_and_tickers_by_their_own(
    returns: dict[str, Floats],
) -> None:
    """Rows 45 to 119 have 40 sessions before a gap of 5, the first of them without row 0."""
    study = studied(returns, also=("FF",))
    draws = {
        label: int(row(study, label, "placebo_time")["distribution"].split()[2].rstrip(","))
        for label in ("AA", "@XY")
    }
    assert draws == {"AA": 74 - 1, "@XY": 74 - 2}


def test_placebo_time_of_a_model_of_donors_leaves_the_peers_out(
    returns: dict[str, Floats],
) -> None:
    gap = returns["AA"] - sum(returns[t] for t in ("CC", "DD", "EE", "FF")) / 4
    draws = [gap[t] for t in range(46, 120) if t != AT]
    greater = (1 + sum(d >= gap[AT] for d in draws)) / (1 + len(draws))
    found = row(studied(returns, model=MeanOfDonors()), "AA", "placebo_time")
    assert found["p_greater"] == pytest.approx(greater, abs=1e-12)
    assert 0.02 < greater < 0.9


def test_histories_hold_the_events_themselves(sample_study: es.StudyResult) -> None:
    """Where no shift is made the history is the sample: same series, session and sign."""
    seen = set()
    for _, model, group, sample in samples(sample_study):
        assert sample.history is not None
        history = sample.history()
        e = history.everywhere
        own = e.ar[e.columns[history.names], e.places(sample.positions)]
        np.testing.assert_allclose(own * history.signs[:, None], sample.ar, atol=1e-12)
        seen.add((model, group.name))
    assert ("market", "gpu+") in seen
    assert ("mean", "directional") in seen


def test_samples_carry_seed_and_covariance(returns: dict[str, Floats]) -> None:
    study = studied(returns, also=("FF",), model=NoCovariance(), seed=7, tests=["bmp", "placebo"])
    assert {sample.seed for *_, sample in samples(study)} == {7}
    found = study.group_tests.query("group == 'all' and test == 'bmp'")
    assert (found["distribution"] == "undefined: the model gives no forecast covariance").all()


def test_a_missing_value_has_no_rank() -> None:
    """Nothing is at least as large as what is missing; that is no evidence."""
    draws = np.array([[1.0, 2.0, np.nan], [1.0, 2.0, 3.0]])
    value = np.array([np.nan, 3.0])
    tails = empirical_tails(value, draws)
    assert np.isnan(tails.greater[0])
    assert np.isnan(tails.two_sided[0])
    assert tails.greater[1] == pytest.approx(2 / 4)
    sized = by_size(value, -draws, empirical_tails(value, -draws))
    assert np.isnan(sized.two_sided[0])
    assert sized.two_sided[1] == pytest.approx(2 / 4)
    kinds = kind_tails(np.array([np.nan, 1.0, -2.0]), np.zeros(3, dtype=np.int64))
    assert np.isnan(kinds.two_sided[0])
    np.testing.assert_allclose(kinds.two_sided[1:], [1.0, 0.5])


def test_sizes_are_ranked_row_by_row() -> None:
    """(1 + #{|draw| >= |value|}) / (B + 1), counted by hand; nothing else of the tails changes."""
    value = np.array([1.0, -2.0, 0.5])
    draws = np.array([[-1.0, 0.5, 2.0, np.nan], [1.0, -3.0, 2.0, 0.0], [0.1, 0.2, -0.3, 0.4]])
    tails = empirical_tails(value, draws)
    sized = by_size(value, draws, tails)
    np.testing.assert_allclose(sized.two_sided, [3 / 4, 3 / 5, 1 / 5], rtol=1e-15)
    np.testing.assert_allclose(sized.greater, [2 / 4, 4 / 5, 1 / 5], rtol=1e-15)
    np.testing.assert_allclose(sized.less, [3 / 4, 2 / 5, 5 / 5], rtol=1e-15)
    np.testing.assert_array_equal(sized.draws, [3, 4, 4])


def test_nothing_to_draw_from_is_said_where_the_history_is_too_short(
    returns: dict[str, Floats],
) -> None:
    """Every session with a full window belongs to the one event."""
    short = {t: r[: AT + 1] for t, r in returns.items()}
    days = pd.bdate_range("2022-01-03", periods=AT + 1)
    prices = es.load_prices(100.0 * (1.0 + pd.DataFrame(short, index=days)).cumprod())
    frame = pd.DataFrame(
        {"event_id": ["only"], "date": [days[AT].date().isoformat()], "session": ["regular"],
         "tickers": ["AA"]}
    )  # fmt: skip
    events = es.read_events(frame, calendar="prices", prices=prices)
    study = es.event_study(
        events, prices, window=(0, 0), estimation=75, gap=5, min_estimation=74, observed=()
    )
    found = row(study, "AA", "placebo_time")
    assert found["distribution"] == "undefined: nothing to rank among"
    assert np.isnan(found["p_value"])


@pytest.mark.vendor
def test_broadcoms_day_among_other_securities(root: Path, vendor: Path) -> None:
    """18 securities less the four that the event lists are 14: no p below 1/15 one-sided."""
    events = es.read_events(root / "events.csv")
    prices = es.load_prices({path.stem for path in vendor.glob("*.csv")}, source=vendor)
    chosen = events.select([e.event_id for e in events if e.event_id.startswith("avgo-earnings")])
    study = es.event_study(chosen, prices, window=[(0, 0)])
    rows = study.single_tests
    here = rows[(rows["group"] == "avgo-earnings-2024-12-12/AVGO")].set_index("test")
    found = here.loc["placebo_space"]
    assert found["p_greater"] == pytest.approx(1 / 15)
    assert found["p_value"] == pytest.approx(2 / 15)
    assert here.loc["placebo_kind", "p_value"] == pytest.approx(1 / 9)
    nvidia = rows[rows["group"] == "avgo-earnings-2024-12-12/NVDA"].set_index("test")
    assert nvidia.loc["placebo_space", "p_value"] > 0.2
