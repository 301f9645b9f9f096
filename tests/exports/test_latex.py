"""The LaTeX, compiled by pdflatex and read by pdftotext."""

from __future__ import annotations

import re
import shutil
import subprocess
import unicodedata
from pathlib import Path

import pytest
from made_export import Exported, percent, probability  # type: ignore[import-not-found]

from eventstudy.exports.contract import Noted
from eventstudy.exports.latex import PREAMBLE, _papers, _tables
from eventstudy.exports.tex_letters import IN_FONT, latex
from eventstudy.report.tables import Table

MISSING = [name for name in ("pdflatex", "pdftotext") if shutil.which(name) is None]
needs_tex = pytest.mark.skipif(bool(MISSING), reason=f"not on this machine: {', '.join(MISSING)}")


def compiled(folder: Path, source: str, out: Path) -> tuple[str, str]:
    """Return the text of the pages, without ligatures, and what pdflatex said."""
    ran = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"-output-directory={out}",
         source],
        cwd=folder, capture_output=True, timeout=120,
    )  # fmt: skip
    said = ran.stdout.decode("utf-8", "replace")
    assert ran.returncode == 0, said[-2000:]
    pdf = out / source.replace(".tex", ".pdf")
    text = subprocess.run(
        ["pdftotext", "-raw", "-enc", "UTF-8", str(pdf), "-"], check=True, capture_output=True
    ).stdout.decode()
    return unicodedata.normalize("NFKC", text), said


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


@needs_tex
def test_the_document_compiles_without_an_overfull_line(exported: Exported, tmp_path: Path) -> None:
    text, said = compiled(exported.folder, "report.tex", tmp_path)
    assert "Overfull" not in said
    assert "Missing character" not in said
    assert "A title & $5" in text
    row = next(
        r for r in exported.rows("effects")
        if (r["group"], r["alignment"], r["window"]) == ("@ASIC", "next", "0,0")
    )  # fmt: skip
    found = squeezed(text).replace("\u2212", "-")
    assert f"@ASIC{row['n']}{row['n_dates']}CAAR{percent(row['caar'])}" in found
    p = next(
        r["p_value"] for r in exported.rows("tests")
        if (r["group"], r["alignment"], r["window"], r["test"])
        == ("@ASIC", "next", "0,0", "corrado")
    )  # fmt: skip
    assert f"[{probability(p)}]" in found


@needs_tex
def test_the_table_alone_needs_booktabs_alone(exported: Exported, tmp_path: Path) -> None:
    piece = exported.text("table-effects.tex")
    whole = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n"
    (tmp_path / "paper.tex").write_text(f"{whole}{piece}\\end{{document}}\n", encoding="utf-8")
    text, _ = compiled(tmp_path, "paper.tex", tmp_path)
    assert "Cumulative average abnormal returns by group and window" in text
    assert text.count("CAAR") >= 10
    assert "No stars" in text


@needs_tex
def test_hostile_texts_are_shown_and_not_obeyed(hostile: Exported, tmp_path: Path) -> None:
    text, said = compiled(hostile.folder, "report.tex", tmp_path)
    found = squeezed(text)
    for shown in (
        r"\input{/etc/passwd}\write18{id}\end{document}", "<script>alert(1)</script>",
        '=cmd()|"q"', "$%&_#{}~^\\", "rtl[U+202E]ltr", "-1+1", "@SUM(A1)", "+1-800",
        "apipe,`code`,*stars*,#hash,-dash--dashes".replace("apipe", "a|pipe"),
        "twolinesandatab|$x$100%é[U+4E2D][U+6587]", "9,600morecharacters",
        "<imgsrc=xonerror=alert(1)>[a](javascript:b)**c**",
    ):  # fmt: skip
        assert squeezed(shown) in letters_of(found), shown
    assert "root:" not in text
    assert "Overfull" not in said


def letters_of(text: str) -> str:
    """Return text with the quotes and dashes of the font as one types them."""
    return text.replace("\u2212", "-").replace("\u2019", "'").replace("\u02dc", "~")


@needs_tex
def test_every_letter_that_is_passed_on_is_in_the_fonts(tmp_path: Path) -> None:
    letters = "".join(sorted(IN_FONT))
    lines = "\n\n".join(latex(letter) for letter in letters)
    (tmp_path / "letters.tex").write_text(
        f"{PREAMBLE}\\begin{{document}}{lines}\\end{{document}}", encoding="utf-8"
    )
    _, said = compiled(tmp_path, "letters.tex", tmp_path)
    assert "Missing character" not in said


@needs_tex
@pytest.mark.parametrize("first", ["\u202erow", "[3mm] row", "*row"])
def test_a_row_may_begin_with_what_a_line_break_takes(tmp_path: Path, first: str) -> None:
    rows = ((first, "1"), (first, "2"), ("plain", "3"))
    table = Table("t", "A caption", (("name", False), ("n", True)), rows)
    lines = "\n".join([*_tables([table]), *_papers([Noted(table, ())])])
    (tmp_path / "rows.tex").write_text(
        f"{PREAMBLE}\\begin{{document}}{lines}\\end{{document}}", encoding="utf-8"
    )
    text, _ = compiled(tmp_path, "rows.tex", tmp_path)
    assert text.count(first.replace("\u202e", "[U+202E]")) == 4


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
        ("50% & $5_a#1~^", r"50\% \& \$5\_a\#1\textasciitilde{}\textasciicircum{}"),
        ("a--b", "a-{}-b"),
        ("\u4e2d", "[U+4E2D]"),
        ("\u2212 1", r"\ensuremath{-} 1"),
    ],
)
def test_letters_that_mean_something_to_latex(text: str, written: str) -> None:
    assert latex(text) == written
