"""Figures: valid for plotly, and drawn from the right numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_page import Made  # type: ignore[import-not-found]
from scipy import stats
from scipy.integrate import trapezoid

import eventstudy as es
from eventstudy.report import figures
from eventstudy.report.figures.events import day_paths
from eventstudy.report.figures.single import noise_draws
from eventstudy.report.figures.style import DARK, dark_colours, safe

AVGO = "avgo-earnings-2024-12-12"


@pytest.fixture(scope="module")
def drawn(made: Made) -> dict[str, figures.Figure]:
    rows = rows_of(made, AVGO)[:3]
    found = [
        *figures.path_figures(made.study),
        figures.event_figure(made.study, AVGO),
        figures.forest_figure(made.study, AVGO),
        figures.effects_figure(made.study),
        figures.heatmap_figure(made.study),
        figures.power_figure(made.study),
        figures.size_figure(made.study),
        figures.noise_figure(made.study, rows, "0,0"),
        figures.kind_figure(made.study, rows, "0,0"),
        figures.price_figure(made.study, made.backtest, AVGO),
        figures.equity_figure(made.backtest),
    ]
    return {f.name: f for f in found if f is not None}


def rows_of(made: Made, event_id: str) -> list[int]:
    kept = enumerate(made.study.observations)
    return [i for i, o in kept if o.reading.event.event_id == event_id]


def traces(spec: dict[str, Any], name: str) -> dict[str, Any]:
    return next(t for t in spec["data"] if t.get("name") == name)


def test_every_specification_is_one_that_plotly_takes(drawn: dict[str, figures.Figure]) -> None:
    from plotly.graph_objects import Figure

    assert len(drawn) == 12
    for figure in drawn.values():
        kept = list(figure.variants.values())
        for spec in [figure.spec, *kept[:: max(1, len(kept) // 10)]]:
            Figure(spec)
            json.dumps(spec, allow_nan=False)


def test_every_figure_has_its_numbers_in_words(drawn: dict[str, figures.Figure]) -> None:
    for figure in drawn.values():
        assert figure.caption
        assert any(ch.isdigit() for ch in figure.alternative), figure.name
        assert not figure.variants or figure.variants[figure.start] is figure.spec


def test_lead_path_ends_at_the_mean_of_the_sums(
    made: Made, drawn: dict[str, figures.Figure]
) -> None:
    ar = made.study.abnormal
    ar = ar[(ar["ticker"] == "@ASIC") & (ar["alignment"] == "next")]
    total = ar.groupby("event_id")["ar"].sum()
    once = made.study.merged
    once = once[(once["group"] == "@ASIC") & (once["alignment"] == "next")]
    total = total.drop(once["event_id"])
    line = traces(drawn["lead-baskets"].spec, "@ASIC")
    assert line["y"][-1] == pytest.approx(100 * total.mean(), rel=1e-3)
    assert line["customdata"][-1][2].startswith(f"{len(total)} events")


def test_bands_of_a_car_hold_the_covariance_of_one_estimate(made: Made) -> None:
    """On L days of one fit, Var CAR = s^2 (L + L^2/M + (sum of (m - mean m))^2 / Sxx)."""
    study = made.study
    row = rows_of(made, AVGO)[0]
    found = day_paths(study, "market").reach["car"][row, -1]
    r = study.returns[:, study.grid_tickers.index("AVGO")]
    m = study.returns[:, study.grid_tickers.index("SPY")]
    at = study.observations[row].reading.position
    past = np.arange(max(at - 260, 0), at - 10)
    past = past[np.isfinite(r[past]) & np.isfinite(m[past])]
    fit = stats.linregress(m[past], r[past])
    s2 = ((r[past] - fit.intercept - fit.slope * m[past]) ** 2).sum() / (len(past) - 2)
    ahead = np.arange(at, at + 11)
    sxx = ((m[past] - m[past].mean()) ** 2).sum()
    apart = (m[ahead] - m[past].mean()).sum()
    variance = s2 * (11 + 11**2 / len(past) + apart**2 / sxx)
    assert found == pytest.approx(stats.t.ppf(0.975, len(past) - 2) * np.sqrt(variance), rel=1e-9)


def test_event_figure_offers_every_reading(made: Made, drawn: dict[str, figures.Figure]) -> None:
    keys = set(drawn["event-paths"].variants)
    for o in made.study.observations:
        reading = o.reading.alignments[0]
        assert f"{o.reading.event.event_id}|{reading}|car|market" in keys
        assert f"{o.reading.event.event_id}|{reading}|ar|market" in keys


def test_forest_shows_each_reading_once(made: Made, drawn: dict[str, figures.Figure]) -> None:
    trace = drawn["forest"].spec["data"][0]
    readings = [o for o in made.study.observations if o.label == made.study.config.lead]
    assert len(trace["y"]) == len(set(trace["y"])) == len(readings)
    assert "diamond" in trace["marker"]["symbol"]


def test_noise_is_what_sq_ranks_among(made: Made) -> None:
    study, row = made.study, rows_of(made, AVGO)[0]
    o = study.observations[row]
    car = float(study.fits["market"].fit.ar[row, :1].sum())
    draws = noise_draws(study, "market", row, 1)
    greater = (1 + (draws >= car).sum()) / (len(draws) + 1)
    less = (1 + (draws <= car).sum()) / (len(draws) + 1)
    tests = study.single_tests
    found = tests[
        (tests["group"] == f"{AVGO}/{o.label}")
        & (tests["test"] == "sq")
        & (tests["window"] == "0,0")
    ]
    assert found["p_value"].iloc[0] == pytest.approx(min(1.0, 2 * min(greater, less)))


def test_heat_map_holds_the_p_values(made: Made, drawn: dict[str, figures.Figure]) -> None:
    heat = drawn["heatmap"].spec["data"][0]
    tests = made.study.group_tests
    p = tests[
        (tests["group"] == "directional") & (tests["alignment"] == "next")
        & (tests["window"] == "0,1") & (tests["test"] == "bmp")
    ]["p_value"].iloc[0]  # fmt: skip
    at = heat["y"].index("bmp"), heat["x"].index("[0, +1]")
    assert float("0" + heat["text"][at[0]][at[1]]) == pytest.approx(p, abs=5e-4)
    assert heat["z"][at[0]][at[1]] == (0.0 if p > 0.05 else 1.0)


def test_equity_starts_at_one_and_drawdown_never_rises_above_zero(
    made: Made, drawn: dict[str, figures.Figure]
) -> None:
    data = drawn["equity"].spec["data"]
    value = next(t for t in data if t["name"] == "asic-gpu-rotation" and t["yaxis"] == "y")
    assert value["y"][0] == 1.0
    last = made.backtest.equity["value"].iloc[-1] / made.backtest.config["capital"]
    assert value["y"][-1] == pytest.approx(last, rel=1e-4)
    assert max(y for t in data if t["yaxis"] == "y2" for y in t["y"]) <= 0
    names = {t["name"] for t in data}
    assert {"hold SPY", "hold @ASIC", "hold @GPU"} <= names


def test_prices_carry_events_and_trades(made: Made, drawn: dict[str, figures.Figure]) -> None:
    spec = drawn["prices"].variants["AVGO"]
    marked = {text[0] for text in traces(spec, "event")["customdata"]}
    assert AVGO in marked
    trades = made.backtest.trades
    entries = [t for t in spec["data"] if t["name"].endswith("entry")]
    assert sum(len(t["x"]) for t in entries) == (trades["ticker"] == "AVGO").sum()


def test_dark_page_has_a_twin_for_every_colour(drawn: dict[str, figures.Figure]) -> None:
    swap = dark_colours()
    assert len(set(DARK.values())) == len(DARK)

    def colours(value: object, key: str = "") -> set[str]:
        if isinstance(value, dict):
            return {c for k, v in value.items() for c in colours(v, k)}
        if isinstance(value, list):
            return {c for v in value for c in colours(v, key)}
        is_colour = isinstance(value, str) and (value.startswith(("#", "rgba(")))
        return {str(value)} if is_colour and "text" not in key else set()

    for figure in drawn.values():
        assert colours(figure.spec) - {"rgba(0,0,0,0)"} <= set(swap), figure.name


def test_markup_in_names_is_text_in_figures() -> None:
    assert safe("<b>&lt;") == "&lt;b&gt;&amp;lt;"


def contrast(first: str, second: str) -> float:
    """WCAG 2 contrast ratio of two hex colours."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def test_lines_stand_out_on_both_pages() -> None:
    from eventstudy.report.figures.style import PAPER, SERIES

    for colour in SERIES:
        assert contrast(colour, PAPER) >= 3.0
        assert contrast(DARK[colour], DARK[PAPER]) >= 4.5


def test_the_price_line_reaches_back_to_the_first_trade(root: Path) -> None:
    """Drift trades from March 2024 on the sample, months before an event can be studied."""
    events = es.read_events(root / "events.csv")
    prices = es.load_prices(events.tickers | {"SPY"}, source="sample")
    study = es.event_study(events, prices, window=(0, 0))
    traded = es.backtest(events.study, prices, "asic-gpu-rotation")
    figure = figures.price_figure(study, traded, "avgo-earnings-2024-12-12")
    line = figure.spec["data"][0]
    assert line["x"][0] <= str(traded.trades["entry_date"].min())[:10]


# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
BLINDNESS = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
}  # fmt: skip


def seen(colour: str, matrix: list[list[float]]) -> np.ndarray:
    """CIE L*a*b* (D65) of a hex colour as seen by somebody with this colour vision."""
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.array(matrix) @ linear, 0, 1)
    xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    ) @ linear / np.array([0.9505, 1.0, 1.089])  # fmt: skip
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("vision", BLINDNESS)
@pytest.mark.parametrize("dark", [False, True])
def test_series_are_told_apart_by_any_colour_vision(vision: str, dark: bool) -> None:
    """By colour for the series of the first figure; by dash and marker for all of them."""
    from eventstudy.report.figures.style import DASHES, SERIES, SYMBOLS

    assert len(set(DASHES)) == len(set(SYMBOLS)) == len(SERIES) == len(set(SERIES))
    looks = [seen(DARK[c] if dark else c, BLINDNESS[vision]) for c in SERIES[:3]]
    apart = [np.linalg.norm(a - b) for i, a in enumerate(looks) for b in looks[:i]]
    assert min(apart) > 20


def test_strategies_differ_in_colour_and_dash(drawn: dict[str, figures.Figure]) -> None:
    from eventstudy.report.figures.trading import STRATEGIES

    assert len(set(STRATEGIES)) == 6
    assert all(t["line"]["dash"] for t in drawn["equity"].spec["data"])


def test_power_is_that_of_the_noncentral_t(made: Made, drawn: dict[str, figures.Figure]) -> None:
    row = made.study.effects
    row = row[
        (row["group"] == "directional") & (row["window"] == "0,0") & (row["alignment"] == "next")
    ].iloc[0]
    line = traces(drawn["power"].spec, f"directional (n {row['n']})")
    dof, at = row["n"] - 1, 30
    edge, away = stats.t.isf(0.025, dof), line["x"][at] / 100 / row["se"]
    expected = stats.nct.sf(edge, dof, away) + stats.nct.cdf(-edge, dof, away)
    assert line["y"][at] == pytest.approx(100 * expected, rel=1e-3)
    assert line["y"][0] == pytest.approx(5.0)
    from eventstudy.report.figures.power import power_of

    far = power_of(np.array([0.0, 1.0, 20.0, 24.9, 26.0, 1e6]), 1.0, 2)
    assert np.isfinite(far).all()
    assert far[-1] == pytest.approx(1.0)
    for line in (t["y"] for v in drawn["power"].variants.values() for t in v["data"]):
        assert np.isfinite(line).all()


@pytest.mark.parametrize("dof", [2, 7, 30, 99, 250])
def test_power_has_no_gap_and_is_that_of_the_integral(dof: int) -> None:
    """scipy's distribution function is NaN at some places of the far tail, by its version."""
    from eventstudy.report.figures.power import power_of

    grid = np.linspace(0.0, 25.0, 501)
    found = power_of(grid, 1.0, dof)
    assert np.isfinite(found).all()
    assert (np.diff(found) > -1e-9).all()
    root, edge = stats.chi(dof, scale=dof**-0.5), stats.t.isf(0.025, dof)
    s = np.linspace(0.0, root.isf(1e-12), 200_001)  # P(|Z + a| > edge S), S of a chi-square / dof
    for i in range(0, 400, 10):
        sides = stats.norm.sf(edge * s - grid[i]) + stats.norm.cdf(-edge * s - grid[i])
        expected = trapezoid(sides * root.pdf(s), s)
        # The digits that power.ONE_SIDED promises: where the wrong side was left out beyond 4
        # standard errors instead of 6, 1.4e-9 (dof 250) to 1.6e-7 (dof 2) would be missing there.
        assert found[i] == pytest.approx(expected, abs=1e-9)


def test_sizes_are_those_of_the_shipped_table(
    made: Made, drawn: dict[str, figures.Figure], root: Path
) -> None:
    table = pd.read_csv(root / "docs" / "validity.csv")
    row = table[
        (table["period"] == "2019-2021") & (table["design"] == "staggered")
        & (table["window"] == "0,4") & (table["test"] == "bmp") & (table["side"] == "two-sided")
    ].iloc[0]  # fmt: skip
    trace = traces(drawn["size"].variants["2019-2021|0,4"], "staggered")
    at = [told[0] for told in trace["customdata"]].index("bmp")
    assert trace["x"][at] == pytest.approx(100 * row["rate"], abs=1e-3)
    assert trace["error_x"]["array"][at] == pytest.approx(100 * (row["hi"] - row["rate"]), abs=1e-3)


def test_sizes_of_a_calibration_come_first(made: Made) -> None:
    """A table whose one rate is 12.5% for bmp."""
    rates = pd.DataFrame(
        {"design": ["mine"] * 2, "effect": [0.0, 0.01], "window": ["0,0"] * 2, "test": ["bmp"] * 2,
         "side": ["two-sided"] * 2, "rate": [0.125, 0.9], "lo": [0.1, 0.8], "hi": [0.15, 0.95],
         "verdict": ["over-rejects", ""]}
    )  # fmt: skip

    class Calibrated:
        def __init__(self) -> None:
            self.rates = rates

    figure = figures.size_figure(made.study, Calibrated())  # type: ignore[arg-type]
    assert figure is not None
    assert traces(figure.spec, "mine")["x"] == [12.5]
    assert "own calibration" in figure.caption
    assert "1 of 1 tests reject too often (bmp)" in figure.alternative


def test_lead_figure_offers_each_reading(made: Made, drawn: dict[str, figures.Figure]) -> None:
    figure = drawn["lead-baskets"]
    assert set(figure.variants) == {f"market|{a}" for a in made.study.alignments}
    names = [t["name"] for t in figure.spec["data"] if t.get("name")]
    assert names == ["@ASIC", "@GPU", "@ASIC-@GPU:ex"]


def test_long_and_turning_names_keep_to_themselves_in_figures() -> None:
    assert len(safe("y" * 10_000)) <= 60
    assert safe("abc\u202edef") == "\u2068abc\u202edef\u2069"


def test_significant_digits_are_those_of_the_text() -> None:
    from eventstudy.report.numbers import significant

    rng = np.random.default_rng(4)
    values = rng.normal(size=500) * 10.0 ** rng.integers(-30, 30, 500)
    values = np.concatenate([values, [0.0, 123456.0, 99999.5, 1e-300, np.nan, np.inf]])
    expected = [float(f"{v:.5g}") if np.isfinite(v) else None for v in values]
    assert significant(values, 5) == expected
    assert significant(values[:7], 5) == expected[:7]


def test_no_panel_is_no_fault(made: Made) -> None:
    """A model may leave an event none of its series."""
    figure = figures.noise_figure(made.study, [], "0,0")
    assert figure.spec["data"] == []
