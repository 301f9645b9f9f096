"""The page in a real browser, without a network."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from made_page import Made  # type: ignore[import-not-found]

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
CHROMIUM = shutil.which("chromium")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


def opened(browser: Any, made: Made, width: int = 1280, **asked: Any) -> tuple[Any, list[str]]:
    context = browser.new_context(viewport={"width": width, "height": 900}, offline=True, **asked)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda m: said.append(f"{m.type}: {m.text}"))
    page.on("pageerror", lambda e: said.append(f"error: {e}"))
    page.on(
        "request",
        lambda r: said.append(f"request: {r.url}") if not r.url.startswith("file:") else None,
    )
    page.goto(made.path.as_uri())
    page.wait_for_selector("html[data-drawn=all]", timeout=60_000, state="attached")
    return page, said


@pytest.fixture(scope="module")
def desk(browser: Any, made: Made) -> tuple[Any, list[str]]:
    return opened(browser, made)


def figures(page: Any) -> list[list[Any]]:
    found = page.evaluate(
        "[...document.querySelectorAll('[data-plot]')].map(e => [e.dataset.plot, "
        "e.querySelectorAll('svg.main-svg').length, e.querySelectorAll('path').length])"
    )
    return list(found)


def test_every_figure_is_drawn_and_nothing_complains(desk: tuple[Any, list[str]]) -> None:
    page, said = desk
    drawn = figures(page)
    assert len(drawn) == 11
    assert all(svgs and paths for _, svgs, paths in drawn), drawn
    assert said == []


def test_hover_shows_numbers(desk: tuple[Any, list[str]]) -> None:
    page, _ = desk
    element = page.locator('[data-plot="lead-baskets"]')
    element.scroll_into_view_if_needed()
    box = element.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_selector('[data-plot="lead-baskets"] .hoverlayer text', timeout=5_000)
    assert "%" in page.locator('[data-plot="lead-baskets"] .hoverlayer').inner_html()


def test_contents_lead_somewhere(desk: tuple[Any, list[str]]) -> None:
    page, _ = desk
    missing = page.evaluate(
        "[...document.querySelectorAll('.contents a')].filter(a => "
        "!document.querySelector(a.hash)).map(a => a.hash)"
    )
    assert missing == []


def test_choosing_another_event_redraws(desk: tuple[Any, list[str]]) -> None:
    page, said = desk
    figure = page.locator("#fig-event-paths")
    before = page.evaluate("document.querySelector('[data-plot=event-paths]').data[1].y")
    figure.locator("select").first.select_option("sutskever-neurips-2024")
    page.wait_for_function(
        "before => JSON.stringify(document.querySelector('[data-plot=event-paths]').data[1].y) "
        "!== JSON.stringify(before)",
        arg=before,
    )
    # The event has no certain session 0, so its reading follows by itself.
    assert figure.locator("select").nth(1).input_value() in ("same", "next")
    assert said == []


def test_dark_and_back(desk: tuple[Any, list[str]]) -> None:
    page, _ = desk

    def state() -> list[str]:
        return list(
            page.evaluate(
                "[getComputedStyle(document.body).backgroundColor, "
                "document.querySelector('[data-plot=heatmap]').data[0].colorscale[0][1], "
                "document.querySelector('[data-plot=lead-baskets]').data[1].line.color]"
            )
        )

    light = state()
    page.click("#theme")
    page.wait_for_timeout(300)
    dark = state()
    page.click("#theme")
    page.wait_for_timeout(300)
    assert all(a != b for a, b in zip(light, dark, strict=True))
    assert state() == light


def test_dark_by_the_reader_s_setting(browser: Any, made: Made) -> None:
    page, said = opened(browser, made, color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 23, 31)"
    assert said == []
    page.context.close()


def test_tables_sort_filter_and_fill(desk: tuple[Any, list[str]]) -> None:
    page, said = desk
    page.locator("#table-group-tests").scroll_into_view_if_needed()
    page.wait_for_selector("#table-group-tests tbody tr")
    assert page.locator("#table-group-tests tbody td").first.inner_text() == "directional"
    heading = page.locator("#table-effects-table th button", has_text="mean CAR")
    heading.click()
    shown = page.locator("#table-effects-table tbody tr td:nth-child(7)").all_inner_texts()
    values = [float(t.replace("\N{MINUS SIGN}", "-").rstrip("%")) for t in shown]
    assert values == sorted(values)
    box = page.locator("#table-dropped [data-filter]")
    box.fill("h20-resume-2025")
    visible = page.locator("#table-dropped tbody tr:visible").all_inner_texts()
    assert visible
    assert all("h20-resume-2025" in row for row in visible)
    assert said == []


def test_phone_has_no_sideways_scroll(browser: Any, made: Made) -> None:
    page, said = opened(browser, made, width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert all(svgs for _, svgs, _ in figures(page))
    assert said == []
    page.context.close()


def test_sections_fold(desk: tuple[Any, list[str]]) -> None:
    page, _ = desk
    count = "document.querySelectorAll('section > details[open]').length"
    before = page.evaluate(count)
    page.click("#fold")
    assert page.evaluate(count) == 0
    page.click("#fold")
    assert page.evaluate(count) == before


def test_paper_is_white_whatever_the_screen(browser: Any, made: Made) -> None:
    page, said = opened(browser, made, color_scheme="dark")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    page.wait_for_timeout(300)
    body, line = page.evaluate(
        "[getComputedStyle(document.body).backgroundColor, "
        "document.querySelector('[data-plot=lead-baskets]').data[1].line.color]"
    )
    assert body == "rgb(255, 255, 255)"
    assert line == "#0072b2"
    assert said == []
    page.context.close()
