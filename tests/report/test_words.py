"""The words against numbers computed another way: by hand, from prices, from raw CARs."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from made_page import Made  # type: ignore[import-not-found]

import eventstudy as es
from eventstudy.report import lead, words
from eventstudy.report.case import case_rows, make_case
from eventstudy.report.numbers import decimal, percent, probability, window_text

AVGO, SUTSKEVER = "avgo-earnings-2024-12-12", "sutskever-neurips-2024"


def number(text: str) -> float:
    return float(text.replace("\N{MINUS SIGN}", "-").rstrip("%"))


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.24517, "+24.52%"), (-0.0235, "\N{MINUS SIGN}2.35%"), (float("nan"), "\N{EN DASH}")],
)
def test_percent(value: float, said: str) -> None:
    assert percent(value) == said


def test_p_values_below_what_tests_resolve_are_not_quoted() -> None:
    assert probability(9.3e-25) == "<0.001"
    assert probability(0.0166) == "0.017"
    assert decimal(1234567.0, 0) == "1,234,567"


@pytest.mark.parametrize(
    ("window", "said"),
    [("0,0", "day 0"), ("2,10", "days +2 to +10"), ("-1,1", "days \N{MINUS SIGN}1 to +1")],
)
def test_windows_in_words(window: str, said: str) -> None:
    assert window_text(window) == said


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        (0.05, 0.01, "supported"),
        (0.051, 0.9, "noise"),
        (0.04, 0.06, "open"),
        (np.nan, 0.04, "supported"),
        (np.nan, np.nan, "open"),
    ],
)
def test_verdicts_follow_fixed_thresholds(first: float, second: float, kind: str) -> None:
    assert words.verdict({"a": first, "b": second}).kind == kind


def test_the_lead_is_chosen_by_rule_not_by_size(made: Made) -> None:
    assert lead.lead_group(made.study) == "directional"
    shown = words.answers(made.study)
    assert [a.window for a in shown] == ["day 0", "days 0 to +1", "days +2 to +10"]
    assert {a.label for a in shown} == {"towards the labelled side"}


def test_headline_effects_are_the_signed_means_of_the_raw_cars(made: Made) -> None:
    expects = made.study.events.frame.set_index("event_id")["expects"]
    sign = {"@ASIC+ @GPU-": 1, "@ASIC-": -1, "@ASIC+": 1, "@GPU+": -1, "@GPU-": 1,
            "@GPU+ @ASIC-": -1, "@GPU- @ASIC+": 1, "@ASIC- @GPU+": -1}  # fmt: skip
    cars = made.study.cars
    cars = cars[(cars["ticker"] == "@ASIC-@GPU:ex") & (cars["alignment"] == "next")]
    for said, window in zip(words.answers(made.study), ("0,0", "0,1", "2,10"), strict=True):
        rows = cars[cars["window"] == window]
        signs = rows["event_id"].map(expects).map(sign)
        signed = (rows["car"] * signs).dropna()
        assert number(said.effect) == pytest.approx(100 * signed.mean(), abs=0.006)
        assert said.sample.startswith(f"{len(signed)} event")


def test_interval_is_centred_and_named(made: Made) -> None:
    for said in [*words.answers(made.study), *words.basket_answers(made.study)]:
        low, high = map(number, re.findall(r"[+\N{MINUS SIGN}][\d.]+%", said.interval))
        assert (low + high) / 2 == pytest.approx(number(said.effect), abs=0.011)


def market_residual(study: es.StudyResult, ticker: str) -> tuple[float, float]:
    """Return AVGO's day-0 abnormal return and forecast error by the normal equations."""
    r = study.prices.returns
    y, m = r[:, study.prices.column(ticker)], r[:, study.prices.column("SPY")]
    at = int(np.flatnonzero(study.prices.dates == np.datetime64("2024-12-13"))[0])
    rows = np.arange(max(at - 260, 0), at - 10)
    rows = rows[np.isfinite(y[rows]) & np.isfinite(m[rows])]
    sxx = ((m[rows] - m[rows].mean()) ** 2).sum()
    beta = ((m[rows] - m[rows].mean()) * y[rows]).sum() / sxx
    alpha = y[rows].mean() - beta * m[rows].mean()
    s2 = ((y[rows] - alpha - beta * m[rows]) ** 2).sum() / (len(rows) - 2)
    far = (m[at] - m[rows].mean()) ** 2 / sxx
    return float(y[at] - alpha - beta * m[at]), float(np.sqrt(s2 * (1 + 1 / len(rows) + far)))


@pytest.mark.parametrize("ticker", ["AVGO", "NVDA"])
def test_the_case_states_what_a_hand_fit_finds(made: Made, ticker: str) -> None:
    ar, error = market_residual(made.study, ticker)
    case = make_case(made.study, AVGO)
    said = next(c for c in case.conclusions if c.head == f"{ticker}, day 0")
    assert f"Abnormal return {percent(ar)} " in said.text
    assert f"forecast error {percent(error, signed=False)}" in said.text
    assert "session 0 on 2024-12-13" in said.text
    assert said.verdict.kind == {"AVGO": "supported", "NVDA": "noise"}[ticker]


def test_the_case_says_what_daily_data_cannot_tell(made: Made) -> None:
    case = make_case(made.study, AVGO)
    first, *readings = case.not_identified
    assert AVGO in first
    assert SUTSKEVER in first
    assert "'same'" in first
    assert "cannot separate" in first
    nvda = next(line for line in readings if f"{SUTSKEVER}, NVDA" in line)
    assert "does not depend" in nvda
    assert "2024-12-13" in nvda
    assert "2024-12-16" in nvda


def test_which_tests_to_read_counts_the_kind(made: Made) -> None:
    same_kind = [
        e.event_id
        for e in made.study.events.study
        if e.subject == "AVGO" and e.kind == "earnings" and not e.ambiguous
    ]
    studied = set(made.study.cars["event_id"])
    others = len([e for e in same_kind if e in studied]) - 1
    lines = make_case(made.study, AVGO).reading
    said = next(line for line in lines if line.startswith("`placebo_kind`"))
    assert f"of {others + 1}, p" in said
    assert f"{1 / (others + 1):.3f}" in said


def test_case_falls_back_to_the_latest_event(small_study: Callable[..., es.StudyResult]) -> None:
    study = small_study()
    assert lead.case_event(study) == "rtl\u202eltr"
    assert [r.session_0 for r in case_rows(study, "rtl\u202eltr")] == ["2024-06-20"] * 2


def test_an_unknown_case_is_an_error(made: Made) -> None:
    with pytest.raises(es.EventStudyError, match="did you mean 'avgo-earnings-2024-12-12'"):
        es.report.render_html(made.study, case="avgo-earning-2024-12-12")


def test_cautions_count_tests_and_own_up_to_foresight(made: Made) -> None:
    said = " ".join(words.cautions(made.study))
    tests = made.study.tests["p_value"].dropna()
    assert f"{len(tests):,} p-values" in said
    assert f"{(tests <= 0.05).sum():,} are at most 5%" in said
    assert "None is adjusted" in said
    assert "someone who knew later prices" in said


def test_a_small_sample_is_called_small(made: Made) -> None:
    said = words.sample_lines(made.study)
    assert "small sample" in said[0]
    events = made.study.cars["event_id"].nunique()
    assert said[0].startswith(f"{events} events")


def test_every_conclusion_names_tests_and_assumptions(made: Made) -> None:
    for said in words.conclusions(made.study):
        assert "95% interval" in said.text
        assert "kolari_pynnonen p" in said.text
        assert any("needs:" in line for line in said.rests_on)


def test_undefined_tests_give_no_verdict(small_study: Callable[..., es.StudyResult]) -> None:
    study = small_study((("only", "X1", "t", ""),), window=(0, 0))
    said = words.answers(study)[0]
    assert said.verdict.label == "cannot be said"
    assert said.tests == ("kolari_pynnonen undefined", "corrado undefined") or (
        said.tests[0] == "kolari_pynnonen undefined"
    )


@pytest.mark.vendor
def test_the_december_case_on_vendor_prices(made: Made, vendor: object, root: object) -> None:
    events = es.read_events(f"{root}/events.csv")
    prices = es.load_prices(events.tickers | {"SPY"}, source=str(vendor), missing="drop")
    study = es.event_study(events, prices, window=(0, 0))
    rows = {r.series: r for r in case_rows(study, AVGO)}
    assert rows["AVGO"].car == pytest.approx(0.245, abs=0.005)
    assert rows["AVGO"].verdict.kind == "supported"
    assert rows["NVDA"].verdict.kind == "noise"
