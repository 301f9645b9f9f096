"""Histories that have changed since they were kept, answers in part, clocks that were set.

By yfinance's own code against a chart service on the loopback; expected figures by hand.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chart_service import NOT_FOUND, ChartService, chart_body

from eventstudy.disk import cache_folder
from eventstudy.errors import PriceError
from eventstudy.prices import YahooSource
from eventstudy.prices.cache import file_name, read_cached
from eventstudy.prices.revised import revision

DAYS = ["2024-12-19", "2024-12-20", "2024-12-23", "2024-12-24"]
CLOSES: list[float | None] = [218.0, 220.79, 232.35, 239.68]
EVENING = datetime(2024, 12, 24, 23, 0, tzinfo=UTC)
CHRISTMAS = date(2024, 12, 24)
FORTNIGHT = EVENING + timedelta(days=14)
LIMITED = (429, "Too Many Requests\r\n")


def load(now: datetime, end: date | None = None, ticker: str = "AVGO", **options: Any) -> Any:
    settings = {"jitter": lambda: 0.5, "sleep": lambda _: None, "progress": False, **options}
    return YahooSource(now=lambda: now, **settings).load([ticker], None, end)


def kept(chart: ChartService, closes: list[float | None] = CLOSES, **body: Any) -> None:
    chart.answers["AVGO"] = [(200, chart_body(DAYS, closes, **body))]
    load(EVENING)


def notes(table: Any) -> list[tuple[str, str | None]]:
    return [(w.check, w.date) for w in table.warnings]


def days(*written: str) -> np.ndarray:
    return np.array(written, dtype="datetime64[D]")


def test_what_a_dividend_and_a_split_and_a_correction_change() -> None:
    dates = days(*DAYS)
    old = {"close": np.array([100.0, 110.0, 121.0, 121.0]), "adj_close": np.full(4, 50.0)}
    same = revision(dates, old, dates, old)
    assert (same.adjusted, same.split, same.adjustment, same.largest) == (False, 1.0, 1.0, 0.0)
    dividend = revision(dates, old, dates, {**old, "adj_close": np.full(4, 49.0)})
    assert dividend.adjusted
    assert (dividend.split, dividend.adjustment) == (1.0, 0.98)
    assert dividend.revised.size == 0  # no total return is another one
    halved = {name: values / 2 for name, values in old.items()}
    split = revision(dates, old, dates, halved)
    assert (split.split, split.adjustment, split.revised.size) == (0.5, 0.5, 0)
    wrong = {**old, "adj_close": np.array([50.0, 50.0, 55.0, 50.0])}
    corrected = revision(dates, old, dates, wrong)
    assert corrected.revised.astype(str).tolist() == DAYS[2:]
    assert corrected.largest == pytest.approx(0.1, abs=1e-12)
    shorter = revision(dates, old, dates[[0, 3]], {n: v[[0, 3]] for n, v in old.items()})
    assert (shorter.held, shorter.lost.astype(str).tolist()) == (4, DAYS[1:3])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"adj": [215.0, 217.76, 229.15, 236.38]}, "adjusted"),  # a dividend since
        ({"closes": [109.0, 110.395, 116.175, 119.84]}, "adjusted"),  # two for one
        ({"closes": [218.0, 220.79, 230.0, 239.68]}, "revised"),  # one close corrected
    ],
)
def test_a_history_that_changed_is_found_and_fetched_again(
    chart: ChartService, change: dict[str, Any], words: str
) -> None:
    kept(chart)
    body = chart_body(DAYS, change.get("closes", CLOSES), adj=change.get("adj"))
    chart.answers["AVGO"] = [(200, body)]
    table = load(FORTNIGHT, CHRISTMAS)
    assert table.close[:, 0].tolist() == change.get("closes", CLOSES)
    assert table.adj_close[:, 0].tolist() == change.get("adj", change.get("closes", CLOSES))
    assert "adjusted" in {check for check, _ in notes(table)}
    assert words in {check for check, _ in notes(table)}
    assert "the whole is asked for again" in table.warnings[0].detail
    asked = len(chart.paths)
    again = load(FORTNIGHT, CHRISTMAS)  # and is kept
    assert len(chart.paths) == asked
    assert again.close.tolist() == table.close.tolist()


def test_a_history_that_did_not_change_is_compared_once_a_week(chart: ChartService) -> None:
    kept(chart)
    counts = []
    for later in (3, 8, 10, 16):
        before = len(chart.paths)
        table = load(EVENING + timedelta(days=later), CHRISTMAS)
        counts.append(len(chart.paths) > before)
        assert notes(table) == []
        assert "downloaded 2024-12-24" in table.origin["AVGO"]
    assert counts == [False, True, False, True]
    before = len(chart.paths)
    load(EVENING + timedelta(days=90), CHRISTMAS, recheck=None)
    assert len(chart.paths) == before


@pytest.mark.parametrize("answer", [NOT_FOUND, LIMITED, (503, "<html>")])
def test_a_service_that_cannot_be_compared_with_leaves_what_is_kept(
    chart: ChartService, answer: tuple[int, str]
) -> None:
    kept(chart)
    chart.answers["AVGO"] = [answer]
    table = load(FORTNIGHT, CHRISTMAS)
    assert table.close[:, 0].tolist() == CLOSES
    assert notes(table) == [("cache", None)]
    assert "could not be compared" in table.warnings[0].detail
    assert "downloaded on 2024-12-24" in table.warnings[0].detail


def test_a_changed_history_that_cannot_be_had_is_no_price(chart: ChartService) -> None:
    kept(chart)
    halves = chart_body(DAYS, [109.0, 110.395, 116.175, 119.84])
    chart.zones["AVGO"] = (200, halves)
    chart.answers["AVGO"] = [(200, halves), LIMITED]
    with pytest.raises(PriceError, match=r"AVGO: refused: too many.*were adjusted or revised"):
        load(FORTNIGHT, CHRISTMAS)


def test_an_answer_in_part_is_asked_for_again(chart: ChartService) -> None:
    kept(chart)
    whole = chart_body([*DAYS, "2024-12-26"], [*CLOSES, 240.0])
    part = chart_body([*DAYS[2:], "2024-12-26"], [*CLOSES[2:], 240.0])
    chart.zones["AVGO"] = (200, whole)
    chart.answers["AVGO"] = [(200, part), (200, whole)]
    table = load(datetime(2024, 12, 26, 23, tzinfo=UTC))
    assert table.dates.astype(str).tolist() == [*DAYS, "2024-12-26"]


def test_an_answer_in_part_for_ever_is_named_and_not_kept(chart: ChartService) -> None:
    kept(chart)
    part = chart_body([*DAYS[2:], "2024-12-26"], [*CLOSES[2:], 240.0])
    chart.answers["AVGO"] = [(200, part)]
    later = datetime(2024, 12, 26, 23, tzinfo=UTC)
    words = r"AVGO: a partial answer: 2 of 4 sessions .* 2024-12-19 the first .*after 4 attempts"
    with pytest.raises(PriceError, match=words):
        load(later)
    held, trouble = read_cached(cache_folder() / "yahoo" / file_name("AVGO"))
    assert trouble == ""
    assert held is not None
    assert len(held.dates) == 4
    assert len(load(later, refresh=True).dates) == 3  # unless that is asked for


def test_a_session_that_the_service_took_away_is_told(chart: ChartService) -> None:
    many = np.arange("2024-01-01", "2024-12-25", dtype="datetime64[D]")
    written = [str(d) for d in many[np.is_busday(many)]]
    chart.answers["AVGO"] = [(200, chart_body(written, [100.0] * len(written)))]
    load(EVENING)
    fewer = [*written[:50], *written[51:], "2024-12-26"]
    chart.answers["AVGO"] = [(200, chart_body(fewer, [100.0] * len(fewer)))]
    table = load(datetime(2024, 12, 26, 23, tzinfo=UTC))
    assert notes(table) == [("revised", written[50])]


def test_a_ticker_that_is_delisted_keeps_what_it_had(chart: ChartService) -> None:
    kept(chart)
    chart.answers["AVGO"] = [NOT_FOUND]
    with pytest.raises(PriceError, match=r"no such ticker \(an older download reaches 2024-12-24"):
        load(FORTNIGHT)
    assert load(FORTNIGHT, CHRISTMAS).close[:, 0].tolist() == CLOSES


def test_prices_that_end_in_the_middle_end_there(chart: ChartService) -> None:
    chart.answers |= {
        "AVGO": [(200, chart_body(DAYS, CLOSES))],
        "GONE": [(200, chart_body(DAYS[:2], CLOSES[:2]))],
    }
    source = YahooSource(now=lambda: EVENING, sleep=lambda _: None, progress=False)
    table = source.load(["AVGO", "GONE"], None, None)
    assert table.dates_of("GONE").astype(str).tolist() == DAYS[:2]
    assert np.isnan(table.close[2:, 1]).all()


def changed(body: str, change: Any) -> str:
    sent = json.loads(body)
    change(sent["chart"]["result"][0])
    return json.dumps(sent)


def without(*path: str) -> Any:
    def change(result: dict[str, Any]) -> None:
        *way, last = path
        for key in way:
            result = result[key]
            result = result[0] if isinstance(result, list) else result
        del result[last]

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without("timestamp"), "no field 'timestamp'"),
        (without("indicators"), "no field 'indicators'"),
        (without("indicators", "quote", "close"), "no field 'close'"),
        (without("indicators", "quote", "open"), "no field 'open'"),
        (without("meta", "currency"), "no field 'currency'"),
        (lambda r: r["timestamp"].pop(), "an answer without prices"),
        (lambda r: r["indicators"]["quote"][0].update(close="none"), "an answer without prices"),
    ],
)
def test_changed_fields_are_named_and_never_a_price(
    chart: ChartService, change: Any, words: str
) -> None:
    body = chart_body(DAYS, CLOSES)
    chart.zones["AVGO"] = (200, body)
    chart.answers["AVGO"] = [(200, changed(body, change))]
    with pytest.raises(PriceError, match=f"AVGO: .*{words}"):
        load(EVENING)
    assert not (cache_folder() / "yahoo").exists()


def test_a_field_more_changes_nothing(chart: ChartService) -> None:
    def more(result: dict[str, Any]) -> None:
        result["indicators"]["vwap"] = [{"vwap": [1.0] * 4}]
        result["meta"]["longName"] = "Broadcom"

    chart.answers["AVGO"] = [(200, changed(chart_body(DAYS, CLOSES), more))]
    assert load(EVENING).close[:, 0].tolist() == CLOSES


def test_without_adjusted_closes_dividends_are_not_lost(chart: ChartService) -> None:
    body = chart_body(DAYS, CLOSES, dividends={"2024-12-23": 5.0})
    chart.answers["AVGO"] = [(200, changed(body, without("indicators", "adjclose")))]
    for table in (load(EVENING), load(EVENING)):  # as downloaded, and from the cache
        assert table.returns[2, 0] == pytest.approx((232.35 + 5.0) / 220.79 - 1, abs=1e-15)
        assert notes(table) == [("lacking", None)]


def test_a_cache_of_a_clock_that_went_ahead_is_not_believed(chart: ChartService) -> None:
    chart.answers["AVGO"] = [(200, chart_body(DAYS, CLOSES))]
    load(EVENING + timedelta(days=365))  # the clock is a year ahead
    chart.answers["AVGO"] = [(200, chart_body([*DAYS, "2024-12-26"], [*CLOSES, 240.0]))]
    for later in (2, 200):
        table = load(EVENING + timedelta(days=later))
        assert table.dates.astype(str).tolist() == [*DAYS, "2024-12-26"]


def test_the_last_bar_of_a_clock_that_went_ahead_is_fetched_again(chart: ChartService) -> None:
    # At noon on the 24th, by a clock that says the 25th, half a session was taken for a whole one.
    running: list[float | None] = [*CLOSES[:3], 1.0]
    chart.answers["AVGO"] = [(200, chart_body(DAYS, running))]
    load(datetime(2024, 12, 25, 17, 0, tzinfo=UTC))
    chart.answers["AVGO"] = [(200, chart_body(DAYS, CLOSES))]
    table = load(datetime(2024, 12, 24, 22, 0, tzinfo=UTC), CHRISTMAS)
    assert table.close[-1, 0] == 239.68


@pytest.mark.parametrize("days_back", [1, 365])
def test_a_clock_that_was_set_back_loses_nothing_that_is_kept(
    chart: ChartService, days_back: int
) -> None:
    kept(chart)
    table = load(EVENING - timedelta(days=days_back))
    assert table.close[:, 0].tolist() == CLOSES


def test_a_clock_that_is_behind_the_service_is_said(chart: ChartService, tmp_path: Path) -> None:
    chart.answers["AVGO"] = [(200, chart_body(DAYS, CLOSES))]
    words = "has a session of 2024-12-24, and this machine's clock says 2023-12-25: set the clock"
    with pytest.raises(PriceError, match=words):
        load(EVENING - timedelta(days=365))


def test_fetch_does_not_say_that_it_kept_what_it_did_not(
    chart: ChartService,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from eventstudy.cli import main

    chart.answers["AVGO"] = [(200, chart_body(DAYS, CLOSES))]
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("EVENTSTUDY_CACHE", str(tmp_path / "file"))
    assert main(["prices", "fetch", "AVGO"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "1 of 1 tickers are not kept" in captured.err
    assert f"AVGO: the download could not be kept: {tmp_path / 'file'}" in captured.err
    assert captured.err.rstrip().endswith("AVGO.parquet: Not a directory")


def test_fetch_says_what_has_changed(
    chart: ChartService, capsys: pytest.CaptureFixture[str]
) -> None:
    from eventstudy.cli import main

    kept(chart)  # by a clock of 2024; the command's own is years later
    halves: list[float | None] = [109.0, 110.395, 116.175, 119.84]
    chart.answers["AVGO"] = [(200, chart_body(DAYS, halves))]
    assert main(["prices", "fetch", "AVGO", "--end", "2024-12-24"]) == 0
    told = capsys.readouterr().out
    assert "AVGO: prices were adjusted or revised after they were downloaded on 2024-12-24" in told
    assert "AVGO: closes are 0.5 times those downloaded on 2024-12-24: a split since then" in told
