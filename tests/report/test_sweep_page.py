"""The page of a sweep: self-contained, numbers as in the result, hostile words as words."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import math
import re
import shutil
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import eventstudy as es
from eventstudy.report.figures.sweep import (
    halves_figure,
    map_figure,
    ratios_figure,
    walk_figure,
)
from eventstudy.report.sweep import sweep_html

OVER = {"hold": [1, 2, 3, 5, 8, 13], "gross": [0.1, 0.2], "stop_loss": [None, 0.05]}
CHROMIUM = shutil.which("chromium")
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def result(root: Path) -> es.SweepResult:
    events = es.read_events(root / "events.csv")
    prices = es.load_prices(sorted(events.tickers | {"SPY"}), source="sample")
    return es.sweep(events, prices, "asic-gpu-rotation", OVER, jobs=1)


@pytest.fixture(scope="module")
def html(result: es.SweepResult) -> str:
    return sweep_html(result)


def scripts(html: str) -> list[tuple[str, str]]:
    return re.findall(r"<script([^>]*)>(.*?)</script>", html, re.DOTALL)


def test_nothing_is_loaded_and_only_its_own_scripts_run(html: str) -> None:
    found = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert found is not None
    policy = unescape(found[1])
    assert policy.startswith("default-src 'none'; script-src ")
    run = [body for given, body in scripts(html) if not given]
    library = next(body for given, body in scripts(html) if 'id="library"' in given)
    run.append(gzip.decompress(base64.b64decode(library)).decode())
    hashes = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in run]
    admitted = re.search(r"script-src ([^;]*)", policy)
    assert admitted is not None
    assert set(admitted[1].split()) == {f"'sha256-{one}'" for one in hashes}
    assert not re.search(r"<(link|img|iframe|object|embed|base|form)\b", html)
    assert not re.search(r"<script[^>]*\bsrc=", html)
    assert len(html.encode()) < 6_000_000


def test_findings_stand_in_the_page(html: str, result: es.SweepResult) -> None:
    text = re.sub(r"<[^>]+>", "", html)
    best = result.ran.loc[result.best]
    assert f"Highest Sharpe ratio of 24: {best['sharpe']:.2f}" in text
    assert "Deflated for 24 trials" in text
    assert "Walk-forward, 4 folds" in text
    assert result.config["idea"] in text
    for section in ("findings", "maps", "search", "forward", "variants", "again"):
        assert f'<section id="{section}"' in html
        assert f'href="#{section}"' in html


def test_figures_are_ones_that_plotly_takes(result: es.SweepResult) -> None:
    from plotly.graph_objects import Figure

    found = [map_figure(result), ratios_figure(result), walk_figure(result, result.walk_forward())]
    for figure in found:
        assert figure is not None
        assert any(ch.isdigit() for ch in figure.alternative)
        for spec in figure.variants.values() or [figure.spec]:
            Figure(spec)
            json.dumps(spec, allow_nan=False)


def test_a_map_shows_the_means_of_the_table(result: es.SweepResult) -> None:
    figure = map_figure(result)
    assert figure is not None
    pairs = ["hold x gross", "hold x stop_loss", "gross x stop_loss"]
    assert [key for key, _ in figure.choices[0].options] == pairs
    assert len(figure.variants) == 3 * len(figure.choices[1].options)
    spec = figure.variants["hold x stop_loss|total_return"]["data"][0]
    assert spec["x"] == ["1", "2", "3", "5", "8", "13"]
    assert spec["y"] == ["0.05", "none"]
    for i, stop in enumerate((0.05, math.nan)):
        for k, hold in enumerate(OVER["hold"]):
            same = [r for r in result.ran.to_dict("records") if r["hold"] == hold]
            rows = [r for r in same if r["stop_loss"] == stop or (i and math.isnan(r["stop_loss"]))]
            mean = 100 * sum(r["total_return"] for r in rows) / 2
            assert len(rows) == spec["customdata"][i][k] == 2
            assert spec["z"][i][k] == pytest.approx(mean, rel=1e-3)
            assert spec["text"][i][k] == f"{mean:.1f}%"
    assert spec["zmax"] == -spec["zmin"]


def test_one_parameter_is_a_row(result: es.SweepResult, root: Path) -> None:
    events = es.read_events(root / "events.csv")
    prices = es.load_prices(sorted(events.tickers | {"SPY"}), source="sample")
    one = es.sweep(events, prices, "asic-gpu-rotation", {"hold": [2, 4]}, jobs=1)
    figure = map_figure(one)
    assert figure is not None
    spec = figure.spec["data"][0]
    assert (spec["x"], len(spec["z"])) == (["2", "4"], 1)
    assert spec["z"][0] == pytest.approx(one.ran["sharpe"].tolist(), rel=1e-4)
    assert sweep_html(one).startswith("<!doctype html>")


def test_the_walk_ends_at_its_total(result: es.SweepResult) -> None:
    walk = result.walk_forward(3)
    chosen, best = walk_figure(result, walk).spec["data"]
    assert chosen["y"][-1] == pytest.approx(walk.total, rel=1e-6)
    tested = [result.event_ids.index(name) for name in walk.event_ids]
    assert best["y"][-1] == pytest.approx(result.earned[tested, result.best].sum(), rel=1e-6)
    assert chosen["x"] == sorted(chosen["x"])


def test_halves_are_drawn_where_they_can_be_told(result: es.SweepResult) -> None:
    figure = halves_figure(result)
    assert (figure is None) == bool(result.overfitting.why)
    if figure is not None:
        shares = figure.spec["data"][0]["y"]
        assert sum(shares) == pytest.approx(100, abs=0.1)
        below = sum(shares[:10])
        assert below == pytest.approx(100 * np.mean(result.overfitting.logits < 0), abs=0.5)


def test_a_sweep_in_which_all_fail_has_a_page_and_words_stay_words(
    root: Path, tmp_path: Path
) -> None:
    (tmp_path / "s.py").write_text(
        "from eventstudy.backtest import EventStrategy\n"
        'class Odd(EventStrategy):\n    """<img src=x onerror=alert(2)>"""\n    word: str = "a"\n'
        "    def targets(self, event, history):\n        raise ValueError(self.word)\n"
    )
    events = es.read_events(root / "events.csv")
    prices = es.load_prices(sorted(events.tickers | {"SPY"}), source="sample")
    broken = es.sweep(events, prices, "odd", {"word": [HOSTILE, "b"]}, folder=tmp_path, jobs=1)
    page = sweep_html(broken)
    assert HOSTILE not in page
    assert "<img" not in page
    assert "alert(1)" in page
    assert "No variant has a Sharpe ratio" in page
    assert "2 variants failed" in page
    assert str(tmp_path) not in page


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_draws_every_figure_without_a_complaint(
    browser: Any, html: str, tmp_path: Path, scheme: str
) -> None:
    path = tmp_path / "sweep.html"
    path.write_text(html, encoding="utf-8")
    said: list[str] = []
    context = browser.new_context(
        color_scheme=scheme,
        offline=True,
        viewport={"width": 360 if scheme == "light" else 1366, "height": 800},
    )
    page: Any = context.new_page()
    page.on("console", lambda m: said.append(f"{m.type}: {m.text}"))
    page.on("pageerror", lambda e: said.append(f"error: {e}"))
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-drawn=all]", timeout=60_000, state="attached")
    drawn = page.evaluate(
        "[...document.querySelectorAll('[data-plot]')].map(e => "
        "[e.dataset.plot, e.querySelectorAll('svg.main-svg').length])"
    )
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    before = page.evaluate("document.querySelector('[data-plot=map]').data[0].z")
    page.select_option("select[data-figure=map] >> nth=1", "max_drawdown")
    page.wait_for_function(
        "before => JSON.stringify(document.querySelector('[data-plot=map]').data[0].z) !== "
        "JSON.stringify(before)",
        arg=before,
    )
    page.locator("#table-variants").scroll_into_view_if_needed()
    page.wait_for_selector("#table-variants tbody tr")
    rows = page.locator("#table-variants tbody tr").count()
    context.close()
    assert said == []
    assert {"map", "ratios", "walk"} <= {name for name, _ in drawn}
    assert all(count for _, count in drawn)
    assert rows == 24
