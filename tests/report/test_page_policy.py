"""What stands on a page and is not ours does not run, load or lead anywhere: in a real browser."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from made_page import Made  # type: ignore[import-not-found]

import eventstudy as es

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no chromium here"),
]

OWN = "window.owned = (window.owned || 0) + 1"
INJECTED = f"""
<script>{OWN}</script>
<script type="module">{OWN}</script>
<script src="data:text/javascript,{OWN}"></script>
<img src="x" onerror="{OWN}">
<img src="BAD/counted.png">
<svg onload="{OWN}"></svg>
<details open ontoggle="{OWN}"></details>
<iframe srcdoc="<script>parent.owned = 1</script>"></iframe>
<iframe src="BAD/"></iframe>
<object data="data:text/html,<script>{OWN}</script>"></object>
<embed src="BAD/e.swf">
<link rel="stylesheet" href="BAD/s.css">
<style>h1 {{ display: none !important }} @import url(BAD/i.css);</style>
<p style="background: url(BAD/b.png)">words</p>
<video src="BAD/v.mp4" autoplay></video>
<base href="BAD/">
<form id="sent" action="BAD/"><input name="a" value="b"></form>
<a id="clicked" href="javascript:{OWN}">click</a>
"""


@dataclass
class Elsewhere:
    """A server that counts who asks it."""

    address: str
    asked: list[str]

    @property
    def injected(self) -> str:
        return INJECTED.replace("BAD", self.address)


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Elsewhere(f"http://127.0.0.1:{server.server_address[1]}", asked)
        server.shutdown()


def visited(browser: Any, path: Path) -> tuple[Any, list[str]]:
    """Return an open page, with a network, and what its console says."""
    page = browser.new_context().new_page()
    said: list[str] = []
    page.on("console", lambda m: said.append(m.text))
    page.on("pageerror", lambda e: said.append(str(e)))
    page.on("dialog", lambda d: (said.append(f"dialog {d.message}"), d.dismiss()))
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-drawn=all]", timeout=60_000, state="attached")
    return page, said


def test_what_was_injected_neither_runs_nor_loads(
    browser: Any, made: Made, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    """As if escaping had failed: the policy alone has to stop it."""
    path = tmp_path / "injected.html"
    html = made.html.replace("<main>", f"<main>{elsewhere.injected}", 1)
    path.write_text(html.replace("</body>", f"{elsewhere.injected}</body>"), encoding="utf-8")
    page, said = visited(browser, path)
    page.locator("#clicked").first.evaluate("a => a.click()")
    page.locator("#sent").first.evaluate("f => f.submit()")
    page.evaluate("() => { const s = document.createElement('script');"
                  f" s.textContent = '{OWN}'; document.body.append(s); }}")  # fmt: skip
    page.evaluate(f"fetch('{elsewhere.address}').catch(() => 0)")
    page.wait_for_timeout(300)
    assert page.evaluate("window.owned") is None
    assert page.url == path.as_uri()
    assert page.evaluate("document.baseURI") == path.as_uri()
    assert page.locator("#answer h1").is_visible()
    assert elsewhere.asked == []
    refused = " ".join(said)
    for directive in ("script-src", "script-src-attr", "style-src-elem", "img-src", "base-uri",
                      "form-action"):  # fmt: skip
        assert re.search(rf"directive:? \"?'?{directive} ", refused), (directive, refused[:3000])
    page.context.close()


def test_labels_of_figures_are_text_and_lead_nowhere(
    browser: Any, small_study: Callable[..., es.StudyResult], tmp_path: Path
) -> None:
    """plotly reads tags, links and %{...} in labels; names of what any object has are names."""
    link = '<a href="https://bad.example">go</a>'
    rows = (
        (link, "X1", "%{customdata}<b>b</b>", ""),
        ("constructor", "X1", "__proto__", ""),
        ("%{x}</script><!--", "X1;=CMD", "\u2028\u2029 &lt;img src=x&gt;", ""),
    )
    path = tmp_path / "labels.html"
    es.write_report(small_study(rows, window=[(0, 0)]), path)
    page, said = visited(browser, path)
    page.locator("#theme").click()
    page.wait_for_timeout(300)
    assert page.locator("svg a").count() == 0
    options = page.locator("select[data-figure] option").evaluate_all("os => os.map(o => o.value)")
    chosen = {key for key in options if key.startswith("constructor")}
    assert chosen
    for select in page.locator("select[data-figure]").all():
        for key in chosen & set(select.locator("option").evaluate_all("o => o.map(e => e.value)")):
            select.select_option(key)
    page.wait_for_timeout(300)
    texts = page.locator("svg text").evaluate_all("ts => ts.map(t => t.textContent)")
    assert any(link in text for text in texts)
    assert any("constructor" in text for text in texts)
    assert not any("function Object" in text for text in texts)
    assert said == []
    page.context.close()


def test_the_page_of_a_calibration_runs_nothing(
    browser: Any, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    """Its policy admits one style and no script; a made page of it, with the same two."""
    from eventstudy.calibration.page import POLICY, STYLE

    path = tmp_path / "calibration.html"
    path.write_text(
        '<!doctype html><html lang="en" data-drawn="all"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><title>t</title>'
        f"<style>{STYLE}</style></head><body><h1>t</h1>{elsewhere.injected}</body></html>"
    )
    page, _ = visited(browser, path)
    assert page.evaluate("window.owned") is None
    assert page.evaluate("getComputedStyle(document.body).maxWidth") == "1060px"
    assert page.locator("h1").is_visible()
    assert elsewhere.asked == []
    page.context.close()
