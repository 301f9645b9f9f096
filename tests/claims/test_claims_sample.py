"""The article's claims and others on the shipped sample; expected values by pandas alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import eventstudy as es
from eventstudy.claims import (
    CANNOT_BE_SAID,
    CONTRADICTED,
    SUPPORTED,
    Claim,
    Claims,
    ClaimsResult,
    Finding,
    Kind,
    Number,
    Parameters,
)
from eventstudy.claims.evidence import Evidence

HEAD = '[[claims]]\nid = "x"\ntext = "t"\n'


@pytest.fixture(scope="session")
def article(case_study: es.StudyResult) -> ClaimsResult:
    return es.check_claims("article", case_study)


def one(result: ClaimsResult, claim: str = "x") -> Finding:
    return next(c.finding for c in result.checked if c.claim.id == claim)


def number(finding: Finding, what: str) -> Number:
    return next(n for n in finding.numbers if n.what.startswith(what))


def market_model(y: pd.Series, x: pd.DataFrame, day: str) -> tuple[float, float, np.ndarray]:
    """Abnormal return, its forecast error and scaled residuals, by statsmodels."""
    import statsmodels.api as sm

    at = y.index.get_loc(day)
    window = slice(max(at - 260, 1), at - 10)
    fit = sm.OLS(y.iloc[window], sm.add_constant(x.iloc[window])).fit()
    new = np.r_[1.0, x.iloc[at]]
    told = fit.get_prediction(new)
    residuals = fit.resid / np.sqrt(1.0 - fit.get_influence().hat_matrix_diag)
    return y.iloc[at] - told.predicted_mean[0], told.se_obs[0], residuals.to_numpy()


def test_verdicts_of_the_article(article: ClaimsResult) -> None:
    found = {c.claim.id: c.finding.verdict for c in article.checked}
    assert [i for i, v in found.items() if v == SUPPORTED] == list("12345678")
    assert [i for i, v in found.items() if v == CANNOT_BE_SAID] == [
        "9", "10", "11", "12", "13", "14",
    ]  # fmt: skip
    assert article.counts == {SUPPORTED: 8, CONTRADICTED: 0, CANNOT_BE_SAID: 6}


def test_the_move_and_its_abnormal_part(
    article: ClaimsResult, closes: pd.DataFrame, totals: pd.DataFrame
) -> None:
    finding = one(article, "1")
    moved = closes["AVGO"].pct_change()["2024-12-13"]
    assert finding.numbers[0].value == pytest.approx(moved) == pytest.approx(0.24433, abs=1e-5)
    ar, se, residuals = market_model(totals["AVGO"], totals[["SPY"]], "2024-12-13")
    found = number(finding, "abnormal, against SPY")
    assert found.value == pytest.approx(ar, rel=1e-9)
    assert (found.hi - found.lo) / 2 == pytest.approx(se * 1.97280, rel=1e-4)  # t(186)
    assert len(residuals) == 188
    assert (residuals < ar).all()
    assert found.p_value == pytest.approx(2 / 189)
    # SMH is not in the sample: told, and no error.
    assert any("SMH is not in the price table" in line for line in finding.not_identified)
    assert any("sutskever-neurips-2024" in line for line in finding.not_identified)


def test_market_value_by_hand(article: ClaimsResult) -> None:
    finding = one(article, "2")
    assert finding.numbers[0].value == pytest.approx(224.80 * 4.67e9)
    assert (finding.numbers[0].lo, finding.numbers[0].hi) == pytest.approx(
        (224.80 * 4.665e9, 224.80 * 4.675e9)
    )
    assert finding.numbers[1].value == pytest.approx(180.66 * 4.67e9)
    assert finding.numbers[2].value == pytest.approx(1e12 / 224.80)


@pytest.mark.parametrize(
    ("shares", "passed", "was", "expected"),
    [
        ("4.67bn", "1tn", "0.8tn", SUPPORTED),
        ("4.67bn", "1tn", "0.9tn", CONTRADICTED),
        ("4.67bn", "1.1tn", "0.8tn", CONTRADICTED),
        ("4.67bn", "0.8tn", "0.8tn", CONTRADICTED),  # passed long before
        ("4bn", "1tn", "0.7tn", CANNOT_BE_SAID),  # 3.5 to 4.5bn shares leave it open
    ],
)
def test_market_values(
    case_study: es.StudyResult, claims_of: Callable[[str], Claims],
    shares: str, passed: str, was: str, expected: str,
) -> None:  # fmt: skip
    claims = claims_of(
        f'{HEAD}kind="market_value"\nticker="AVGO"\ndate=2024-12-13\n'
        f'shares="{shares}"\npassed="{passed}"\nwas="{was}"'
    )
    assert one(es.check_claims(claims, case_study)).verdict == expected


def test_the_run_of_falls(article: ClaimsResult, closes: pd.DataFrame) -> None:
    finding = one(article, "3")
    falls = closes["NVDA"].diff() < 0
    run = falls.groupby((~falls).cumsum()).cumsum()
    assert finding.numbers[0].value == run["2024-12-17"] == 4
    assert falls["2024-12-12":"2024-12-17"].all()
    assert not falls["2024-12-11"]
    assert "begun on 2024-12-12" in finding.reason
    assert "1 of the falls came before session 0 of avgo-earnings-2024-12-12" in finding.reason
    assert finding.numbers[1].value == pytest.approx((run >= 4).sum() / 249)


def test_five_falls_are_contradicted(
    case_study: es.StudyResult, claims_of: Callable[[str], Claims]
) -> None:
    claims = claims_of(f'{HEAD}kind="run_of_falls"\nticker="NVDA"\nthrough=2024-12-17\nlength=5')
    assert one(es.check_claims(claims, case_study)).verdict == CONTRADICTED


def test_company_figures_by_hand(article: ClaimsResult) -> None:
    four = one(article, "4").numbers[0]
    assert (four.value, four.lo, four.hi) == pytest.approx(
        (12.2 / 3.8 - 1, 12.15 / 3.85 - 1, 12.25 / 3.75 - 1)
    )
    # Segments of the year add up to the totals of the release.
    by_claim = {c.claim.id: c.claim.parameters.figures for c in article.checked
                if c.claim.kind.name == "company_figures"}  # fmt: skip
    chips, software, total = (by_claim[i] for i in ("5", "6", "7"))
    assert chips[1].value.value + software[1].value.value == total[0].value.value
    assert chips[1].base.value + software[1].base.value == total[0].base.value
    six = one(article, "6").numbers[0]
    assert (six.lo, six.hi) == pytest.approx((5823.5 / 1969.5 - 1, 5824.5 / 1968.5 - 1))
    nine = one(article, "9")
    assert nine.numbers[0].value == pytest.approx(4.5 / 14.054)
    assert "nobody has verified" in nine.reason


@pytest.mark.parametrize(("stated", "expected"), [("21%", SUPPORTED), ("25%", CONTRADICTED)])
def test_figures_of_ones_own(
    case_study: es.StudyResult, claims_of: Callable[[str], Claims], stated: str, expected: str
) -> None:
    """12 to 14.5 is +20.8%, between +19.9% and +21.8% by rounding."""
    claims = claims_of(
        f'{HEAD}kind="company_figures"\n[[claims.figures]]\nwhat="w"\nperiod="p"\nform="growth"\n'
        f'value="14.5m"\nbase="12.0m"\nstated="{stated}"\nsource="s"'
    )
    assert one(es.check_claims(claims, case_study)).verdict == expected


def test_what_the_sample_lacks_cannot_be_said(article: ClaimsResult) -> None:
    finding = one(article, "10")
    assert finding.verdict == CANNOT_BE_SAID
    assert finding.reason == (
        "not measured: no price around 2023-12-13; prices run from 2024-03-01 to 2025-02-28"
    )
    assert finding.numbers == ()


@pytest.mark.parametrize(
    "body",
    [
        'kind="move"\nticker="TSLA"\ndate=2024-12-13\nstated="1%"',
        'kind="move"\nticker="AVGO"\ndate=2024-12-14\nstated="1%"',
        'kind="move"\nticker="AVGO"\ndate=2019-01-02\nstated="1%"',
        'kind="after_kind"\nevents_of="capx"\nseries=["AVGO"]\nside="+"',
        'kind="separable"\nevents=["avgo-earnings-2024-12-12","none"]\n'
        'series=[{long="AVGO",side="+"}]',
        'kind="group_effect"\ngroup="asic"\nside="+"',
        'kind="group_effect"\ngroup="all"\nside="+"\nwindow="0,9"',
        'kind="what_follows"\nhorizons=[5]\ndate=2024-12-17\nseries=[{long="@NONE",side="+"}]',
    ],
)
def test_no_claim_fails(
    case_study: es.StudyResult, claims_of: Callable[[str], Claims], body: str
) -> None:
    finding = one(es.check_claims(claims_of(HEAD + body), case_study))
    assert finding.verdict == CANNOT_BE_SAID
    assert finding.reason.startswith("not measured: ")


@pytest.mark.parametrize(
    ("dates", "verdict"),
    [
        ("2024-01-02", SUPPORTED),
        ("2024-01-03", CONTRADICTED),
        ("2024-01-02, 2024-01-03", CANNOT_BE_SAID),
    ],
)
def test_multiples_by_hand(
    tmp_path: Path, claims_of: Callable[[str], Claims], dates: str, verdict: str
) -> None:
    """40 a year before, then 81 and 79: 2.025 and 1.975 times; the year begins on a holiday."""
    days = pd.bdate_range("2022-06-01", "2024-03-29")
    close = pd.Series(50.0, index=days)
    close["2022-12-30":"2023-01-03"] = 40.0
    close["2024-01-02"], close["2024-01-03"] = 81.0, 79.0
    market = 100 * np.cumprod(1 + np.random.default_rng(1).normal(0, 0.01, len(days)))
    own = close * (1 + np.random.default_rng(2).normal(0, 1e-4, len(days)))
    own.loc[close != 50.0] = close[close != 50.0]
    prices = es.load_prices(pd.DataFrame({"X": own, "SPY": market}))
    (tmp_path / "e.csv").write_text("event_id,date,session,tickers\ne,2024-02-01,pre,X\n")
    events = es.read_events(tmp_path / "e.csv", calendar="prices", prices=prices)
    study = es.event_study(events, prices, window=(0, 0), observed=())
    body = f'kind="multiple_over"\nticker="X"\nabove="2x"\ndates=[{dates}]'
    finding = one(es.check_claims(claims_of(HEAD + body), study))
    assert finding.verdict == verdict
    expected = {"2024-01-02": 2.025, "2024-01-03": 1.975}
    assert [n.value for n in finding.numbers] == pytest.approx(
        [expected[d] for d in dates.split(", ")], rel=1e-9
    )


def test_a_hole_in_the_prices_is_no_verdict(
    tmp_path: Path, claims_of: Callable[[str], Claims]
) -> None:
    """No close on the day, and twelve sessions without one before it: neither is a fall."""
    days = pd.bdate_range("2022-06-01", "2024-03-29")
    rng = np.random.default_rng(6)
    frame = pd.DataFrame(
        100 * np.cumprod(1 + rng.normal(0, 0.01, (len(days), 3)), axis=0), index=days,
        columns=["X", "Y", "SPY"],
    )  # fmt: skip
    frame.loc["2024-01-02", "X"] = np.nan
    frame.loc["2023-06-01":"2023-06-16", "Y"] = np.nan
    prices = es.load_prices(frame)
    (tmp_path / "e.csv").write_text("event_id,date,session,tickers\ne,2024-02-01,pre,SPY\n")
    events = es.read_events(tmp_path / "e.csv", calendar="prices", prices=prices)
    study = es.event_study(events, prices, model="mean", benchmark=None, window=(0, 0), observed=())
    for ticker in ("X", "Y"):
        body = f'kind="multiple_over"\nticker="{ticker}"\nabove="1x"\ndates=[2024-01-02]'
        finding = one(es.check_claims(claims_of(HEAD + body), study))
        assert finding.verdict == CANNOT_BE_SAID
        assert f"{ticker} has no price on 2024-01-02, or a long gap" in finding.reason
    body = 'kind="move"\nticker="Y"\ndate=2024-01-02\nstated="90%"'
    finding = one(es.check_claims(claims_of(HEAD + body), study))
    assert finding.verdict == CONTRADICTED
    assert "against the market: the study has no benchmark" in finding.not_identified[-1]


def test_what_followed_the_article(article: ClaimsResult, totals: pd.DataFrame) -> None:
    """Five sessions from 17 December: the market model by dummies in statsmodels."""
    import statsmodels.api as sm

    y, x = totals["AVGO"] - totals["NVDA"], totals["SPY"]
    at = y.index.get_loc("2024-12-17")
    used = np.r_[1 : at - 10, at + 1 : at + 6]
    dummies = np.vstack([np.zeros((at - 11, 5)), np.eye(5)])
    fit = sm.OLS(
        y.to_numpy()[used], np.column_stack([np.ones(len(used)), x.to_numpy()[used], dummies])
    ).fit()
    ones = np.r_[0, 0, np.ones(5)]
    found = number(one(article, "11"), "AVGO less NVDA, 5 sessions")
    assert found.value == pytest.approx(fit.params @ ones, rel=1e-9)
    test = fit.t_test(ones)
    assert (found.lo, found.hi) == pytest.approx(tuple(test.conf_int()[0]), rel=1e-6)
    assert found.p_value >= float(test.pvalue)
    far = number(one(article, "11"), "AVGO less NVDA, 63 sessions")
    assert np.isnan(far.value)
    assert "outside the prices" in far.test


def test_after_capex_by_hand(article: ClaimsResult, totals: pd.DataFrame) -> None:
    """Seven events on five sessions: two evenings hold two of them each, one is out of span."""
    days = ["2024-04-25", "2024-10-31", "2024-11-01", "2025-01-24", "2025-02-05", "2025-02-07"]
    values = [
        market_model(totals["NVDA"], totals[["SPY"]], day)[0]
        for day in days
        if totals.index.get_loc(day) - 11 >= 100
    ]
    found = number(one(article, "12"), "NVDA, mean")
    assert found.n == len(values) == 5
    assert found.value == pytest.approx(np.mean(values), rel=1e-9)
    assert any("every guide" in line for line in one(article, "12").not_identified)


def test_two_events_of_one_session(article: ClaimsResult, totals: pd.DataFrame) -> None:
    finding = one(article, "13")
    assert "2024-12-13 (same)" in finding.reason
    assert "2024-12-16 (next)" in finding.reason
    first, _, _ = market_model(totals["AVGO"], totals[["SPY"]], "2024-12-13")
    assert number(finding, "AVGO, 2024-12-13 (").value == pytest.approx(first, rel=1e-9)


def test_events_apart_can_be_told_apart(
    case_study: es.StudyResult, claims_of: Callable[[str], Claims]
) -> None:
    body = (
        'kind="separable"\nevents=["avgo-earnings-2024-12-12","ai-diffusion-rule"]\n'
        'series=[{long="AVGO",side="+"}]'
    )
    finding = one(es.check_claims(claims_of(HEAD + body), case_study))
    assert finding.reason.startswith("each has a session of its own")
    verdicts = {n.what: n.verdict for n in finding.numbers if n.verdict}
    assert verdicts["AVGO, 2024-12-13 (avgo-earnings-2024-12-12)"] == SUPPORTED
    assert verdicts["AVGO, 2025-01-13 (ai-diffusion-rule)"] == CANNOT_BE_SAID
    assert finding.verdict == CANNOT_BE_SAID


def test_the_group_is_the_study_s(article: ClaimsResult, case_study: es.StudyResult) -> None:
    finding = one(article, "14")
    effects = case_study.effects
    row = effects[(effects["group"] == "directional") & (effects["window"] == "0,0")].iloc[-1]
    lead = finding.numbers[0]
    assert (lead.value, lead.lo, lead.hi, lead.n) == (row["caar"], row["lo"], row["hi"], row["n"])
    assert any("someone who knew later prices" in line for line in finding.not_identified)


def test_labels_of_hindsight_support_nothing(
    tmp_path: Path, claims_of: Callable[[str], Claims]
) -> None:
    """The rule, on a study whose labels are right by construction."""
    rng = np.random.default_rng(4)
    days = pd.bdate_range("2023-01-02", periods=500)
    returns = rng.normal(0, 0.01, (500, 5))
    hits = np.arange(300, 480, 12)
    returns[hits, 0] += 0.08
    frame = pd.DataFrame(
        100 * np.cumprod(1 + returns, axis=0), index=days,
        columns=["AVGO", "MRVL", "NVDA", "AMD", "SPY"],
    )  # fmt: skip
    prices = es.load_prices(frame)
    rows = [f"e{i},{days[i].date()},pre,X,AVGO,@ASIC+ @GPU-" for i in hits]
    path = tmp_path / "events.csv"
    path.write_text("\n".join(["event_id,date,session,subject,tickers,expects", *rows]))
    events = es.read_events(path, calendar="prices", prices=prices)
    study = es.event_study(events, prices, window=(0, 0))
    body = HEAD + 'kind="group_effect"\ngroup="directional"\nside="+"\n'
    before = body + "labels_beforehand = true\n"
    hindsight, beforehand, opposite = (
        one(es.check_claims(claims_of(text), study))
        for text in (body, before, body.replace('"+"', '"-"'))
    )
    assert hindsight.verdict == CANNOT_BE_SAID
    assert "knew later prices" in hindsight.reason
    assert beforehand.verdict == SUPPORTED
    assert opposite.verdict == CONTRADICTED


def test_frames_and_texts(article: ClaimsResult) -> None:
    frame = article.summary_frame()
    assert list(frame.columns) == [
        "claim", "kind", "text", "number", "unit", "lo", "hi", "p_value", "n", "verdict", "reason",
        "assumptions", "not_identified", "detail",
    ]  # fmt: skip
    assert len(frame) == 14
    assert (frame["not_identified"] != "").sum() == 13  # claim 10 was not measured
    assert set(article.numbers["claim"]) == {str(i) for i in range(1, 15)} - {"10"}
    assert "14 claims: 8 supported, 0 contradicted, 6 cannot be said" in str(article)
    assert max(len(line) for line in str(article).splitlines()) <= 110
    assert "<table" in article._repr_html_()
    assert article.manifest()["prices"]["AVGO"] == article.tickers["AVGO"]


def test_a_kind_of_ones_own(case_study: es.StudyResult) -> None:
    class Above(Parameters):
        ticker: str
        level: float

        def tickers(self) -> tuple[str, ...]:
            return (self.ticker,)

    def check(asked: Above, evidence: Evidence) -> Finding:
        last = float(evidence.closes(asked.ticker)[-1])
        verdict = SUPPORTED if last > asked.level else CONTRADICTED
        return Finding(verdict, "read off", (Number("last close", last, "USD"),))

    kind = Kind("above", "the last close is above a level", "by comparison", Above, check)
    claim = Claim("1", "NVDA ended above 100", kind, Above(ticker="NVDA", level=100.0))
    result = es.check_claims(Claims("mine", (claim,)), case_study)
    assert result.counts[SUPPORTED] == 1
    assert result.numbers["number"].tolist() == [124.92]
