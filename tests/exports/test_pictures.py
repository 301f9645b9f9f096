"""Figures for print: drawn by a real Chromium, read by other programs."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

import eventstudy as es
from eventstudy.errors import EventStudyError, UnknownNameError
from eventstudy.exports import document_of, pictures
from eventstudy.exports.pictures import draw_each, named
from eventstudy.exports.print_layout import Printed, caption_of, printed
from eventstudy.report import figures
from eventstudy.report.figures import Figure

SVG = "{http://www.w3.org/2000/svg}"
WIDTH_IN = 170 / 25.4

needs_browser = pytest.mark.skipif(
    shutil.which("chromium") is None, reason="no Chromium on this machine"
)


@pytest.fixture(scope="module")
def asked(study: es.StudyResult) -> dict[str, Figure]:
    event = figures.event_figure(study, "avgo-earnings-2024-12-12")
    found = [figures.effects_figure(study), event, figures.heatmap_figure(study)]
    hostile = replace(
        found[0], name="hostile", title="<script>alert(1)</script> & $x$ \u202eabc",
        caption="<b>bold</b> &amp; =cmd() " + "y" * 10_000,
    )  # fmt: skip
    return {figure.name: figure for figure in [*found, hostile]}


@pytest.fixture(scope="module")
def pages(asked: dict[str, Figure]) -> dict[str, Printed]:
    return {name: printed(figure) for name, figure in asked.items()}


@pytest.fixture(scope="module")
def drawn(pages: dict[str, Printed]) -> dict[str, dict[str, bytes]]:
    """All by one start of the browser; a start takes longer than the figures."""
    asked = {"png": ("effects", "hostile"), "svg": tuple(pages), "pdf": ("effects", "event-paths")}
    each = [(ending, name) for ending, names in asked.items() for name in names]
    found = draw_each([(pages[name], ending) for ending, name in each])
    made: dict[str, dict[str, bytes]] = {ending: {} for ending in asked}
    for (ending, name), content in zip(each, found, strict=True):
        made[ending][name] = content
    return made


@pytest.mark.browser
@needs_browser
def test_png_is_170_mm_wide_at_300_dots_an_inch(
    drawn: dict[str, dict[str, bytes]], pages: dict[str, Printed]
) -> None:
    for name, content in drawn["png"].items():
        width, height = struct.unpack(">II", content[16:24])
        assert abs(width - 300 * WIDTH_IN) < 2
        assert abs(height - pages[name].height * 300 / 96) < 2
        place = content.index(b"pHYs")
        assert struct.unpack(">IIB", content[place + 4 : place + 13]) == (11811, 11811, 1)


@pytest.mark.browser
@needs_browser
def test_svg_has_text_as_text_and_runs_nothing(
    drawn: dict[str, dict[str, bytes]], asked: dict[str, Figure]
) -> None:
    for name, content in drawn["svg"].items():
        tree = ET.fromstring(named(content, asked[name]))  # noqa: S314 our own file
        tags = {element.tag.removeprefix(SVG) for element in tree.iter()}
        assert "script" not in tags
        assert "foreignObject" not in tags
        title = tree.find(f"{SVG}title")
        assert title is not None
        assert title.text == asked[name].title.replace("\u202e", "[U+202E]")
    words = texts(drawn["svg"]["effects"])
    assert "Mean CAR by group, and what could have been found" in words
    assert "directional  (n 8)" in words
    assert "mean CAR, 95% interval" in words
    assert any(line.startswith("Window day 0; Model market. Points: mean CAR") for line in words)


def texts(svg: bytes) -> list[str]:
    """Return the lines of text of an SVG."""
    tree = ET.fromstring(svg)  # noqa: S314 our own file
    found = []
    for text in tree.iter(f"{SVG}text"):
        lines = list(text.iter(f"{SVG}tspan")) or [text]
        found += ["".join(line.itertext()).replace("\u00a0", " ") for line in lines]
    return found


@pytest.mark.browser
@needs_browser
def test_hostile_texts_are_text_in_a_figure(drawn: dict[str, dict[str, bytes]]) -> None:
    words = texts(drawn["svg"]["hostile"])
    assert "<script>alert(1)</script> & $x$ [U+202E]abc" in words
    assert any("<b>bold</b> &amp; =cmd()" in line for line in words)
    assert max(map(len, words)) < 200


@pytest.mark.browser
@needs_browser
def test_all_series_that_are_named_are_drawn(drawn: dict[str, dict[str, bytes]]) -> None:
    """A series that shares its identifier with another would be left out by plotly."""
    tree = ET.fromstring(drawn["svg"]["event-paths"])  # noqa: S314 our own file
    styles = [str(e.get("style")) for e in tree.iter(f"{SVG}path") if e.get("class") == "js-line"]
    lines = [style for style in styles if "vector-effect" in style]  # those of the legend have none
    words = texts(drawn["svg"]["event-paths"])
    shown = [name for name in ("AVGO", "MRVL", "NVDA", "@ASIC-@GPU:ex") if name in words]
    assert len(shown) == 4
    assert len([style for style in lines if "stroke-width: 0px" not in style]) == 4
    assert not any("Click" in line for line in words)


@pytest.mark.browser
@needs_browser
@pytest.mark.skipif(shutil.which("pdffonts") is None, reason="poppler's pdffonts is not here")
def test_pdf_embeds_its_fonts_and_has_text(
    drawn: dict[str, dict[str, bytes]], tmp_path: Path
) -> None:
    path = tmp_path / "effects.pdf"
    path.write_bytes(drawn["pdf"]["effects"])
    said = subprocess.run(["pdffonts", str(path)], check=True, capture_output=True, text=True)
    fonts = [line for line in said.stdout.splitlines()[2:] if line]
    assert fonts
    assert all(re.search(r"\s+yes\s+yes\s+yes\s+\d+", line) for line in fonts)
    told = subprocess.run(["pdfinfo", str(path)], check=True, capture_output=True, text=True)
    size = re.search(r"Page size:\s+([\d.]+) x", told.stdout)
    assert size is not None
    assert abs(float(size[1]) / 72 - WIDTH_IN) < 0.02
    assert "Pages:           1" in told.stdout
    text = subprocess.run(["pdftotext", str(path), "-"], check=True, capture_output=True, text=True)
    assert "mean CAR, 95% interval" in text.stdout


@pytest.mark.browser
@needs_browser
def test_the_same_figure_gives_the_same_bytes_in_any_company(
    drawn: dict[str, dict[str, bytes]], asked: dict[str, Figure]
) -> None:
    """Drawn first by a browser of its own, and after itself in another format."""
    figure = asked["event-paths"]
    page = printed(figure)
    pdf, svg = draw_each([(page, "pdf"), (page, "svg")])
    assert svg == drawn["svg"]["event-paths"]
    assert pdf == drawn["pdf"]["event-paths"]
    pdf = drawn["pdf"]["event-paths"]
    assert pdf.count(b"D:20000101000000+00'00'") == 2
    assert not re.search(rb"D:20[1-9]", pdf)
    assert b"/FontFile2" in pdf
    assert b"/MediaBox [0 0 481.9" in pdf


def test_all_formats_of_an_export_are_drawn_by_one_start(
    hostile_study: es.StudyResult, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    starts: list[list[str]] = []

    def drawn(asked: list[tuple[Printed, str]]) -> list[bytes]:
        starts.append([ending for _, ending in asked])
        return [f"<svg>{page.height}{ending}".encode() for page, ending in asked]

    monkeypatch.setattr(pictures, "draw_each", drawn)
    monkeypatch.setattr(pictures, "_require_browser", lambda: None)
    written = es.export(hostile_study, tmp_path, ["svg", "json", "pdf"])
    assert len(starts) == 1
    count = starts[0].count("svg")
    assert starts == [["svg"] * count + ["pdf"] * count]
    assert [path.suffix for path in written] == [".svg"] * count + [".json"] + [".pdf"] * count
    for figure in document_of(hostile_study).figures:
        height = printed(figure).height
        svg, pdf = ((tmp_path / f"figure-{figure.name}.{e}").read_text() for e in ("svg", "pdf"))
        assert svg.startswith("<svg><title>")
        assert svg.endswith(f"</desc>{height}svg")
        assert pdf == f"<svg>{height}pdf"


def test_a_figure_for_print_has_nothing_to_point_at(asked: dict[str, Figure]) -> None:
    page = printed(asked["event-paths"])
    assert page.width == 643
    assert page.spec["layout"]["paper_bgcolor"] == "#ffffff"
    assert page.spec["layout"]["hovermode"] is False
    assert {trace["hoverinfo"] for trace in page.spec["data"]} == {"skip"}
    assert len({trace["uid"] for trace in page.spec["data"]}) == len(page.spec["data"])
    assert "visible" not in {key for trace in page.spec["data"] for key in trace}
    assert "hovertemplate" in asked["event-paths"].spec["data"][-1], "the page's own is untouched"


def test_a_variant_is_named_in_the_caption(asked: dict[str, Figure]) -> None:
    figure = asked["effects"]
    assert caption_of(figure, "2,10|market").startswith("Window days +2 to +10; Model market. ")
    assert printed(figure, "2,10|market").spec["data"] != printed(figure).spec["data"]
    with pytest.raises(UnknownNameError, match="unknown variant of the figure effects '9,9'"):
        printed(figure, "9,9")


def test_what_is_missing_is_named(
    asked: dict[str, Figure], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "effects.png"
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "nothing"))
    with pytest.raises(EventStudyError, match="Chrome or Chromium, and neither was found"):
        es.export_figure(asked["effects"], target)
    monkeypatch.setitem(sys.modules, "kaleido", None)
    with pytest.raises(EventStudyError, match=r"pip install 'eventstudy-backtester\[figures\]'"):
        es.export_figure(asked["effects"], target)
    assert not target.exists()
