"""Open pages of the built site in a real browser without a network: light, dark, as on a phone.

``python docs/_check/browse.py docs/_build/html [FOLDER]`` fails on a message in the console, a
request that leaves the site, a figure that is not drawn, a search that finds nothing, or a page
wider than the window. With a folder, screenshots go there.
"""

from __future__ import annotations

import functools
import http.server
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PAGES = (
    "index", "quickstart", "case-study", "extending", "interoperability", "data-contract", "engine",
    "faq", "guide", "methods/README", "methods/tests", "api/index", "api/eventstudy.StudyResult",
    "api/eventstudy.event_study",
)  # fmt: skip
MAIN = ("index", "quickstart", "case-study", "engine", "api/eventstudy.StudyResult")
LOOKS = {
    "light": (1280, "light", PAGES),
    "dark": (1280, "dark", MAIN),
    "phone": (390, "light", MAIN),
}
DRAWN = (
    "[...document.querySelectorAll('.eventstudy-plot')].every(f => f.querySelector('.main-svg'))"
)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def served(site: Path) -> Iterator[str]:
    """Serve the site on the loopback and yield its address."""
    handler = functools.partial(_Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def chromium() -> str:
    """Return the path of a Chromium or Chrome of this machine."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise SystemExit(f"no browser is there: install chromium (looked for {', '.join(NAMES)})")
    return found


def faults_of(site: Path, shots: Path | None = None) -> list[str]:
    """Return what a reader would stumble on, one a line."""
    from playwright.sync_api import sync_playwright

    found: list[str] = []

    def refuse(route: Any) -> None:
        found.append(f"asks {route.request.url}")
        route.abort()

    with served(site) as address, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for look, (width, scheme, pages) in LOOKS.items():
            context = browser.new_context(
                viewport={"width": width, "height": 900}, color_scheme=scheme
            )
            context.route(lambda url: not url.startswith((address, "data:", "blob:")), refuse)
            for name in pages:
                found += _opened(context, address, name, look, shots)
            if look == "light":
                found += _searched(context, address)
            context.close()
        browser.close()
    return found


def _opened(context: Any, address: str, name: str, look: str, shots: Path | None) -> list[str]:
    said: list[str] = []
    page = context.new_page()
    page.on("console", lambda m: said.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    answer = page.goto(f"{address}/{name}.html", wait_until="load")
    if answer is None or not answer.ok:
        said.append("is not there")
    try:
        page.wait_for_function(DRAWN, timeout=20_000)
    except Exception as error:
        said.append(f"a figure is not drawn ({type(error).__name__})")
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    if wide > 1:
        said.append(f"{wide} pixels wider than the window")
    if shots is not None:
        page.wait_for_timeout(300)
        shot = shots / f"{name.replace('/', '-')}-{look}.png"
        page.screenshot(path=shot, full_page=True)
    page.close()
    return [f"{name}, {look}: {text}" for text in said]


def _searched(context: Any, address: str) -> list[str]:
    page = context.new_page()
    page.goto(f"{address}/search.html?q=Kolari", wait_until="load")
    try:
        page.wait_for_selector("#search-results li a", timeout=10_000)
    except Exception:
        return ["search: finds nothing"]
    finally:
        page.close()
    return []


def main(arguments: list[str]) -> int:
    """Print what was found."""
    shots = Path(arguments[1]) if len(arguments) > 1 else None
    if shots is not None:
        shots.mkdir(parents=True, exist_ok=True)
    found = faults_of(Path(arguments[0]).resolve(), shots)
    print(*found, sep="\n", end="\n" if found else "")
    opened = ", ".join(f"{len(pages)} {look}" for look, (_, _, pages) in LOOKS.items())
    print(f"pages opened: {opened}; {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
