"""The page as a file: whole, self-contained, small, and unmoved by hostile texts."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import re
from collections.abc import Callable
from html.parser import HTMLParser
from importlib.metadata import version
from pathlib import Path

import pytest
from made_page import HOSTILE, Made  # type: ignore[import-not-found]

import eventstudy as es
from eventstudy.report.packed import inline_json, packed
from eventstudy.report.tables import Link, link


class Reader(HTMLParser):
    """Collects tags, the text outside scripts and the content of scripts."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.text: list[str] = []
        self._inside: str = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag if tag in ("script", "style") else self._inside
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            attrs, before = self.scripts[-1]
            self.scripts[-1] = (attrs, before + data)
        elif self._inside != "style":
            self.text.append(data)

    @property
    def words(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.text))


@pytest.fixture(scope="module")
def page(made: Made) -> Reader:
    return Reader(made.html)


@pytest.fixture(scope="module")
def hostile(small_study: Callable[..., es.StudyResult]) -> tuple[str, Reader]:
    study = small_study(window=[(0, 0), (-1, 5)])
    html = es.report.render_html(study, title="<script>alert(3)</script>")
    return html, Reader(html)


def unpacked(text: str) -> object:
    return json.loads(gzip.decompress(base64.b64decode(text)))


def test_size_and_folders(made: Made) -> None:
    assert made.path.is_file()
    assert made.path.stat().st_size < 6_000_000
    assert [p.name for p in made.path.parent.iterdir()] == ["report.html"]


def test_the_same_results_give_the_same_page(made: Made) -> None:
    assert es.report.render_html(made.study, made.backtest) == made.html


def test_nothing_is_loaded_from_outside(page: Reader) -> None:
    for tag, attrs in page.tags:
        assert tag not in ("link", "iframe", "img", "object", "embed", "base", "form")
        assert "src" not in attrs
        assert not any(name.startswith("on") for name in attrs)
        if "href" in attrs and tag == "a" and not str(attrs["href"]).startswith("#"):
            assert str(attrs["href"]).startswith(("http://", "https://"))
            assert "noopener" in str(attrs["rel"])


def test_policy_admits_the_page_s_scripts_and_nothing_else(page: Reader) -> None:
    policy = next(a["content"] for t, a in page.tags if t == "meta" and "http-equiv" in a)
    assert policy is not None
    assert "default-src 'none'" in policy
    allowed = re.search(r"script-src ([^;]*)", policy)
    assert allowed is not None
    assert "unsafe" not in allowed[1]
    run = [text for attrs, text in page.scripts if "type" not in attrs]
    library = next(text for attrs, text in page.scripts if attrs.get("id") == "library")
    run.append(gzip.decompress(base64.b64decode(library)).decode())
    hashes = {
        "'sha256-" + base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() + "'"
        for s in run
    }
    assert hashes == set(allowed[1].split())


def test_the_figure_library_is_there_once(made: Made, page: Reader) -> None:
    library = [text for attrs, text in page.scripts if attrs.get("id") == "library"]
    assert len(library) == 1
    shipped = Path(es.report.__file__).parent / "library" / "plotly-cartesian.min.js.gz"
    assert gzip.decompress(base64.b64decode(library[0])) == gzip.decompress(shipped.read_bytes())


def constrained(root: Path, package: str) -> str:
    """Return the version of a package in constraints.txt."""
    lines = (root / "constraints.txt").read_text().splitlines()
    return next(
        line.removeprefix(f"{package}==") for line in lines if line.startswith(f"{package}==")
    )


def test_the_library_is_that_of_plotly_s_package(root: Path) -> None:
    """Specifications are checked by the Python package and drawn by the shipped library.

    With the package of constraints.txt both are the same. A library that is newer than the package
    draws what an older one checks; one that is older than the package may not.
    """
    from plotly.offline import get_plotlyjs_version

    folder = Path(es.report.__file__).parent / "library"
    head = gzip.decompress((folder / "plotly-cartesian.min.js.gz").read_bytes())[:300].decode()
    drawn_by = tuple(map(int, re.findall(r"minified\) v(\d+)\.(\d+)\.(\d+)", head)[0]))
    checked_by = tuple(map(int, get_plotlyjs_version().split(".")))
    if constrained(root, "plotly") == version("plotly"):
        assert checked_by == drawn_by
    else:
        assert checked_by <= drawn_by < (checked_by[0] + 1,)
    assert "Licensed under the MIT license" in head
    assert "Permission is hereby granted" in (folder / "LICENSE-plotly.txt").read_text()


@pytest.mark.parametrize(
    "section",
    ["answer", "case", "groups", "events", "tests", "trading", "calendar", "left-out", "data",
     "again"],
)  # fmt: skip
def test_sections_and_contents(page: Reader, section: str) -> None:
    assert any(t == "section" and a.get("id") == section for t, a in page.tags)
    assert any(t == "a" and a.get("href") == f"#{section}" for t, a in page.tags)


def test_headings_and_figures_can_be_linked_to(page: Reader) -> None:
    ids = {a["id"] for _, a in page.tags if "id" in a}
    links = [a for t, a in page.tags if t == "a" and a.get("class") == "anchor"]
    assert {f"fig-{n}" for n in ("lead-baskets", "size", "power")} <= {
        str(a["href"])[1:] for a in links
    }
    assert all(str(a["href"])[1:] in ids and a["aria-label"] for a in links)
    described = [a["aria-describedby"] for _, a in page.tags if "aria-describedby" in a]
    assert len(described) == sum(1 for t, _ in page.tags if t == "figure")
    assert set(described) <= ids


def test_the_first_screen_has_three_numbers_and_one_figure(made: Made) -> None:
    answer = made.html.split('<section id="answer"')[1].split("</section>")[0]
    assert answer.count('<article class="card') == 3
    assert len(re.findall("95% interval .* to ", answer.split("<table")[0])) >= 3
    assert re.findall('<figure class="plot" id="([^"]*)"', answer) == ["fig-lead-baskets"]


def test_ids_are_unique(page: Reader) -> None:
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))


def test_without_a_backtest_there_is_no_trading(made: Made) -> None:
    html = Reader(es.report.render_html(made.study))
    assert not any(a.get("id") == "trading" for _, a in html.tags)
    assert "asic-gpu-rotation" not in html.words


def test_everything_asked_for_stands_on_the_page(made: Made, page: Reader) -> None:
    words = page.words
    for event in made.study.events:
        assert event.event_id in words
    for test in (*made.study.tests_asked, *("sq", "placebo_time", "forecast_t")):
        name = test if isinstance(test, str) else test.name
        assert name in words
        if not isinstance(test, str):
            assert test.assumptions in words
            assert test.null in words
    for drop in made.study.drops:
        assert drop.detail in words
    for ticker in made.study.prices.tickers:
        assert made.study.prices.digest(ticker)[:12] in words
    assert '"seed": 0' in words
    assert '"numpy":' in words
    assert "someone who knew later prices" in words
    for row in made.backtest.trades.to_dict("records"):
        assert row["event_id"] in words
    assert "borrow fee 50 bp a year" in words
    assert "Variants tried: 1" in words


def test_packed_tables_hold_every_row(made: Made) -> None:
    blocks = re.findall(
        r'data-packed="([^"]*)".*?<script type="application/octet-stream">([^<]*)</script>',
        made.html,
        re.S,
    )
    tables = {name: unpacked(text) for name, text in blocks}
    assert tables["group-tests"]["rows"] == len(made.study.group_tests)  # type: ignore[index]
    assert tables["single-tests"]["rows"] == len(made.study.single_tests)  # type: ignore[index]
    columns = {c["name"]: c for c in tables["group-tests"]["columns"]}  # type: ignore[index]
    codes, texts = columns["test"]["codes"], columns["test"]["texts"]
    assert [texts[c] for c in codes] == made.study.group_tests["test"].tolist()
    seen = [float("nan") if p is None else p for p in columns["p_value"]["values"]]
    assert seen == pytest.approx(made.study.group_tests["p_value"].tolist(), rel=1e-4, nan_ok=True)
    cars = made.study.cars
    ambiguous = {e.event_id for e in made.study.events if e.ambiguous}
    once = cars[(cars["alignment"] == "stated") | cars["event_id"].isin(ambiguous)]
    assert tables["cars"]["rows"] == len(once)  # type: ignore[index]


def test_too_many_tests_are_cut_with_a_word(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    from eventstudy.report import page as module

    monkeypatch.setattr(module, "ROOM_FOR_TESTS", 1)
    html = es.report.render_html(made.study)
    assert "the leading groups only; the file of tests holds the rest" in html


def test_hostile_texts_are_text(hostile: tuple[str, Reader]) -> None:
    html, page = hostile
    assert "alert(1)" not in "".join(text for a, text in page.scripts if "type" not in a)
    assert len([1 for t, a in page.tags if t == "script" and "type" not in a]) == 2
    assert not any(t == "img" or "onerror" in a for t, a in page.tags)
    for event_id, tickers, title, _ in HOSTILE:
        assert event_id in page.words
        assert tickers in page.words
        assert title in page.words
    assert "<b>Y</b>\u202e" in page.words
    assert "<script>alert(3)</script>" in page.words
    assert "<script>alert" not in html


def test_unsafe_addresses_are_no_links(hostile: tuple[str, Reader]) -> None:
    hrefs = [str(a["href"]) for t, a in hostile[1].tags if t == "a" and "href" in a]
    outside = [h for h in hrefs if not h.startswith("#")]
    assert outside == ["https://a.example/<x>?q=\"'"]
    assert "javascript:alert(1)" in hostile[1].words


@pytest.mark.parametrize(
    "text", ["javascript:alert(1)", "data:text/html,x", " JavaScript:x", "//a.example", "http://",
             "http://[bad", "file:///etc/passwd", "a note"],
)  # fmt: skip
def test_only_web_addresses_become_links(text: str) -> None:
    assert link(text) == text


def test_a_link_shows_its_host() -> None:
    assert link("https://www.sec.gov/a/b?c") == Link("www.sec.gov", "https://www.sec.gov/a/b?c")


def test_embedded_json_cannot_leave_its_element() -> None:
    text = inline_json({"a": "</script><!--&\u2028\u2029"})
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == {"a": "</script><!--&\u2028\u2029"}
    assert unpacked(packed([1, None, "\u202e"])) == [1, None, "\u202e"]


def test_a_study_without_spreads_directions_or_kinds(
    small_study: Callable[..., es.StudyResult],
) -> None:
    rows = (("a", "X1", "t", ""), ("b", "=CMD", "t", ""))
    study = small_study(rows, window=(1, 3), model=["mean", "market"], tests=["sign"])
    page = Reader(es.report.render_html(study))
    assert "by more than their own noise?" in page.words
    assert "cannot be said" in page.words


def test_writing_over_an_old_page_is_whole_or_not_at_all(
    small_study: Callable[..., es.StudyResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = small_study(tests=["corrado"])
    path = tmp_path / "report.html"
    path.write_text("old")

    def fail(_from: str, _to: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", fail)
        with pytest.raises(es.EventStudyError, match="No space left on device"):
            es.write_report(study, path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["report.html"]


def test_a_path_that_cannot_be_written_is_named(
    small_study: Callable[..., es.StudyResult], tmp_path: Path
) -> None:
    study = small_study(tests=["corrado"])
    (tmp_path / "file").write_text("")
    with pytest.raises(es.EventStudyError, match="report.html: cannot be written: Not a dir"):
        es.write_report(study, tmp_path / "file" / "report.html")
    with pytest.raises(es.EventStudyError, match="is a folder"):
        es.write_report(study, tmp_path)


def test_importing_the_report_is_light() -> None:
    import subprocess
    import sys

    code = (
        "import sys, eventstudy.report; "
        "print([m for m in ('jinja2', 'plotly', 'pandas', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
