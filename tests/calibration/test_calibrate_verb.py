"""calibrate(): known sizes and powers, workers, the calendar at hand, and mistakes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import eventstudy as es
from eventstudy.calibration import CalibrationResult, Design, calibrate, experiment
from eventstudy.calibration.page import calibration_html
from eventstudy.calibration.wording import recommendation_lines
from eventstudy.calibration.world import World
from eventstudy.errors import EventStudyError, StudyError, UnknownNameError

SHORT = {"estimation": 120, "min_estimation": 100, "jobs": 1}
QUICK = ("cross_sectional", "patell", "kolari_pynnonen", "sign", "date_clustered")


def size_of(result: CalibrationResult, design: str, test: str, **more: object) -> pd.Series:
    rates = result.rates
    asked = {"design": design, "test": test, "effect": 0.0, "side": "two-sided"} | more
    for column, value in asked.items():
        rates = rates[rates[column] == value]
    assert len(rates) == 1
    return rates.iloc[0]


@pytest.fixture(scope="module")
def known(iid: es.PriceTable) -> CalibrationResult:
    """Return rates on independent normal returns; a planted effect of half a sigma."""
    return calibrate(
        iid,
        window=(0, 0),
        designs=[Design("staggered", 30), Design("doubled", 30, extra_variance=1.0)],
        tests=["cross_sectional", "patell", "bmp"],
        effects=[0.01],
        samples=500,
        **SHORT,
    )


@pytest.fixture(scope="module")
def dependent(clumped: es.PriceTable) -> CalibrationResult:
    """Return rates where 40% of each residual's variance is one hidden factor."""
    return calibrate(
        clumped,
        window=(0, 0),
        designs=[Design("one-date", 15, "one-date")],
        tests=QUICK,
        effects=[],
        samples=400,
        **SHORT,
    )


@pytest.mark.parametrize("test", ["cross_sectional", "patell", "bmp"])
def test_on_independent_normal_returns_tests_have_their_size(
    known: CalibrationResult, test: str
) -> None:
    found = size_of(known, "staggered", test)
    assert found["lo"] < 0.05 < found["hi"]
    assert found["verdict"] == "holds"
    assert found["samples"] == 500
    assert found["undefined"] == 0.0


@pytest.mark.parametrize("side", ["greater", "less"])
def test_one_sided_rates_are_five_percent_too(known: CalibrationResult, side: str) -> None:
    found = size_of(known, "staggered", "cross_sectional", side=side)
    assert found["lo"] < 0.05 < found["hi"]


@pytest.mark.parametrize("test", ["cross_sectional", "patell"])
def test_power_is_that_of_the_noncentral_distribution(
    known: CalibrationResult, world: World, test: str
) -> None:
    """Effect 1%, sigma 2%, N = 30: the mean is about 2.7 standard errors from zero.

    Samples are drawn from some 7,700 places, whose mean and spread are not exactly 0 and 2%:
    they are taken as they are (`test_calibration_draws` proves them by a loop).
    """
    places = world.ar[:, 1]
    assert places.mean() == pytest.approx(0.0, abs=0.001)
    assert places.std() == pytest.approx(0.0201, abs=0.0005)
    shift = (0.01 + places.mean()) / places.std() * np.sqrt(30)
    if test == "patell":
        scores = places / np.sqrt(world.v[:, 1, 1])
        spread = np.sqrt(118 / 116)
        shift = (scores.mean() + (0.01 / np.sqrt(world.v[:, 1, 1])).mean()) * np.sqrt(30)
        expected = stats.norm.sf((1.96 * spread - shift) / scores.std())
    else:
        edge = stats.t.ppf(0.975, 29)
        expected = stats.nct.sf(edge, 29, shift) + stats.nct.cdf(-edge, 29, shift)
    found = size_of(known, "staggered", test, effect=0.01)
    assert found["lo"] < expected < found["hi"]
    assert found["verdict"] == ""


def test_doubled_variance_gives_patell_the_size_of_a_normal_of_variance_two(
    known: CalibrationResult,
) -> None:
    """P(|sqrt(2) z| > 1.96) = 16.6%; the cross-sectional test does not notice."""
    expected = 2 * stats.norm.sf(1.96 / np.sqrt(2))
    found = size_of(known, "doubled", "patell")
    assert found["lo"] < expected < found["hi"]
    assert found["verdict"] == "over-rejects"
    assert size_of(known, "doubled", "cross_sectional")["verdict"] == "holds"


def test_one_date_inflates_patell_by_the_correlation(dependent: CalibrationResult) -> None:
    """Correlation 0.4 among 15: the variance of the sum is 1 + 14 x 0.4 = 6.6 times too large."""
    expected = 2 * stats.norm.sf(1.96 / np.sqrt(6.6))
    found = size_of(dependent, "one-date", "patell")
    # 387 sessions are all the dates there are: the rate on them has an s.e. of 2.5 points.
    assert found["rate"] == pytest.approx(expected, abs=0.09)
    assert found["verdict"] == "over-rejects"
    assert size_of(dependent, "one-date", "kolari_pynnonen")["rate"] < 0.11


def test_a_test_without_a_value_is_undefined_not_powerful(dependent: CalibrationResult) -> None:
    found = size_of(dependent, "one-date", "date_clustered")
    assert found["undefined"] == 1.0
    assert np.isnan(found["rate"])
    assert found["verdict"] == "undefined"
    assert "date_clustered" not in dependent.recommended


def test_a_discrete_test_is_given_its_attainable_size(dependent: CalibrationResult) -> None:
    """2 x (1 + 15 + 105 + 455) / 2^15 for 15 signs."""
    assert size_of(dependent, "one-date", "sign")["attainable"] == pytest.approx(576 / 2**14)
    assert size_of(dependent, "one-date", "patell")["attainable"] == pytest.approx(0.05)


def test_the_result_depends_on_neither_workers_nor_batches(
    iid: es.PriceTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rates(jobs: int) -> pd.DataFrame:
        return calibrate(
            iid, window=(0, 0), designs=[Design("a", 12), Design("b", 8, "one-date")],
            tests=["bmp", "sign", "cluster_bootstrap"], effects=[0.02], samples=60,
            resampling_samples=20, seed=4, **SHORT | {"jobs": jobs},
        ).rates  # fmt: skip

    alone = rates(1)
    monkeypatch.setattr(experiment, "BATCH", 25)
    pd.testing.assert_frame_equal(alone, rates(2))
    drawn = alone.groupby("test")["samples"].unique().to_dict()
    assert {test: list(n) for test, n in drawn.items()} == {
        "bmp": [60], "cluster_bootstrap": [20], "sign": [60],
    }  # fmt: skip


def test_an_effect_is_found_in_a_window_that_starts_after_session_0(iid: es.PriceTable) -> None:
    """2% on one of three days of s.d. 2%: z = 0.02 sqrt(50) / (0.02 sqrt(3)) = 4.1."""
    result = calibrate(
        iid, window=[(0, 0), (2, 4)], estimation=120, min_estimation=100, samples=60,
        effects=(0.02,), tests=["cross_sectional"], jobs=1, designs=[Design("staggered", 50)],
    )  # fmt: skip
    row = result.summary_frame().set_index("window").loc["2,4"]
    assert row["power_2%"] > 0.9
    assert row["rate"] < 0.3


def test_another_seed_gives_other_samples(iid: es.PriceTable) -> None:
    def rate(seed: int) -> float:
        found = calibrate(
            iid, window=(0, 0), designs=[Design("a", 12)], tests=["cross_sectional"],
            effects=[0.01], samples=80, seed=seed, **SHORT,
        )  # fmt: skip
        return float(size_of(found, "a", "cross_sectional", effect=0.01)["rate"])

    assert len({rate(seed) for seed in range(3)}) > 1


def test_the_calendar_at_hand_gives_the_designs_their_dates(iid: es.PriceTable) -> None:
    """Six events on five dates; the last is beyond the prices and is told."""
    days = ["2019-01-07", "2019-01-07", "2019-01-08", "2019-03-04", "2019-05-06", "2031-01-06"]
    frame = pd.DataFrame({
        "event_id": [f"e{i}" for i in range(6)], "date": days, "session": "pre",
        "tickers": ["S00", "S01", "S00", "S02", "S03", "S04"],
    })  # fmt: skip
    events = es.read_events(frame, calendar="prices", prices=iid)
    told: list[tuple[str, int, int]] = []
    found = calibrate(
        iid, events=events, tests=["bmp"], samples=5, effects=[],
        progress=lambda *step: told.append(step), **SHORT,
    )  # fmt: skip
    names = [design.name for design in found.designs]
    assert names == ["calendar", "calendar, event-variance", "calendar, thin-trading"]
    assert found.designs[0].offsets == (0, 0, 1, 40, 85)
    assert found.designs[0].firms == (0, 1, 0, 2, 3)
    assert "6 study events; 5 of them, on 4 dates" in found.notes[0]
    assert ("drawing samples", 15, 15) in told
    assert found.windows == ((0, 0), (-1, 1))


def made_result(sizes: dict[str, tuple[str, float]]) -> CalibrationResult:
    """Return a result with a verdict and a power at 1% for each test, in two designs."""
    designs = (Design("a", 5), Design("b", 5))
    rows = [
        (name, effect, "0,0", test, "two-sided", 9, 0.0, power if effect else 0.05, 0.0, 1.0, 0.05,
         "" if effect else (verdict if name == "b" else "holds"))
        for name in ("a", "b")
        for test, (verdict, power) in sizes.items()
        for effect in (0.0, 0.009, 0.05)
    ]  # fmt: skip
    columns = ["design", "effect", "window", "test", "side", "samples", "undefined", "rate", "lo",
               "hi", "attainable", "verdict"]  # fmt: skip
    config = {"model": "market", "securities": 9, "sessions": 99, "first": "x", "last": "y",
              "samples": 9, "resampling_samples": 9}  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    return CalibrationResult(frame, designs, ((0, 0),), tuple(sizes), config, (), 1.0)


def test_tests_that_hold_everywhere_are_recommended_by_power() -> None:
    result = made_result({
        "weak": ("holds", 0.3), "strong": ("holds", 0.8), "liar": ("over-rejects", 0.99),
        "shy": ("under-rejects", 0.1), "vague": ("cannot say", 0.9),
    })  # fmt: skip
    assert result.recommended == ("strong", "weak")
    assert result.recommended_for("a") == ("liar", "vague", "strong", "weak", "shy")
    assert result.ranked_at == 0.009
    text = result.summary()
    assert "Hold in every design, by power at 0.9%: strong, weak." in text
    assert "over-rejects" in text


def test_none_that_is_known_to_hold_is_not_none() -> None:
    """In design b two tests are open: one for want of samples, one for want of values."""
    result = made_result({
        "liar": ("over-rejects", 0.9), "vague": ("cannot say", 0.9), "blank": ("cannot say", 0.2),
    })  # fmt: skip
    rates = result.rates
    rates.loc[(rates["test"] == "blank") & (rates["design"] == "b"), "undefined"] = 0.6
    assert result.cannot_say("a") == ((), ())
    assert result.cannot_say("b") == (("vague",), ("blank",))
    assert recommendation_lines(result)[-3:] == [
        "Hold in every design, by power at 0.9%: none for certain.",
        "  Cannot be told with so few samples (9): vague; ask for more.",
        "  Cannot be told, having no value in more than half of the samples: blank.",
    ]
    assert result.manifest()["cannot_say"] == ["vague", "blank"]
    told = recommendation_lines(made_result({"liar": ("over-rejects", 0.9)}))
    assert told[-1].endswith(": none; choose by the design that is yours.")


def test_a_test_that_fails_in_one_window_is_not_open() -> None:
    result = made_result({"liar": ("over-rejects", 0.9), "vague": ("cannot say", 0.9)})
    more = result.rates.assign(window="-1,1")
    more.loc[more["test"] == "vague", "verdict"] = "over-rejects"
    frame = pd.concat([result.rates, more], ignore_index=True)
    assert replace(result, rates=frame).cannot_say("b") == ((), ())


def test_without_an_effect_nothing_is_ranked(dependent: CalibrationResult) -> None:
    holding = [t for t in QUICK if size_of(dependent, "one-date", t)["verdict"] == "holds"]
    assert list(dependent.recommended) == holding
    assert "power" not in "".join(recommendation_lines(dependent))


def test_the_summary_has_a_row_a_design_window_and_test(known: CalibrationResult) -> None:
    frame = known.summary_frame()
    assert len(frame) == 2 * 3
    assert list(frame.columns)[-2:] == ["verdict", "power_1%"]
    row = frame[(frame["design"] == "staggered") & (frame["test"] == "bmp")].iloc[0]
    assert row["power_1%"] == size_of(known, "staggered", "bmp", effect=0.01)["rate"]


def test_the_page_stands_alone_and_tells_every_rate(known: CalibrationResult) -> None:
    page = calibration_html(known)
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert "http" not in page.replace("http-equiv", "")
    row = size_of(known, "doubled", "patell")
    assert f"patell: {100 * row['rate']:.1f}%" in page
    assert page.count("<svg") == 2


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"tests": ["bmq"]}, "unknown test 'bmq'.*did you mean 'bmp'"),
        ({"model": "markt"}, "unknown model 'markt'"),
        ({"benchmark": "QQQ"}, "unknown benchmark 'QQQ'"),
        ({"benchmark": None}, "model market needs a benchmark"),
        ({"convention": "x"}, "unknown convention 'x'"),
        ({"securities": ["S00", "S99"]}, "S99"),
        ({"securities": ["S00", "S01", "S02"]}, "3 securities to draw from .*at least 4"),
        ({"samples": 0, "effects": [2.0]}, "effect 2: .*; samples 0: at least 1"),
        ({"jobs": 0}, "jobs 0"),
        ({"tests": []}, "no test was asked for"),
        ({"min_estimation": 440, "estimation": 450}, "have full windows, on 48 sessions"),
        ({"first": "2031-01-01"}, "0 securities have full windows, on 0 sessions"),
        ({"first": "soon"}, "date 'soon': write YYYY-MM-DD"),
        ({"window": (3, 1)}, "window 3,1 ends before it starts"),
        ({"designs": [Design("all", 21, "one-date")]}, "design 'all': 21 .* 20"),
        ({"designs": [Design("x", 9000)]}, "design 'x': 9000"),
        ({"designs": [Design("x", 9), Design("x", 8)]}, "two designs have the name 'x'"),
    ],
)
def test_a_mistake_gets_one_readable_message(
    iid: es.PriceTable, wrong: dict[str, object], said: str
) -> None:
    options = {"samples": 2, "tests": ["bmp"], "effects": []} | SHORT | wrong
    with pytest.raises(EventStudyError, match=said):
        calibrate(iid, **options)  # type: ignore[arg-type]


def test_a_plain_frame_is_taken_as_prices(iid: es.PriceTable) -> None:
    frame = pd.DataFrame(
        iid.adj_close, index=pd.DatetimeIndex(iid.dates, name="date"), columns=list(iid.tickers)
    )
    found = calibrate(
        frame, tests=["bmp"], samples=3, effects=[], designs=[Design("a", 5)], window=0, **SHORT
    )
    assert found.config["securities"] == 20


def test_the_errors_are_of_the_kinds_that_are_documented(iid: es.PriceTable) -> None:
    with pytest.raises(UnknownNameError):
        calibrate(iid, tests=["nope"])
    with pytest.raises(StudyError):
        calibrate(iid, samples=-1)
