"""Every export of the shipped sample, its time and size, and what other programs make of it.

LaTeX is compiled by pdflatex, the workbook is opened by LibreOffice and its numbers are compared
with the CSV files; a program that is not on the machine is named and left out.
"""

from __future__ import annotations

import argparse
import csv
import math
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sections import markdown_table, write_section

import eventstudy as es
from eventstudy.exports import FORMATS

EVENTS = Path(__file__).resolve().parents[1] / "events.csv"
FIGURES = ("png", "svg", "pdf")
EVERY_SHEET = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,-1"


def results(tests: Sequence[str] | None) -> tuple[es.StudyResult, Mapping[str, Any]]:
    """Return the study of the sample, and what is exported beside it."""
    events = es.read_events(EVENTS)
    prices = es.load_prices(events.tickers | {"SPY"}, source="sample")
    study = es.event_study(events, prices, window=[(0, 0), (0, 1), (2, 10)], tests=tests)
    traded = es.backtest(events, prices, ["asic-gpu-rotation"])
    return study, {"backtest": traded, "claims": es.check_claims("article", study)}


def exported(
    study: es.StudyResult, beside: Mapping[str, Any], folder: Path, formats: Sequence[str]
) -> Iterator[tuple[str, str, str, str]]:
    """Write each format; yield format, files, bytes and seconds."""
    es.export(study, folder, "json", **beside)  # tests and tables are computed once
    for name in formats:
        began = time.perf_counter()
        written = es.export(study, folder, name, **beside)
        spent = time.perf_counter() - began
        size = sum(path.stat().st_size for path in written)
        yield name, f"{len(written)}", f"{size:,}", f"{spent:.1f}"


def compiled(folder: Path) -> str:
    """Return what pdflatex makes of the document, figures included."""
    if shutil.which("pdflatex") is None:
        return "pdflatex is not on this machine."
    said = ""
    for _ in range(2):
        ran = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "report.tex"], cwd=folder, capture_output=True
        )
        said = ran.stdout.decode("utf-8", "replace")
        if ran.returncode:
            raise SystemExit(f"pdflatex failed:\n{said[-3000:]}")
    pages = re.search(r"\((\d+) pages", said)
    count = pages[1] if pages else "no"
    return f"pdflatex: {count} pages, no error, overfull boxes: {said.count('Overfull')}."


def opened(folder: Path, tables: Sequence[str]) -> str:
    """Return how many numbers LibreOffice reads from the workbook as the CSV files have them."""
    if shutil.which("soffice") is None:
        return "LibreOffice is not on this machine."
    with tempfile.TemporaryDirectory() as out:
        subprocess.run(
            ["soffice", f"-env:UserInstallation=file://{out}/profile", "--headless",
             "--convert-to", EVERY_SHEET, "--outdir", out, str(folder / "report.xlsx")],
            check=True, capture_output=True,
        )  # fmt: skip
        counted = sum(compared(Path(out), folder, table) for table in tables)
    return f"LibreOffice: {counted:,} numbers of {', '.join(tables)} are those of the CSV files."


def compared(out: Path, folder: Path, table: str) -> int:
    """Return the numbers of a sheet; refuse one that differs from the CSV file's."""
    count = 0
    found, expected = rows(out / f"report-{table}.csv"), rows(folder / f"{table}.csv")
    for row, wanted in zip(found, expected, strict=True):
        for name, text in wanted.items():
            try:
                number = float(text)
            except ValueError:
                continue
            shown = row[name]
            value = float(shown.removesuffix("%")) / (100 if shown.endswith("%") else 1)
            # LibreOffice writes numbers below 1 with 20 decimals.
            if not math.isclose(value, number, rel_tol=1e-12, abs_tol=1e-18):
                raise SystemExit(f"{table}, {name}: {shown} is not {text}")
            count += 1
    return count


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def main(arguments: Sequence[str] | None = None) -> None:
    """Export, check, print, and write the section where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tests", nargs="*", help="fewer tests, for a quick look")
    parser.add_argument("--no-figures", action="store_true", help="where there is no Chromium")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args(arguments)
    formats = [name for name in FORMATS if not (given.no_figures and name in FIGURES)]
    if "pdf" in formats:  # the LaTeX has figures where they are written together
        formats = [name for name in formats if name not in ("tex", "pdf")]
    study, beside = results(given.tests)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measured = list(exported(study, beside, folder, formats))
        if not given.no_figures:
            began = time.perf_counter()
            written = es.export(study, folder, ("tex", "pdf"), **beside)
            spent = time.perf_counter() - began
            size = sum(path.stat().st_size for path in written)
            measured.append(("tex, pdf", f"{len(written)}", f"{size:,}", f"{spent:.1f}"))
        checks = [compiled(folder), opened(folder, ("cars", "effects", "trades", "metrics"))]
    table = markdown_table(("format", "files", "bytes", "seconds"), measured)
    text = (
        "## Exports\n\nThe shipped sample, "
        f"{len(study.tests_asked)} tests over events, one strategy, the article's claims; wall "
        "time of each format on 2 processors that other work shared, a browser's start included; "
        f"`python benchmarks/exports_check.py`.\n\n{table}\n\n" + "\n".join(checks)
    )
    print(text)
    if given.write:
        write_section("exports", text)


if __name__ == "__main__":
    main()
