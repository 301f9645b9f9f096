"""The page of a study by engine streamed."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

import eventstudy as es


@pytest.fixture(scope="module")
def large(root: Path) -> es.LargeStudy:
    rows = pd.read_csv(root / "events.csv", dtype=str, keep_default_na=False)
    events = es.read_events(rows[~rows["tickers"].str.contains("@")].assign(expects=""))
    prices = es.load_prices(events.tickers | {"SPY"}, source="sample")
    return es.event_study(events, prices, window=[(-1, 1), (2, 10)], engine="streamed")


def test_the_page_holds_the_numbers_of_the_study(large: es.LargeStudy, tmp_path: Path) -> None:
    page = es.write_report(large, tmp_path / "report.html", title="Many <events>").read_text()
    assert "<title>Many &lt;events&gt;</title>" in page
    rows = large.effects[(large.effects["group"] == "all") & (large.effects["window"] == "-1,1")]
    for value in rows["caar"]:
        assert f"{100 * value:+.2f}%".replace("-", "\N{MINUS SIGN}") in page
    reasons = large.dropped["reason"].value_counts()
    for reason, count in reasons.items():
        assert re.search(rf"<bdi>{reason}</bdi></th><td class=\"num\">{count:,}</td>", page)
    for name in ("lead-baskets", "effects", "heatmap"):
        assert f'data-plot="{name}"' in page
    assert len(page.encode()) < 6_000_000


def test_nothing_goes_beside_it(large: es.LargeStudy, tmp_path: Path) -> None:
    with pytest.raises(es.EventStudyError, match="has a page of its own"):
        es.write_report(large, tmp_path / "report.html", case="avgo-earnings-2024-12-12")


@pytest.mark.browser
def test_the_page_is_drawn_without_a_word_on_the_console(
    large: es.LargeStudy, tmp_path: Path, browser
) -> None:
    path = es.write_report(large, tmp_path / "report.html")
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(path.as_uri())
    for name in ("lead-baskets", "effects", "heatmap"):
        page.locator(f"#fig-{name} .main-svg").first.wait_for(state="attached")
    assert said == []
    page.close()


def test_events_without_prices_of_their_own_have_a_page_of_their_peers(
    root: Path, tmp_path: Path
) -> None:
    """Where no event's own ticker has prices there is no group "all" to lead with."""
    prices = es.load_prices({"NVDA", "AVGO", "SPY"}, source="sample")
    rows = {"event_id": ["a", "b"], "date": ["2024-12-04", "2025-01-08"], "session": "pre"}
    events = es.read_events(pd.DataFrame(rows | {"tickers": ["ZZZZ;NVDA", "ZZZZ;AVGO"]}))
    study = es.event_study(events, prices, window=[(-1, 1)], engine="streamed", observed=[])
    assert {group.name for group in study.groups} == {"peer:NVDA", "peer:AVGO"}
    page = es.write_report(study, tmp_path / "report.html").read_text()
    caar = study.effects.set_index(["group", "window"])["caar"]["peer:NVDA", "-1,1"]
    assert f"{100 * caar:+.2f}%".replace("-", "\N{MINUS SIGN}") in page
    assert 'data-plot="lead-baskets"' in page


def test_a_page_of_the_whole_engine_without_an_own_ticker(root: Path, tmp_path: Path) -> None:
    rows = {"event_id": "e", "date": ["2024-10-01"], "session": "pre", "tickers": "ORCL"}
    prices = es.load_prices({"NVDA", "SPY"}, source="sample")
    events = es.read_events(pd.DataFrame(rows))
    study = es.event_study(events, prices, window=(0, 0), observed=["NVDA"])
    page = es.write_report(study, tmp_path / "report.html").read_text()
    assert 'data-plot="forest"' in page
