"""LaTeX: a document that compiles with pdflatex, and the paper's table as a piece of one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from eventstudy.disk import Writer
from eventstudy.exports.contract import Noted, bytes_writer, figure_file, text_of
from eventstudy.exports.print_layout import caption_of, printed
from eventstudy.exports.tex_letters import IN_CELL, latex
from eventstudy.exports.tex_widths import GAP_PT, Fit, fit
from eventstudy.report.tables import Heat, Link, Table

if TYPE_CHECKING:
    from eventstudy.exports.contract import Document, Section
    from eventstudy.report.figures import Figure

PIECE = "table-effects.tex"
PREAMBLE = r"""\documentclass[10pt,a4paper]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage{textcomp,lmodern,array,booktabs,longtable,graphicx,pdflscape}
\usepackage[a4paper,margin=20mm]{geometry}
\setlength{\emergencystretch}{3em}
\setlength{\parindent}{0pt}
\setlength{\parskip}{0.5ex plus 0.3ex}
\setlength{\LTcapwidth}{\linewidth}
\pdfinfoomitdate=1 \pdftrailerid{} \pdfsuppressptexinfo=-1
\hyphenpenalty=200 \widowpenalty=10000 \raggedbottom
"""


class Latex:
    """Writes ``report.tex``, and ``table-effects.tex`` for a paper of one's own."""

    what = "a document for pdflatex, and the effects table alone, with booktabs"

    def check(self) -> None:
        """Nothing can be missing: compiling is the reader's."""

    def files(self, document: Document, beside: Collection[str]) -> dict[str, Writer]:
        """Return what writes the document and its piece."""
        whole = latex_document(document, pictures="pdf" in beside)
        found = {f"{document.stem}.tex": bytes_writer(whole.encode())}
        if document.paper:
            piece = "\n".join(["% Needs \\usepackage{booktabs}.", *_papers(document.paper)])
            found[PIECE] = bytes_writer(piece.encode())
        return found

    def names(self, stem: str, tables: Collection[str], figures: Collection[str]) -> list[str]:
        """Return the names of both files."""
        return [f"{stem}.tex", PIECE]


def latex_document(document: Document, *, pictures: bool = False) -> str:
    """Return a document that compiles with pdflatex.

    Parameters
    ----------
    document : Document
    pictures : bool
        Whether the figures stand beside it as PDF; without them their words are shown.
    """
    parts = [PREAMBLE + r"\begin{document}", rf"\section*{{{latex(document.title)}}}"]
    parts += [latex(line) + "\n" for line in document.asked]
    if document.cautions:
        parts += [r"\subsection*{Cautions}", *_items(document.cautions)]
    for section in document.sections:
        parts += _section(section, pictures)
    return "\n".join([*parts, r"\end{document}", ""])


def _section(section: Section, pictures: bool) -> Iterable[str]:
    yield rf"\subsection*{{{latex(section.heading, breaks=True)}}}"
    yield from _items(section.lines)
    yield from _papers(table for table in section.tables if isinstance(table, Noted))
    for figure in section.figures:
        yield from _figure(figure, pictures)
    yield from _tables([table for table in section.tables if isinstance(table, Table)])


def _items(lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    items = [rf"\item {{}}{latex(line, breaks=True)}" for line in lines]
    return [r"\begin{itemize}\setlength{\itemsep}{0pt}", *items, r"\end{itemize}"]


def _papers(papers: Iterable[Noted]) -> Iterable[str]:
    """Yield tables for a paper: floats that need booktabs alone."""
    for noted in papers:
        table, last = noted.table, len(noted.table.rows)
        kinds = "".join("r" if numeric else "l" for _, numeric in table.columns)
        yield r"\begin{table}[!htbp]\centering\footnotesize\setlength{\tabcolsep}{4pt}"
        yield rf"\caption[]{{{latex(table.caption)}}}\label{{tab:{table.name}}}"
        yield rf"\begin{{tabular}}{{@{{}}{kinds}@{{}}}}"
        yield r"\toprule"
        yield " & ".join(latex(label) for label, _ in table.columns) + r" \\"
        yield r"\midrule"
        for number, row in enumerate(table.rows, 1):
            gap = r" \addlinespace" if number % noted.block == 0 and number < last else ""
            yield _row(row) + r" \\" + gap
        yield r"\bottomrule"
        yield r"\end{tabular}\par\medskip"
        notes = " ".join(latex(note, breaks=True) for note in noted.notes)
        yield rf"\begin{{minipage}}{{\linewidth}}\scriptsize\emph{{Notes:}} {notes}\end{{minipage}}"
        yield r"\end{table}"


def _cell(cell: str | Link | Heat) -> str:
    return latex(text_of(cell), breaks=True, most=IN_CELL)


def _row(row: Sequence[str | Link | Heat]) -> str:
    """Return the cells of a row; behind a rule or the end of a row, ``[`` and ``*`` are orders."""
    text = " & ".join(map(_cell, row))
    return "{}" + text if text.startswith(("[", "*")) else text


def _tables(tables: Iterable[Table]) -> Iterable[str]:
    """Yield tables that may go over pages; wide ones on pages that lie on their side."""
    fitted = [(table, fit(table)) for table in tables if table.rows]
    for lies, together in groupby(fitted, key=lambda pair: pair[1].lies):
        if lies:
            yield r"\begin{landscape}\setlength{\LTcapwidth}{\linewidth}"
        for table, how in together:
            yield from _long(table, how)
        if lies:
            yield r"\end{landscape}"
    for table in tables:
        if not table.rows:
            yield rf"{latex(table.caption)}: {latex(table.empty)}" + "\n"


def _long(table: Table, how: Fit) -> Iterable[str]:
    columns = "".join(
        rf">{{\ragged{'left' if numeric else 'right'}\arraybackslash}}p{{{width - 0.05:.1f}mm}}"
        for (_, numeric), width in zip(table.columns, how.widths, strict=True)
    )
    heads = " & ".join(latex(label, breaks=True) for label, _ in table.columns)
    yield rf"{{\{how.size}\setlength{{\tabcolsep}}{{{GAP_PT / 2:g}pt}}"
    yield rf"\begin{{longtable}}{{@{{}}{columns}@{{}}}}"
    yield rf"\caption[]{{{latex(table.caption)}}} \\"
    yield rf"\toprule {heads} \\ \midrule \endfirsthead"
    yield rf"\toprule {heads} \\ \midrule \endhead"
    yield r"\bottomrule \endlastfoot"
    for row in table.rows:
        yield _row(row) + r" \\"
    yield r"\end{longtable}}"


def _figure(figure: Figure, pictures: bool) -> Iterable[str]:
    """Yield a figure with its words; its own title is cut off, the caption has it."""
    told = f"{figure.title}. {caption_of(figure)}"
    if not pictures:
        yield rf"\emph{{{latex(told, breaks=True)}}} {latex(figure.alternative, breaks=True)}" "\n"
        return
    head = 0.75 * printed(figure).head
    yield (
        r"\begin{minipage}{\linewidth}\centering\refstepcounter{figure}"
        rf"\label{{fig:{figure.name}}}"
    )
    yield (
        rf"\includegraphics[width=\linewidth,height=0.85\textheight,keepaspectratio,"
        rf"trim=0 0 0 {head:.2f},clip]"
        rf"{{{figure_file(figure.name, 'pdf')}}}\par"
    )
    yield rf"{{\footnotesize Figure \thefigure: {latex(told, breaks=True)}\par}}"
    yield r"\end{minipage}\par\bigskip"
