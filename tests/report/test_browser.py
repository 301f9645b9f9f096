"""The page in a real browser, without a network."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from made_page import Made  # type: ignore[import-not-found]

import eventstudy as es

CHROMIUM = shutil.which("chromium")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine"),
]


def opened(
    browser: Any, made: Made | Path, width: int = 1366, **asked: Any
) -> tuple[Any, list[str]]:
    """Return a page of a context of its own, drawn, and what it says and asks for."""
    context = browser.new_context(viewport={"width": width, "height": 768}, offline=True, **asked)
    return fresh(context, made)


def fresh(
    context: Any, made: Made | Path, until: str = "html[data-filled=all]"
) -> tuple[Any, list[str]]:
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda m: said.append(f"{m.type}: {m.text}"))
    page.on("pageerror", lambda e: said.append(f"error: {e}"))
    page.on(
        "request",
        lambda r: said.append(f"request: {r.url}") if not r.url.startswith("file:") else None,
    )
    page.goto((made if isinstance(made, Path) else made.path).as_uri())
    page.wait_for_selector(until, timeout=60_000, state="attached")
    return page, said


@pytest.fixture(scope="module")
def desk(browser: Any, made: Made) -> tuple[Any, list[str]]:
    return opened(browser, made)


@pytest.fixture(scope="module")
def phone(browser: Any, made: Made) -> tuple[Any, list[str]]:
    return opened(browser, made, width=360, is_mobile=True, has_touch=True)


@pytest.fixture(scope="module")
def paper(browser: Any, made: Made) -> Iterator[tuple[Any, list[str]]]:
    page, said = opened(browser, made, color_scheme="dark")
    yield page, said
    page.context.close()


@pytest.fixture(scope="module")
def small(
    small_study: Callable[..., es.StudyResult], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A page of four events, whose titles are for spreadsheets to take apart."""
    rows = (
        ("one", "X1", "a tab\t=cmd()", ""),
        ("two", "X1", "a line\n=cmd()", ""),
        ("three", "X1;=CMD", "\uff1dcmd()", ""),
        ("four", "X1", '=cmd()|"q"', ""),
    )
    path = tmp_path_factory.mktemp("small") / "small.html"
    es.write_report(small_study(rows, tests=["kolari_pynnonen", "corrado"]), path)
    return path


@pytest.fixture(scope="module")
def hostile(
    small_study: Callable[..., es.StudyResult], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    rows = (
        ("<script>alert(1)</script>", "X1", "<img src=x onerror=alert(1)>", "javascript:alert(1)"),
        ("=cmd()" + "z" * 10_000, "=CMD", "y" * 10_000, "https://a.example/" + "x" * 3_000),
        ("rtl\u202eltr", "X1;=CMD", "\u202e" + "word " * 2_000, "n" * 10_000),
    )
    path = tmp_path_factory.mktemp("hostile") / "hostile.html"
    study = small_study(rows, window=[(0, 0), (-1, 5)])
    es.write_report(study, path, title="<b>" + "t" * 10_000)
    return path


def figures(page: Any) -> list[list[Any]]:
    found = page.evaluate(
        "[...document.querySelectorAll('[data-plot]')].map(e => [e.dataset.plot, "
        "e.querySelectorAll('svg.main-svg').length, e.querySelectorAll('path').length])"
    )
    return list(found)


def test_every_figure_is_drawn_and_nothing_complains(desk: tuple[Any, list[str]]) -> None:
    page, said = desk
    drawn = figures(page)
    assert len(drawn) == 13
    assert all(svgs and paths for _, svgs, paths in drawn), drawn
    assert said == []


SPOT = """name => {
  const plot = document.querySelector(`[data-plot="${name}"]`);
  const marks = [...plot.querySelectorAll(
    '.scatterlayer path.point, .scatterlayer path.js-line, .barlayer .point path, '
    + '.heatmaplayer image')];
  const boxes = marks.map(m => m.getBoundingClientRect()).filter(b => b.width > 0);
  const box = boxes[Math.floor(boxes.length / 2)];
  return [box.left + box.width / 2, box.top + box.height / 2];
}"""


def test_every_figure_shows_numbers_under_the_mouse(desk: tuple[Any, list[str]]) -> None:
    page, said = desk
    page.evaluate("document.querySelectorAll('section > details').forEach(d => { d.open = true })")
    for name, _, _ in figures(page):
        page.locator(f'[data-plot="{name}"]').evaluate(
            "e => e.scrollIntoView({block: 'center', behavior: 'instant'})"
        )
        x, y = page.evaluate(SPOT, name)
        page.mouse.move(x - 3, y)
        page.mouse.move(x, y)
        layer = f'[data-plot="{name}"] .hoverlayer text'
        page.wait_for_selector(layer, timeout=5_000, state="attached")
        assert re.search(r"\d", page.locator(layer).first.text_content()), name
    assert said == []


def test_every_selector_changes_its_figure(desk: tuple[Any, list[str]]) -> None:
    page, said = desk
    state = "name => JSON.stringify(document.querySelector(`[data-plot='${name}']`).data)"
    offered = page.locator("select[data-figure]")
    names = []
    for at in range(offered.count()):
        select = offered.nth(at)
        options = select.locator("option")
        if options.count() < 2:
            continue
        name = select.get_attribute("data-figure")
        before = page.evaluate(state, name)
        now = select.input_value()
        values = [o for o in options.evaluate_all("os => os.map(o => o.value)") if o != now]
        select.select_option(values[-1])
        page.wait_for_function(f"a => ({state})(a[0]) !== a[1]", arg=[name, before])
        select.select_option(now)
        names.append(name)
    assert {"lead-baskets", "event-paths", "forest", "heatmap", "prices", "equity", "size",
            "power"} <= set(names)  # fmt: skip
    assert said == []


def test_the_first_screen_holds_question_numbers_and_figure(desk: tuple[Any, list[str]]) -> None:
    page, _ = desk
    page.evaluate("window.scrollTo({top: 0, behavior: 'instant'})")
    below = page.evaluate(
        "['h1', '.card:nth-child(3)'].map(s => document.querySelector(s)"
        ".getBoundingClientRect().bottom)"
    )
    assert max(below) < 400
    box = page.locator('[data-plot="lead-baskets"]').bounding_box()
    assert box["y"] < 500


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


def test_dark_by_the_reader_s_setting(paper: tuple[Any, list[str]]) -> None:
    page, said = paper
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 23, 31)"
    assert said == []


def test_tables_sort_and_filter(desk: tuple[Any, list[str]]) -> None:
    page, said = desk
    heading = page.locator("#table-effects-table th", has_text="mean CAR")
    for way in ("ascending", "descending"):
        heading.locator("button").click()
        assert heading.get_attribute("aria-sort") == way
        shown = page.locator("#table-effects-table tbody tr td:nth-child(7)").all_inner_texts()
        values = [float(t.replace("\N{MINUS SIGN}", "-").rstrip("%")) for t in shown]
        assert values == sorted(values, reverse=way == "descending")
    box = page.locator("#table-dropped [data-filter]")
    box.fill("h20-resume-2025")
    visible = page.locator("#table-dropped tbody tr:visible").all_inner_texts()
    assert visible
    assert all("h20-resume-2025" in row for row in visible)
    box.fill("")
    assert said == []


def test_a_large_table_has_pages_and_a_file(made: Made, desk: tuple[Any, list[str]]) -> None:
    page, said = desk
    block = page.locator("#table-single-tests")
    for select in block.locator(".choices select").all():
        if select.is_visible():
            select.select_option("")
    total = len(made.study.single_tests)
    assert block.locator("[data-count]").inner_text() == f"1 to 25 of {total:,} rows"
    assert block.locator("tbody tr").count() == 25
    first = block.locator("tbody tr").first.inner_text()
    block.locator("button", has_text="Next").click()
    assert block.locator("[data-count]").inner_text() == f"26 to 50 of {total:,} rows"
    assert block.locator("tbody tr").first.inner_text() != first
    with page.expect_download() as coming:
        block.locator("[data-save]").click()
    assert coming.value.suggested_filename == "single-tests.csv"
    text = Path(coming.value.path()).read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == total
    for row, true in zip(rows, made.study.single_tests.to_dict("records"), strict=True):
        assert (row["group"], row["test"], row["window"]) == (
            true["group"], true["test"], true["window"],
        )  # fmt: skip
    assert said == []


def test_a_table_is_copied_as_it_is_filtered(browser: Any, desk: tuple[Any, list[str]]) -> None:
    page, _ = desk
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#table-dropped [data-filter]").fill("h20-resume-2025")
    page.locator("#table-dropped [data-copy]").click()
    page.wait_for_function("() => document.getElementById('said').textContent === 'Copied'")
    rows = list(csv.reader(io.StringIO(page.evaluate("navigator.clipboard.readText()"))))
    page.locator("#table-dropped [data-filter]").fill("")
    assert len(rows) > 1
    assert all("h20-resume-2025" in row for row in rows[1:])
    assert {len(row) for row in rows} == {len(rows[0])}


def test_tables_have_headers_of_columns_and_rows(desk: tuple[Any, list[str]]) -> None:
    page, _ = desk
    bad = page.evaluate(
        "[...document.querySelectorAll('table')].filter(t => !t.caption || "
        "[...t.querySelectorAll('thead th')].some(h => h.scope !== 'col') || "
        "[...t.querySelectorAll('tbody th')].some(h => h.scope !== 'row')).length"
    )
    assert bad == 0


def test_phone_has_no_sideways_scroll(phone: tuple[Any, list[str]]) -> None:
    page, said = phone
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert all(svgs for _, svgs, _ in figures(page))
    assert page.locator(".card:nth-child(3)").bounding_box()["y"] < 700
    assert said == []


def test_on_a_touch_screen_no_tool_bar_covers_the_legend(phone: tuple[Any, list[str]]) -> None:
    page, _ = phone
    assert page.locator(".modebar-btn").count() == 0
    assert (
        page.evaluate("document.querySelector('[data-plot=forest]')._fullLayout.dragmode") is False
    )


def test_sections_fold_and_a_link_unfolds(desk: tuple[Any, list[str]]) -> None:
    page, said = desk
    count = "document.querySelectorAll('section > details[open]').length"
    page.evaluate("document.querySelectorAll('section > details').forEach(d => { d.open = true })")
    before = page.evaluate(count)
    page.click("#fold")
    assert page.evaluate(count) == 0
    page.click(".contents a[href='#trading']")
    page.wait_for_function("() => document.querySelector('#trading > details').open")
    assert page.evaluate(count) == 1
    page.evaluate("location.hash = '#table-dropped'")
    page.wait_for_function("() => document.querySelector('#left-out > details').open")
    page.wait_for_function(
        "() => Math.abs(document.getElementById('table-dropped').getBoundingClientRect().top) < 768"
    )
    page.click("#fold")
    page.click("#fold")
    assert page.evaluate(count) == before
    assert said == []


def test_contents_mark_where_one_is(desk: tuple[Any, list[str]]) -> None:
    page, _ = desk
    page.evaluate("document.querySelectorAll('section > details').forEach(d => { d.open = true })")
    for place in ("groups", "calendar", "answer"):
        page.evaluate(
            "id => document.getElementById(id).scrollIntoView({behavior: 'instant'})", place
        )
        page.wait_for_function(
            "id => { const at = document.querySelectorAll('.contents a[aria-current]'); "
            "return at.length === 1 && at[0].hash === '#' + id; }",
            arg=place,
        )


def test_the_theme_is_remembered_and_storage_may_be_refused(browser: Any, small: Path) -> None:
    page, said = opened(browser, small)
    page.click("#theme")
    second, _ = fresh(page.context, small, "html")
    assert second.evaluate("document.documentElement.dataset.theme") == "dark"
    assert second.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 23, 31)"
    second.context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('refused'); } })"
    )
    third, complaints = fresh(page.context, small, "html")
    third.click("#theme")
    assert third.evaluate("document.documentElement.dataset.theme") == "dark"
    assert said == complaints == []
    page.context.close()


SECTIONS = (
    "Effects by group, and their power", "CAR of every event", "All tests", "Trading on it",
    "The calendar, aligned to sessions", "Overlaps, coincidences and what was left out",
    "Prices and where they came from", "To run it again",
)  # fmt: skip


def test_paper_holds_every_section(paper: tuple[Any, list[str]], tmp_path: Path) -> None:
    pypdf = pytest.importorskip("pypdf", reason="pypdf is not installed")
    page, said = paper
    page.evaluate("document.querySelectorAll('section > details').forEach(d => { d.open = false })")
    page.pdf(path=str(tmp_path / "page.pdf"), format="A4")
    sheets = pypdf.PdfReader(tmp_path / "page.pdf").pages
    if shutil.which("pdftotext"):  # pypdf takes five seconds
        command = ["pdftotext", str(tmp_path / "page.pdf"), "-"]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        read = told.removesuffix("\f").split("\f")
    else:
        read = [sheet.extract_text() for sheet in sheets]
    texts = [re.sub(r"\s+", " ", text) for text in read]
    assert len(texts) == len(sheets)
    assert 8 <= len(sheets) <= 40
    assert round(float(sheets[0].mediabox.width)) == pytest.approx(595, abs=2)
    assert all(f"{k} / {len(sheets)}" in text for k, text in enumerate(texts, start=1))
    whole = " ".join(texts)
    for heading in SECTIONS:
        assert heading in whole
    assert "kolari_pynnonen tests that" not in whole.split("Effects by group")[0]
    assert page.evaluate("document.querySelectorAll('section > details[open]').length") == 0
    assert said == []


def test_paper_is_white_whatever_the_screen(paper: tuple[Any, list[str]]) -> None:
    page, said = paper
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    body, line, widths = page.evaluate(
        "[getComputedStyle(document.body).backgroundColor, "
        "document.querySelector('[data-plot=lead-baskets]').data[1].line.color, "
        "[...document.querySelectorAll('svg.main-svg')].map(s => s.getBoundingClientRect().width)]"
    )
    page.emulate_media(media="screen")
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert body == "rgb(255, 255, 255)"
    assert line == "#0072b2"
    assert max(widths) <= 688  # A4 is 794 px wide, its margins 2 x 53
    assert said == []


FEWER = """() => {
  window.aside = [...document.querySelectorAll('tbody tr:nth-child(n+3), .main-svg > g')].map(e => {
    const mark = document.createComment('');
    e.replaceWith(mark);
    return [mark, e];
  });
}"""
BACK = "() => window.aside.reverse().forEach(([mark, e]) => mark.replaceWith(e))"
"""Rows after the second are like the first two: axe takes minutes on all of them."""


@pytest.mark.parametrize(("shown", "rules"), [("phone", None), ("paper", ["color-contrast"])])
def test_axe_finds_nothing_serious(
    request: pytest.FixtureRequest, shown: str, rules: list[str] | None
) -> None:
    """All rules on a phone; contrast once more on a dark desk."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not there")
    page, _ = request.getfixturevalue(shown)
    page.evaluate(FEWER)
    asked = {"runOnly": {"type": "rule", "values": rules}} if rules else {}
    found = axe.Axe().run(page, options={"resultTypes": ["violations"], **asked}).response
    page.evaluate(BACK)
    bad = [
        (v["id"], [n["target"] for n in v["nodes"]][:3])
        for v in found["violations"]
        if v["impact"] in ("serious", "critical")
    ]
    assert bad == []
    assert found["testEngine"]["name"] == "axe-core"


@pytest.mark.parametrize("width", [360, 1366])
def test_hostile_texts_break_no_layout(browser: Any, hostile: Path, width: int) -> None:
    page, said = opened(browser, hostile, width)
    page.on("dialog", lambda d: said.append(f"dialog: {d.message}"))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("h1, h2, .brand").evaluate_all(
        f"es => es.every(e => e.getBoundingClientRect().right <= {width} + 1)"
    )
    assert all(svgs for _, svgs, _ in figures(page))
    assert page.locator("img, main iframe").count() == 0
    assert page.locator("#case h2").bounding_box()["height"] < 400
    inside = page.evaluate("[...document.querySelectorAll('td a')].map(a => a.protocol)")
    assert set(inside) <= {"https:", "http:"}
    assert said == []
    page.context.close()


def test_what_is_copied_is_text_wherever_a_spreadsheet_parts_it(browser: Any, small: Path) -> None:
    """Pasted text is parted at tabs and line breaks, a file of some countries at semicolons."""
    page, said = opened(browser, small)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#table-calendar [data-copy]").click()
    page.wait_for_function("() => document.getElementById('said').textContent === 'Copied'")
    text = page.evaluate("navigator.clipboard.readText()")
    titles = {row["event"]: row["title"] for row in csv.DictReader(io.StringIO(text))}
    assert titles == {
        "one": "a tab =cmd()",
        "two": "a line =cmd()",
        "three": "'\uff1dcmd()",
        "four": '\'=cmd()|"q"',
    }
    assert "X1;'=CMD" in text
    assert re.search(r"[\t\n;][\"=+\uff1d]", text.replace(',"', ",")) is None
    assert said == []
    page.context.close()
