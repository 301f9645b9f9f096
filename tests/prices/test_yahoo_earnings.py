"""Drafts from Yahoo's earnings dates, by yfinance's own code against a page on the loopback.

The page is written here in the shape of Yahoo's; expected rows are written by hand.
"""

import json
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from chart_service import ChartService

from eventstudy.cli import main
from eventstudy.drafts import add_drafts, yahoo_drafts
from eventstudy.errors import PriceError
from eventstudy.events import read_events

TODAY = date(2025, 2, 1)
HEAD = (
    "<tr><th>Symbol</th><th>Company</th><th>Earnings Date</th><th>EPS Estimate</th>"
    "<th>Reported EPS</th><th>Surprise (%)</th></tr>"
)


def page(symbol: str, *moments: str) -> tuple[int, str]:
    rows = "".join(
        f"<tr><td>{symbol}</td><td>{symbol} Inc.</td><td>{moment}</td><td>1.39</td><td>1.42</td>"
        "<td>+2.3</td></tr>"
        for moment in moments
    )
    return 200, f"<html><body><table>{HEAD}{rows}</table></body></html>"


AVGO = page(
    "AVGO",
    "March 6, 2025 at 4 PM EST",
    "December 12, 2024 at 4 PM EST",
    "September 5, 2024 at 4 PM EDT",
    "June 12, 2024 at 9 AM EDT",
    "March 7, 2024 at 12 AM EST",
    "December 7, 2023 at 7 AM EST",
    "November 29, 2024 at 1 PM EST",
    "November 30, 2024 at 11 AM EST",
)


def test_time_and_session_where_the_hour_decides_them(pages: ChartService) -> None:
    pages.pages["AVGO"] = AVGO
    drafts = yahoo_drafts(["avgo"], today=TODAY)
    found = {
        row["date"]: (row["time"], row["session"], row["timezone"])
        for row in drafts.frame.to_dict("records")
    }
    ny = "America/New_York"
    assert found == {
        "2025-03-06": ("16:00", "post", ny),
        "2024-12-12": ("16:00", "post", ny),
        "2024-09-05": ("16:00", "post", ny),  # summer time
        "2024-06-12": ("", "unknown", ny),  # 9:00 to 9:59 straddles the open
        "2024-03-07": ("", "unknown", ny),  # midnight: no hour given
        "2023-12-07": ("07:00", "pre", ny),
        "2024-11-29": ("13:00", "post", ny),  # the early close after Thanksgiving
        "2024-11-30": ("11:00", "post", ny),  # a Saturday: the next session, whatever the hour
    }


def test_a_draft_is_marked_and_claims_nothing(pages: ChartService) -> None:
    pages.pages["AVGO"] = AVGO
    frame = yahoo_drafts(["AVGO"], today=TODAY).frame
    assert set(frame["use"]) == {"context"}
    assert set(frame["confidence"]) == {"low"}
    assert set(frame["known_on"]) == {""}
    assert set(frame["expects"]) == {""}
    notes = frame.set_index("date")["note"]
    assert notes["2024-12-12"] == "draft from yahoo of 2025-02-01: to be confirmed; listed at 4 PM"
    assert notes["2025-03-06"].endswith("still to come, may be a guess of Yahoo's")
    assert notes["2024-03-07"].endswith("no hour listed")


def test_import_appends_and_a_second_import_adds_nothing(
    pages: ChartService, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pages.pages["AVGO"] = AVGO
    pages.pages["NVDA"] = page("NVDA", "November 20, 2024 at 4 PM EST")
    calendar = tmp_path / "events.csv"
    before = (
        b"event_id,date,tickers,use,note,time,session,timezone,kind,subject,title,source,confidence"
        b"\r\nmine,2024-12-12,AVGO;MRVL,study,,16:15,,,,AVGO,,,high"
    )
    calendar.write_bytes(before)
    command = ["events", "import", str(calendar), "--from", "yahoo", "--ticker", "AVGO",
               "--ticker", "NVDA", "--start", "2024-09-01", "--end", "2024-12-31"]  # fmt: skip
    assert main([*command, "--dry-run"]) == 0
    assert calendar.read_bytes() == before
    assert "nvda-earnings-2024-11-20" in capsys.readouterr().out
    assert main([*command, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["written"] == 4
    assert [d["other"] for d in said["duplicates"]] == ["mine"]
    after = calendar.read_bytes()
    assert after.startswith(before + b"\r\n")
    assert b"\n" not in after.replace(b"\r\n", b"")
    read = read_events(calendar)
    assert list(read.frame["event_id"])[1:] == [
        "avgo-earnings-2024-09-05", "avgo-earnings-2024-11-29", "avgo-earnings-2024-11-30",
        "nvda-earnings-2024-11-20",
    ]  # fmt: skip
    assert len(read.study) == 1
    assert main(command) == 0
    assert calendar.read_bytes() == after
    assert "Nothing new" in capsys.readouterr().out


def test_every_ticker_that_fails_is_named_and_nothing_is_written(
    pages: ChartService, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pages.pages["AVGO"] = AVGO
    pages.pages["NONE"] = (200, "<html><body>No results</body></html>")
    pages.pages["ODD"] = page("ODD", "December 12, 2024 at 4:15 PM EST")
    pages.pages["HOLE"] = page("HOLE", "-", "December 12, 2024 at 4 PM EST")
    pages.pages["BUSY"] = (429, "Too Many Requests")
    calendar = tmp_path / "events.csv"
    names = [part for t in ("AVGO", "NONE", "ODD", "HOLE", "BUSY") for part in ("--ticker", t)]
    assert main(["events", "import", str(calendar), "--from", "yahoo", *names]) == 2
    said = capsys.readouterr().err
    assert "no earnings dates for 4 of 5 tickers" in said
    assert "NONE: no earnings dates on its page" in said
    assert "ODD: its page could not be read by yfinance" in said
    assert "HOLE: rows without a date on its page" in said
    assert "BUSY: refused: too many requests (HTTP 429)" in said
    assert not calendar.exists()


def test_no_rows_for_a_span_without_dates(pages: ChartService, tmp_path: Path) -> None:
    pages.pages["AVGO"] = AVGO
    drafts = yahoo_drafts(["AVGO"], start="2030-01-01", today=TODAY)
    added = add_drafts(drafts, tmp_path / "events.csv")
    assert added.rows.empty
    assert not (tmp_path / "events.csv").exists()
    assert "8 further dates" in drafts.notes[-1]


def test_the_error_is_one_for_the_library_too(pages: ChartService) -> None:
    with pytest.raises(PriceError, match="GONE: no earnings dates"):
        yahoo_drafts(["GONE"])


def test_drafted_rows_are_shown_and_not_tested(pages: ChartService, tmp_path: Path) -> None:
    pages.pages["AVGO"] = page("AVGO", "December 12, 2024 at 4 PM EST")
    add_drafts(yahoo_drafts(["AVGO"], today=TODAY), tmp_path / "events.csv")
    frame = read_events(tmp_path / "events.csv").frame
    assert str(frame["next"].iloc[0])[:10] == "2024-12-13"
    assert read_events(tmp_path / "events.csv").study.frame.empty
    assert isinstance(frame, pd.DataFrame)
