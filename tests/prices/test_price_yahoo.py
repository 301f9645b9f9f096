"""The yahoo source, by yfinance's own code against a chart service on the loopback.

Expected prices are the figures of the JSON, written here by hand.
"""

import io
import json
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from chart_service import NOT_FOUND, ChartService, chart_body

from eventstudy.disk import cache_folder
from eventstudy.errors import PriceError
from eventstudy.prices import YahooSource, load_prices
from eventstudy.prices.cache import file_name
from eventstudy.prices.yahoo_chart import explained

DAYS = ["2024-12-19", "2024-12-20", "2024-12-23", "2024-12-24"]
CLOSES: list[float | None] = [218.0, 220.79, 232.35, 239.68]
ADJ: list[float | None] = [217.4, 220.2, 232.35, 239.68]
EVENING = datetime(2024, 12, 24, 23, 0, tzinfo=UTC)

AVGO = chart_body(DAYS, CLOSES, adj=ADJ, dividends={"2024-12-23": 0.59})
LIMITED = (429, "Too Many Requests\r\n")
EMPTY = (200, '{"chart": {"result": null, "error": null}}')


class Waits(list[float]):
    """Stands in for sleeping."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def source(waits: Waits | None = None, **options: object) -> YahooSource:
    settings = {"now": lambda: EVENING, "jitter": lambda: 0.5, "progress": False, **options}
    return YahooSource(sleep=waits if waits is not None else Waits(), **settings)  # type: ignore[arg-type]


def test_good_data_with_dividends_comes_through_as_sent(chart: ChartService) -> None:
    chart.answers["AVGO"] = [(200, AVGO)]
    table = source().load(["AVGO"], None, None)
    assert table.dates.astype(str).tolist() == DAYS
    assert table.close[:, 0].tolist() == [218.0, 220.79, 232.35, 239.68]
    assert table.adj_close[:, 0].tolist() == [217.4, 220.2, 232.35, 239.68]
    assert table.open[:, 0].tolist() == [217.0, 219.79, 231.35, 238.68]
    assert table.high[:, 0].tolist() == [220.0, 222.79, 234.35, 241.68]
    assert table.low[:, 0].tolist() == [216.0, 218.79, 230.35, 237.68]
    assert table.volume[:, 0].tolist() == [1000, 1001, 1002, 1003]
    assert table.dividends[:, 0].tolist() == [0.0, 0.0, 0.59, 0.0]
    assert table.returns[2, 0] == pytest.approx(232.35 / 220.2 - 1, abs=1e-15)
    assert table.source == "yahoo"
    assert "downloaded 2024-12-24" in table.origin["AVGO"]


def test_a_split_leaves_prices_as_the_service_adjusts_them(chart: ChartService) -> None:
    chart.answers["NVDA"] = [(200, chart_body(DAYS, CLOSES, splits={"2024-12-20": (10, 1)}))]
    table = source().load(["NVDA"], None, None)
    assert table.close[:, 0].tolist() == [218.0, 220.79, 232.35, 239.68]
    assert table.dividends[:, 0].tolist() == [0.0, 0.0, 0.0, 0.0]


def test_dates_are_the_exchanges_own_and_not_those_of_utc(chart: ChartService) -> None:
    # Taipei opens at 01:00 UTC; stamped at 16:00 UTC of the day before, midnight there.
    days = ["2024-12-18", "2024-12-19"]
    body = chart_body(days, [100.0, 101.0], zone="Asia/Taipei", hour_utc="16:00", close_utc="05:30")
    chart.answers["3661.TW"] = [(200, body)]
    table = source().load(["3661.TW"], None, None)
    assert table.dates.astype(str).tolist() == ["2024-12-19", "2024-12-20"]


def test_a_date_without_a_price_gives_no_row(chart: ChartService) -> None:
    chart.answers["AVGO"] = [(200, chart_body(DAYS, [218.0, None, 232.35, 239.68]))]
    table = source().load(["AVGO"], None, None)
    assert table.dates_of("AVGO").astype(str).tolist() == [DAYS[0], DAYS[2], DAYS[3]]


def test_start_and_end_are_both_included(chart: ChartService) -> None:
    chart.answers["AVGO"] = [(200, AVGO)]
    table = source().load(["AVGO"], date(2024, 12, 20), date(2024, 12, 23))
    assert table.dates.astype(str).tolist() == ["2024-12-20", "2024-12-23"]


def test_a_rate_limit_is_waited_out(chart: ChartService) -> None:
    # yfinance itself asks twice before it gives up on a refusal, so four make two attempts.
    chart.answers["AVGO"] = [LIMITED, LIMITED, LIMITED, LIMITED, (200, AVGO)]
    waits = Waits()
    table = source(waits).load(["AVGO"], None, None)
    assert table.close[-1, 0] == 239.68
    assert waits == [1.0, 2.0]  # 2^k x (0.5 + 0.5)


def test_a_rate_limit_for_ever_names_the_tickers_and_stops_asking(chart: ChartService) -> None:
    for ticker in ("AVGO", "MRVL", "NVDA"):
        chart.answers[ticker] = [LIMITED]
    waits = Waits()
    with pytest.raises(PriceError) as caught:
        source(waits).load(["AVGO", "MRVL", "NVDA"], None, None)
    text = str(caught.value)
    assert "no prices for 3 of 3 tickers" in text
    assert "AVGO: refused: too many requests (HTTP 429), after 4 attempts" in text
    assert "MRVL: refused: too many requests (HTTP 429), after 1 attempt" in text
    assert "NVDA" in text
    assert waits == [1.0, 2.0, 4.0]  # the other two are asked once each
    assert "Traceback" not in text


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (EMPTY, "an answer without prices"),
        ((200, '{"chart": {"result": [], "error": null}}'), "an answer without prices"),
        ((200, "{}"), "an answer without prices"),
        ((200, chart_body([], [])), "an empty answer|an answer without prices"),
        ((200, chart_body(DAYS, [None] * 4)), "an empty answer"),
    ],
)
def test_an_empty_answer_is_never_a_price(
    chart: ChartService, answer: tuple[int, str], word: str
) -> None:
    chart.answers["AVGO"] = [answer]
    waits = Waits()
    with pytest.raises(PriceError, match=rf"AVGO: ({word})"):
        source(waits).load(["AVGO"], None, None)
    assert waits == []
    assert not (cache_folder() / "yahoo").exists()


def test_an_empty_history_behind_a_good_zone_is_never_a_price(chart: ChartService) -> None:
    chart.zones["AVGO"] = (200, AVGO)
    chart.answers["AVGO"] = [EMPTY]
    with pytest.raises(PriceError, match="AVGO: an empty answer"):
        source().load(["AVGO"], None, None)


@pytest.mark.parametrize("body", ['{"chart": {"result": [{"meta"', "<html>Bad gateway</html>", ""])
def test_a_broken_body_is_asked_for_again_and_then_named(chart: ChartService, body: str) -> None:
    chart.answers["AVGO"] = [(200, body)]
    waits = Waits()
    with pytest.raises(PriceError, match=r"AVGO: the answer could not be read.*after 4 attempts"):
        source(waits).load(["AVGO"], None, None)
    assert waits == [1.0, 2.0, 4.0]


def test_a_broken_body_that_heals_gives_prices(chart: ChartService) -> None:
    chart.answers["AVGO"] = [(200, "<html>"), (200, AVGO)]
    assert source().load(["AVGO"], None, None).close[-1, 0] == 239.68


def test_a_failing_server_is_asked_again(chart: ChartService) -> None:
    chart.answers["AVGO"] = [(503, "<html>unavailable</html>")] * 2 + [(200, AVGO)]
    waits = Waits()
    assert source(waits).load(["AVGO"], None, None).close[-1, 0] == 239.68
    assert waits == [1.0]


def test_a_failure_that_the_service_explains_is_asked_about_again(chart: ChartService) -> None:
    chart.zones["AVGO"] = (200, AVGO)
    reason = {"code": "Internal", "description": "Internal server error"}
    chart.answers["AVGO"] = [(500, json.dumps({"chart": {"result": None, "error": reason}}))]
    with pytest.raises(PriceError, match=r"AVGO: the service failed: .*after 4 attempts"):
        source().load(["AVGO"], None, None)


class DNSError(OSError):
    pass


class HTTPError(OSError):
    def __init__(self, status: int) -> None:
        self.response = type("Response", (), {"status_code": status})()
        super().__init__(f"HTTP Error {status}")


@pytest.mark.parametrize(
    ("error", "word", "transient"),
    [
        (DNSError("Could not resolve host"), "no network", False),
        (HTTPError(404), "no such ticker", False),
        (HTTPError(429), "too many requests", True),
        (HTTPError(502), "the service failed (HTTP 502)", True),
        (TimeoutError("slow"), "no answer in time", True),
        (ConnectionResetError("reset by peer"), "no connection: reset by peer", True),
        (RuntimeError("odd"), "RuntimeError: odd", False),
    ],
)
def test_what_failures_of_the_network_libraries_mean(
    error: Exception, word: str, transient: bool
) -> None:
    found = explained(error, "AVGO")
    assert word in str(found)
    assert found.transient is transient


def test_an_unknown_ticker_is_not_asked_for_again(chart: ChartService) -> None:
    chart.answers |= {"AVGO": [(200, AVGO)], "AVGX": [NOT_FOUND], "BRK.B": [NOT_FOUND]}
    waits = Waits()
    with pytest.raises(PriceError) as caught:
        source(waits).load(["AVGO", "AVGX", "BRK.B"], None, None)
    text = str(caught.value)
    assert "no prices for 2 of 3 tickers" in text
    assert "AVGX: no such ticker" in text
    assert "BRK.B: no such ticker (yahoo writes share classes with a dash: BRK-B)" in text
    assert waits == []


def test_missing_drop_goes_on_and_writes_the_reason_down(chart: ChartService) -> None:
    chart.answers |= {"AVGO": [(200, AVGO)], "AVGX": [NOT_FOUND]}
    table = source(missing="drop").load(["AVGO", "AVGX"], None, None)
    assert table.tickers == ("AVGO",)
    assert table.missing == {"AVGX": "no such ticker"}


def test_missing_drop_with_nothing_left_is_an_error(chart: ChartService) -> None:
    with pytest.raises(PriceError, match="AVGX: no such ticker"):
        source(missing="drop").load(["AVGX"], None, None)


def test_a_service_that_stays_silent_is_given_up_and_named(chart: ChartService) -> None:
    chart.zones["AVGO"] = (200, AVGO)
    chart.answers["AVGO"] = [5.0]
    waits = Waits()
    with pytest.raises(PriceError, match=r"AVGO: no answer in time, after 2 attempts"):
        source(waits, timeout=0.3, attempts=2).load(["AVGO"], None, None)
    assert waits == [1.0]


def test_no_network_is_said_in_one_line_a_ticker(chart: ChartService) -> None:
    chart.close()
    with pytest.raises(PriceError, match=r"AVGO: no connection: .*after 1 attempt") as caught:
        source(attempts=1).load(["AVGO"], None, None)
    assert "source='sample' needs no network" in str(caught.value)


def test_the_second_load_asks_nothing_and_is_bit_equal(chart: ChartService) -> None:
    chart.answers["AVGO"] = [(200, AVGO)]
    first = source().load(["AVGO"], None, None)
    asked = len(chart.paths)
    second = source().load(["AVGO"], date(2024, 12, 20), None)
    assert len(chart.paths) == asked
    assert second.close[:, 0].tobytes() == first.close[1:, 0].tobytes()
    assert second.origin == first.origin


def test_refresh_asks_again(chart: ChartService) -> None:
    chart.answers["AVGO"] = [(200, AVGO)]
    source().load(["AVGO"], None, None)
    later = chart_body(DAYS, [1.0, 2.0, 3.0, 4.0])
    chart.answers["AVGO"] = [(200, later)]
    assert source(refresh=True).load(["AVGO"], None, None).close[:, 0].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("now", "end", "asks"),
    [
        (datetime(2024, 12, 25, 12, 0, tzinfo=UTC), None, False),  # nothing has closed since
        (datetime(2024, 12, 25, 12, 0, tzinfo=UTC), date(2099, 1, 1), False),
        (datetime(2024, 12, 26, 22, 0, tzinfo=UTC), None, True),  # a session has closed since
        (datetime(2024, 12, 26, 22, 0, tzinfo=UTC), date(2099, 1, 1), True),
        (datetime(2024, 12, 26, 22, 0, tzinfo=UTC), date(2024, 12, 24), False),  # not asked for
    ],
)
def test_the_whole_history_is_fetched_again_once_a_session_has_closed(
    chart: ChartService, now: datetime, end: date | None, asks: bool
) -> None:
    chart.answers["AVGO"] = [(200, AVGO)]
    source().load(["AVGO"], None, None)
    chart.answers["AVGO"] = [(200, chart_body([*DAYS, "2024-12-26"], [1.0, 2.0, 3.0, 4.0, 5.0]))]
    table = source(now=lambda: now).load(["AVGO"], None, end)
    assert table.close[0, 0] == (1.0 if asks else 218.0)
    assert len(table.dates) == (5 if asks else 4)


@pytest.mark.parametrize(("days", "asks"), [(["2024-12-26"], False), (["2024-12-22"], True)])
def test_a_weekend_is_waited_for_only_where_weekends_trade(
    chart: ChartService, days: list[str], asks: bool
) -> None:
    friday = datetime(2024, 12, 27, 23, 0, tzinfo=UTC)
    sunday = datetime(2024, 12, 29, 23, 0, tzinfo=UTC)
    chart.answers["X"] = [(200, chart_body([*days, "2024-12-27"], [1.0, 2.0]))]
    source(now=lambda: friday).load(["X"], None, None)
    before = chart.asked["X"]
    source(now=lambda: sunday).load(["X"], None, None)
    assert (chart.asked["X"] > before) is asks


def test_the_bar_of_a_session_still_running_is_left_out_and_noted(chart: ChartService) -> None:
    chart.answers["AVGO"] = [(200, AVGO)]
    noon = datetime(2024, 12, 24, 17, 0, tzinfo=UTC)
    table = source(now=lambda: noon).load(["AVGO"], None, None)
    assert table.dates[-1] == np.datetime64("2024-12-23")
    assert [(w.check, w.date) for w in table.warnings] == [("unfinished", "2024-12-24")]


def test_a_half_written_cache_file_is_fetched_again_and_noted(chart: ChartService) -> None:
    chart.answers["AVGO"] = [(200, AVGO)]
    source().load(["AVGO"], None, None)
    path = cache_folder() / "yahoo" / file_name("AVGO")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    asked = chart.asked["AVGO"]
    table = source().load(["AVGO"], None, None)
    assert chart.asked["AVGO"] > asked
    assert table.close[-1, 0] == 239.68
    assert [w.check for w in table.warnings] == ["cache"]
    assert "has to be downloaded again" in table.warnings[0].detail


def test_a_failed_refetch_says_how_far_the_old_download_reaches(chart: ChartService) -> None:
    chart.answers["AVGO"] = [(200, AVGO)]
    source().load(["AVGO"], None, None)
    chart.answers["AVGO"] = [LIMITED]
    with pytest.raises(PriceError, match="an older download reaches 2024-12-24"):
        source(now=lambda: datetime(2025, 1, 6, tzinfo=UTC), attempts=1).load(["AVGO"], None, None)


def test_a_cache_that_cannot_be_written_is_noted_and_no_error(
    chart: ChartService, tmp_path: Path
) -> None:
    chart.answers["AVGO"] = [(200, AVGO)]
    (tmp_path / "file").write_text("in the way")
    table = source(folder=tmp_path / "file").load(["AVGO"], None, None)
    assert table.close[-1, 0] == 239.68
    assert "could not be kept" in table.warnings[-1].detail


def test_tickers_are_needed(chart: ChartService) -> None:
    with pytest.raises(PriceError, match="yahoo needs a list of tickers"):
        load_prices(source="yahoo")


def test_load_prices_by_name_checks_what_it_loads(chart: ChartService) -> None:
    chart.answers["AVGO"] = [(200, chart_body(DAYS, [218.0, -1.0, 232.35, 239.68]))]
    with pytest.raises(PriceError, match=r"AVGO: close is -1 on 2024-12-20"):
        load_prices("AVGO", source="yahoo", progress=False)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_progress_bar_goes_to_stderr_on_a_terminal(
    chart: ChartService, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    screen = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", screen)
    chart.answers["AVGO"] = [(200, AVGO)]
    source(progress=None).load(["AVGO"], None, None)
    assert "yahoo AVGO" in screen.getvalue()
    drawn = len(screen.getvalue())
    source(progress=None).load(["AVGO"], None, None)
    assert len(screen.getvalue()) == drawn  # nothing to fetch, nothing to show
    assert capsys.readouterr().out == ""


def test_the_progress_bar_is_off_where_stderr_is_no_terminal(
    chart: ChartService, capsys: pytest.CaptureFixture[str]
) -> None:
    chart.answers["AVGO"] = [(200, AVGO)]
    source(progress=None).load(["AVGO"], None, None)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")
