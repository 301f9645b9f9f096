"""Figures one by one: the same as in the report, chosen by name, drawn by a real browser."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_page import Made  # type: ignore[import-not-found]

import eventstudy as es
from eventstudy.exports.print_layout import printed

RELEASE = "avgo-earnings-2024-12-12"
CHROMIUM = shutil.which("chromium")
NO_BROWSER = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")


def test_every_listed_figure_is_there_and_plotly_takes_it(made: Made) -> None:
    """plotly refuses a property that it does not know."""
    for result, count in ((made.study, 9), (made.backtest, 2)):
        names = es.figure_names(result)
        assert len(names) >= count
        for name, what in names.items():
            drawn = es.figure(result, name)
            plot = drawn.to_plotly()
            assert drawn.name == name
            assert what
            assert drawn.caption
            assert len(plot.data) == len(drawn.spec["data"]) > 0
            assert plot.layout.title.text == drawn.title


def test_a_sweep_has_figures_too(root: Path) -> None:
    events = es.read_events(root / "events.csv")
    prices = es.load_prices(events.tickers | {"SPY"}, source="sample")
    swept = es.sweep(
        events, prices, "asic-gpu-rotation", {"hold": [2, 5, 10], "gross": [0.1, 0.2]}, jobs=1
    )
    assert list(es.figure_names(swept)) == ["map", "ratios", "halves", "walk"]
    drawn = es.figure(swept, "map")
    assert drawn.options["figure"][0] == "sharpe"
    assert len(es.figure(swept, "ratios").to_plotly().data) > 0


def test_a_choice_shows_the_cars_of_that_window(made: Made) -> None:
    """Against the table of CARs, in percent."""
    drawn = es.figure(made.study, "forest", window="0,1", series="own")
    assert (drawn.chosen["window"], drawn.chosen["series"]) == ("0,1", "own")
    rows = made.study.cars.query(
        "event_id == @RELEASE and ticker == 'AVGO' and window == '0,1' and alignment == 'stated'"
    )
    found = dict(zip(drawn.spec["data"][0]["y"], drawn.spec["data"][0]["x"], strict=True))
    shown = next(x for label, x in found.items() if RELEASE in label)
    assert shown == pytest.approx(100 * rows["car"].iloc[0], rel=1e-3)


def test_words_of_the_first_choice_are_not_said_of_another(made: Made) -> None:
    first = es.figure(made.study, "forest")
    other = es.figure(made.study, "forest", window="0,1")
    assert "intervals leave" in first.alternative
    assert "intervals leave" not in other.alternative
    assert "window 0,1" in other.alternative


def test_the_event_can_be_named(made: Made) -> None:
    drawn = es.figure(made.study, "event-paths", event="nvda-earnings-2024-11-20", view="ar")
    assert drawn.chosen["event"] == "nvda-earnings-2024-11-20"
    first, other = (es.figure(made.study, "noise", window=w).title for w in ("0,0", "2,10"))
    assert first != other
    assert "10" in other


@pytest.mark.parametrize(
    ("name", "asked", "said"),
    [
        ("forrest", {}, "unknown figure 'forrest' (did you mean 'forest'?)"),
        ("forest", {"windw": "0,1"}, "did you mean 'window'?"),
        ("forest", {"window": "0,2"}, "unknown window '0,2'"),
        ("noise", {"window": "7,9"}, "unknown window '7,9'"),
        ("forest", {"event": "avgo-earnings-2024-12-13"}, f"did you mean '{RELEASE}'?"),
        ("lead-baskets", {"window": "0,1"}, "unknown selector of figure 'lead-baskets'"),
    ],
)
def test_a_wrong_name_is_answered_with_the_known(
    made: Made, name: str, asked: dict[str, str], said: str
) -> None:
    with pytest.raises(es.EventStudyError) as caught:
        es.figure(made.study, name, **asked)
    assert said in str(caught.value)
    assert "known: " in str(caught.value)


def test_what_has_no_figures_says_what_has(small_study: Callable[..., es.StudyResult]) -> None:
    with pytest.raises(es.EventStudyError, match="give what event_study, backtest or sweep"):
        es.figure_names(3)  # type: ignore[arg-type]
    with pytest.raises(es.EventStudyError, match="'lead-directional' has nothing to draw"):
        es.figure(small_study(), "lead-directional")


def test_media_types_for_notebooks(made: Made) -> None:
    bundle = es.figure(made.study, "effects")._repr_mimebundle_()
    assert list(bundle) == ["application/vnd.plotly.v1+json", "text/html", "text/plain"]
    json.dumps(bundle, allow_nan=False)
    plot = es.figure(made.study, "effects")
    plot.to_plotly().update_layout(title="changed")
    assert plot.to_plotly().layout.title.text == plot.title


@pytest.mark.browser
@NO_BROWSER
def test_drawn_where_plotly_is_and_words_where_it_is_not(browser: Any, made: Made) -> None:
    from plotly.offline import get_plotlyjs

    html = es.figure(made.study, "forest")._repr_html_()
    page, said = browser.new_page(), []
    page.on("console", lambda m: said.append(m.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.set_content(f"<script>{get_plotlyjs()}</script>{html}")
    page.wait_for_selector(".eventstudy-plot .main-svg")
    assert not page.locator("details").evaluate("d => d.open")
    bare = browser.new_page()
    bare.set_content(html)
    assert "intervals leave" in bare.inner_text("details")
    assert bare.locator(".main-svg").count() == 0
    assert said == []


@pytest.mark.browser
@NO_BROWSER
def test_hostile_texts_are_text(browser: Any, small_study: Callable[..., es.StudyResult]) -> None:
    from plotly.offline import get_plotlyjs

    study = small_study(tests=["corrado"])
    page, said = browser.new_page(), []
    page.on("dialog", lambda d: (said.append(d.message), d.dismiss()))
    page.on("pageerror", lambda error: said.append(str(error)))
    figures = [es.figure(study, name) for name in ("forest", "prices", "effects", "event-paths")]
    body = "".join(f._repr_html_() for f in figures)
    page.set_content(f"<script>{get_plotlyjs()}</script>{body}")
    page.wait_for_function("document.querySelectorAll('.eventstudy-plot .main-svg').length >= 4")
    scripts = page.locator("script:not([type])").count()
    assert scripts == 1 + len(figures)
    assert said == []


def test_no_figure_of_the_report_is_left_out(made: Made) -> None:
    """The names are read from the page as it was written."""
    shown = set(re.findall(r'data-plot="([\w-]+)"', made.html))
    known = {**es.figure_names(made.study), **es.figure_names(made.backtest)}
    assert len(shown) > 8
    assert shown <= set(known)


@pytest.fixture(scope="module")
def barred(root: Path, tmp_path_factory: pytest.TempPathFactory) -> es.StudyResult:
    """A study whose ids and kinds hold what joins the parts of a variant's key, and markup."""
    text = (root / "events.csv").read_text(encoding="utf-8")
    text = text.replace(f"{RELEASE},", "a|b,").replace(",earnings,", ",<i>x|y</i>,")
    path = tmp_path_factory.mktemp("barred") / "events.csv"
    path.write_text(text, encoding="utf-8")
    events = es.read_events(path)
    prices = es.load_prices(events.tickers | {"SPY"}, source="sample")
    return es.event_study(events, prices, window=[(0, 0), (0, 1)])


def test_names_may_hold_the_bar_that_joins_a_key(barred: es.StudyResult) -> None:
    drawn = es.figure(barred, "event-paths", event="a|b", view="ar")
    assert drawn.chosen["view"] == "ar"
    assert drawn.spec["layout"]["yaxis"]["title"]["text"] == "AR, %"
    assert all("|" not in option for option in drawn.options["event"])
    assert "a|b, reading 'stated'" in es.figure(barred, "event-paths", event="a|b").alternative


def test_a_title_is_no_markup_in_plotly(barred: es.StudyResult) -> None:
    drawn = es.figure(barred, "kind", event="a|b")
    assert "<i>" in drawn.title
    assert "&lt;i&gt;x|y&lt;/i&gt;" in drawn.to_plotly().layout.title.text


def test_a_window_may_be_two_days_and_a_name_that_is_none_is_told(made: Made) -> None:
    assert es.figure(made.study, "effects", window=(0, 1)).chosen["window"] == "0,1"
    assert "days 0 to +1" in es.figure(made.study, "noise", window=(0, 1)).title
    with pytest.raises(es.EventStudyError, match="unknown window 'None'; known: "):
        es.figure(made.study, "effects", window=None)
    with pytest.raises(es.EventStudyError, match="unknown figure 'None'"):
        es.figure(made.study, None)


@NO_BROWSER
def test_a_figure_by_name_is_written_as_it_was_chosen(made: Made, tmp_path: Path) -> None:
    drawn = es.figure(made.study, "effects", window="0,1")
    text = es.export_figure(drawn, tmp_path / "effects.svg").read_text(encoding="utf-8")
    assert "Window 0,1" in text
    # The others are drawn in tests/exports.
    assert len(printed(es.figure(made.study, "noise").as_chosen()).spec["data"]) > 0
