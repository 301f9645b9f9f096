"""What the report weighs, how long it takes to write, and how soon it stands on the screen.

The report of the shipped sample, and, with --prices, that of a folder of quotes. Writing is
processor time of `render_html` on finished results. Reading is measured in headless Chromium
without a network, on a window of 1366 x 768, from the start of navigation: the first contentful
paint (the question and the three numbers), the first figure, and the last one.

    python benchmarks/report_speed.py [--repeats 5] [--prices DIR] [--write]

--write puts the table into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sections import markdown_table, write_section

import eventstudy as es
from eventstudy.report import render_html

ROOT = Path(__file__).resolve().parents[1]
WINDOWS = [(0, 0), (0, 1), (2, 10)]
WATCH = """
new PerformanceObserver(list => list.getEntries().forEach(e => {
  if (e.name === 'first-contentful-paint') window.painted = e.startTime;
})).observe({type: 'paint', buffered: true});
new MutationObserver(() => {
  const now = performance.now();
  if (!window.figure && document.querySelector('[data-plot] svg.main-svg')) window.figure = now;
  if (!window.last && document.documentElement.dataset.drawn === 'all') window.last = now;
}).observe(document, {childList: true, subtree: true, attributes: true});
"""


def results(prices: str) -> tuple[Any, Any]:
    """Return a study and a backtest with everything that the report asks of them worked out."""
    events = es.read_events(ROOT / "events.csv")
    table = es.load_prices(events.tickers | {"SPY"}, source=prices)
    study = es.event_study(events, table, window=WINDOWS)
    backtest = es.backtest(events, table, ["asic-gpu-rotation", "post-event-drift"])
    render_html(study, backtest)
    return study, backtest


def written(study: Any, backtest: Any, path: Path, repeats: int) -> float:
    """Write the report; return the median of its processor seconds."""
    seconds = []
    for _ in range(repeats):
        began = time.process_time()
        html = render_html(study, backtest)
        seconds.append(time.process_time() - began)
    path.write_text(html, encoding="utf-8")
    return statistics.median(seconds)


def shown(path: Path, repeats: int) -> tuple[float, float, float]:
    """Return medians of milliseconds to the first paint, the first figure and the last."""
    from playwright.sync_api import sync_playwright

    found = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for _ in range(repeats + 1):
            context = browser.new_context(viewport={"width": 1366, "height": 768}, offline=True)
            page = context.new_page()
            page.add_init_script(WATCH)
            page.goto(path.as_uri())
            page.wait_for_selector("html[data-drawn=all]", timeout=120_000, state="attached")
            found.append(page.evaluate("[window.painted, window.figure, window.last]"))
            context.close()
        browser.close()
    first, figure, last = (statistics.median(times) for times in zip(*found[1:], strict=True))
    return first, figure, last


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write the section where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--prices")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args(arguments)
    rows = []
    sources = {"sample": "sample"} | ({"real quotes": given.prices} if given.prices else {})
    with tempfile.TemporaryDirectory() as folder:
        for name, source in sources.items():
            study, backtest = results(source)
            path = Path(folder) / "report.html"
            seconds = written(study, backtest, path, given.repeats)
            first, figure, last = shown(path, given.repeats)
            size = path.stat().st_size / 1e6
            rows.append((f"{name}, {len(study.studied)} events", f"{size:.2f}", f"{seconds:.2f}",
                         f"{first:.0f}", f"{figure:.0f}", f"{last:.0f}"))  # fmt: skip
    header = ("report", "MB", "written in, s", "first paint, ms", "first figure, ms",
              "all figures, ms")  # fmt: skip
    table = markdown_table(header, rows)
    print(table)
    if given.write:
        text = (
            "## The report\n\nThree windows, one model, two strategies, a report of at most 6 MB. "
            f"Writing is processor time, median of {given.repeats}; the rest is wall time in "
            "headless Chromium without a network, 1366 x 768, from the start of navigation, median "
            f"of {given.repeats} loads on {os.cpu_count()} processors that other work shared (load "
            f"{os.getloadavg()[0]:.1f}). First paint: the question and its three numbers; "
            f"`python benchmarks/report_speed.py`.\n\n{table}"
        )
        write_section("report-speed", text)


if __name__ == "__main__":
    main()
