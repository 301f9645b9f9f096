"""The verbs, and the dict of formats."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eventstudy.disk import Writer, content_of, write_whole
from eventstudy.errors import EventStudyError, UnknownNameError
from eventstudy.exports.data import Frames, Json
from eventstudy.exports.excel import Excel
from eventstudy.exports.latex import Latex
from eventstudy.exports.markdown import Markdown
from eventstudy.exports.pictures import Pictures, picture_files

if TYPE_CHECKING:
    from eventstudy.activity import ActivityResult
    from eventstudy.backtest import BacktestResult, SweepResult
    from eventstudy.claims import ClaimsResult
    from eventstudy.exports.contract import Document, Format
    from eventstudy.longrun import LongRunResult
    from eventstudy.report.figures import Figure
    from eventstudy.report.one_figure import PlottedFigure
    from eventstudy.study import StudyResult

FORMATS: Mapping[str, Format] = {
    "md": Markdown(),
    "tex": Latex(),
    "xlsx": Excel(),
    "json": Json(),
    "csv": Frames("csv", "one file a table"),
    "parquet": Frames("parquet", "one file a table"),
    "png": Pictures("png", "figures, 170 mm wide at 300 dots an inch"),
    "svg": Pictures("svg", "figures, for the web and for editing"),
    "pdf": Pictures("pdf", "figures, for LaTeX and print"),
}


def export(
    result: StudyResult | BacktestResult | SweepResult,
    folder: str | Path,
    formats: str | Sequence[str] = ("md", "tex", "xlsx"),
    *,
    backtest: BacktestResult | None = None,
    activity: Sequence[ActivityResult] = (),
    long_run: LongRunResult | None = None,
    claims: ClaimsResult | None = None,
    title: str | None = None,
    case: str | None = None,
) -> list[Path]:
    """Write what the report says in other formats.

    All files are made before the first is written, and each is written whole or not at all.

    Parameters
    ----------
    result : StudyResult, BacktestResult or SweepResult
    folder : str or Path
        Made where it is missing; files of the same names are replaced, others stay.
    formats : str or sequence of str
        Of md, tex, xlsx, json, csv, parquet, and for the figures png, svg and pdf.
    backtest, activity, long_run, claims, title, case
        Beside a study; see `eventstudy.report.render_html`.

    Returns
    -------
    list of Path
        Of the files.

    Raises
    ------
    UnknownNameError
        For a format that there is not, or a case that was not studied.
    EventStudyError
        Where what draws figures is missing, or the folder cannot be written to.
    """
    asked = check_formats(formats)
    document = document_of(
        result,
        backtest=backtest,
        activity=activity,
        long_run=long_run,
        claims=claims,
        title=title,
        case=case,
    )
    contents = {name: content_of(write) for name, write in export_files(document, asked).items()}
    return [_put(Path(folder) / name, content) for name, content in contents.items()]


def export_figure(
    figure: Figure | PlottedFigure, path: str | Path, variant: str | None = None
) -> Path:
    """Write one figure of the report; the ending says whether as png, svg or pdf.

    Parameters
    ----------
    figure : Figure or PlottedFigure
        Such as `eventstudy.report.figures.effects_figure` or `eventstudy.figure` returns.
    path : str or Path
    variant : str, optional
        Key of one of `figure.variants`; default the one it starts with.

    Returns
    -------
    Path

    Raises
    ------
    UnknownNameError
        For another ending or variant.
    EventStudyError
        Where what draws figures is missing, or the file cannot be written.
    """
    from eventstudy.exports.pictures import picture
    from eventstudy.report.one_figure import PlottedFigure

    target = Path(path)
    ending = target.suffix[1:].lower()
    known = [name for name, fmt in FORMATS.items() if isinstance(fmt, Pictures)]
    if ending not in known:
        raise UnknownNameError("format of a figure", ending, known)
    drawn = figure.as_chosen() if isinstance(figure, PlottedFigure) else figure
    return _put(target, picture(drawn, ending, variant))


def check_formats(formats: str | Iterable[str]) -> tuple[str, ...]:
    """Return formats, each once; refuse unknown ones and those that lack a program here.

    Raises
    ------
    UnknownNameError
    EventStudyError
    """
    asked = (formats,) if isinstance(formats, str) else tuple(dict.fromkeys(formats))
    for name in asked:
        if name not in FORMATS:
            raise UnknownNameError("format", name, FORMATS)
    for name in asked:
        FORMATS[name].check()
    return asked


def document_of(
    result: StudyResult | BacktestResult | SweepResult | None,
    *,
    backtest: BacktestResult | None = None,
    activity: Sequence[ActivityResult] = (),
    long_run: LongRunResult | None = None,
    claims: ClaimsResult | None = None,
    title: str | None = None,
    case: str | None = None,
    folds: int = 4,
) -> Document:
    """Return results as a document; see `export`.

    Raises
    ------
    EventStudyError
        For anything but the result of a study, a backtest or a sweep.
    UnknownNameError
        Where `case` was not studied.
    """
    from eventstudy.backtest import BacktestResult, SweepResult
    from eventstudy.exports.results import StudyDocument
    from eventstudy.exports.sweep import SweepDocument
    from eventstudy.report.lead import case_event
    from eventstudy.study import StudyResult

    if isinstance(result, SweepResult):
        return SweepDocument(result, folds, title)
    if isinstance(result, BacktestResult):
        return StudyDocument(None, result, heading=title)
    if isinstance(result, StudyResult):
        event = case_event(result, case)
        return StudyDocument(result, backtest, tuple(activity), long_run, claims, title, event)
    raise EventStudyError(
        f"{type(result).__name__} cannot be exported; allowed: the result of event_study, backtest "
        "or sweep"
    )


def export_files(document: Document, formats: Collection[str]) -> dict[str, Writer]:
    """Return what writes each file of a document, by name."""
    pictures = [name for name in formats if isinstance(FORMATS[name], Pictures)]
    drawn = picture_files(document, pictures) if pictures else {}
    found: dict[str, Writer] = {}
    for name in formats:
        found |= drawn[name] if name in drawn else FORMATS[name].files(document, formats)
    return found


def export_names(formats: Collection[str], stem: str = "report") -> list[str]:
    """Return the names of all files that an export may write.

    Parameters
    ----------
    formats : collection of str
    stem : {"report", "sweep"}
    """
    if not formats:
        return []
    from eventstudy.exports import frames, results, sweep

    of_sweep = stem == "sweep"
    figures = sweep.FIGURES if of_sweep else results.FIGURES
    tables = sweep.TABLES if of_sweep else frames.TABLES
    return [name for fmt in formats for name in FORMATS[fmt].names(stem, tables, figures)]


def _put(path: Path, content: bytes) -> Path:
    try:
        return write_whole(path, lambda file: file.write(content))
    except OSError as error:
        raise EventStudyError(f"{path}: cannot be written: {error.strerror}") from None
