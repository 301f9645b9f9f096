"""The report: one HTML file that needs no network, a function of results only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eventstudy.disk import write_whole
from eventstudy.errors import EventStudyError

if TYPE_CHECKING:
    from eventstudy.activity import ActivityResult
    from eventstudy.backtest.result import BacktestResult
    from eventstudy.calibration import CalibrationResult
    from eventstudy.claims import ClaimsResult
    from eventstudy.longrun import LongRunResult
    from eventstudy.study import LargeStudy, StudyResult

__all__ = ["render_html", "write_report"]


def render_html(
    study: StudyResult | LargeStudy,
    backtest: BacktestResult | None = None,
    *,
    activity: Sequence[ActivityResult] = (),
    long_run: LongRunResult | None = None,
    claims: ClaimsResult | None = None,
    calibration: CalibrationResult | None = None,
    title: str | None = None,
    case: str | None = None,
) -> str:
    """Return the report as one page: text, tables and figures, scripts and styles inside.

    Parameters
    ----------
    study : StudyResult or LargeStudy
        The latter has a page of its own and takes only a title.
    backtest : BacktestResult, optional
        Adds the trading section.
    activity : sequence of ActivityResult
        Adds volume and variance.
    long_run : LongRunResult, optional
        Adds the section on the long run.
    claims : ClaimsResult, optional
        Adds the section on claims.
    calibration : CalibrationResult, optional
        Its rates stand in the figure of sizes, instead of those that ship with the project.
    title : str, optional
    case : str, optional
        Event of the case section. Default: the December 2024 release where it was studied,
        else the most recent studied event.

    Returns
    -------
    str
        HTML of at most 6 MB that loads nothing from outside.

    Raises
    ------
    UnknownNameError
        Where `case` was not studied.
    EventStudyError
        Where a `LargeStudy` is given something beside it.
    """
    from eventstudy.report.page import page_html
    from eventstudy.study import LargeStudy

    if isinstance(study, LargeStudy):
        from eventstudy.report.large import large_html

        given = (backtest, long_run, claims, calibration, case, activity or None)
        if any(part is not None for part in given):
            raise EventStudyError(
                "a study by engine streamed has a page of its own: no backtest, activity, long "
                "run, claims, calibration or case beside it"
            )
        return large_html(study, title)
    return page_html(
        study, backtest, activity=activity, long_run=long_run, claims=claims,
        calibration=calibration, title=title, case=case,
    )  # fmt: skip


def write_report(
    study: StudyResult | LargeStudy,
    path: str | Path,
    *,
    backtest: BacktestResult | None = None,
    activity: Sequence[ActivityResult] = (),
    long_run: LongRunResult | None = None,
    claims: ClaimsResult | None = None,
    calibration: CalibrationResult | None = None,
    title: str | None = None,
    case: str | None = None,
) -> Path:
    """Write the report; a reader never sees half a file.

    Parameters
    ----------
    study : StudyResult or LargeStudy
    path : str or Path
        The file; missing folders on the way are made.
    backtest, activity, long_run, claims, calibration, title, case
        See `render_html`.

    Returns
    -------
    Path

    Raises
    ------
    EventStudyError
        Where the file cannot be written.
    UnknownNameError
        Where `case` was not studied.
    """
    target = Path(path)
    if target.is_dir():
        raise EventStudyError(f"{target} is a folder: name a file, such as report.html")
    html = render_html(
        study, backtest, activity=activity, long_run=long_run, claims=claims,
        calibration=calibration, title=title, case=case,
    )  # fmt: skip
    try:
        return write_whole(target, lambda file: file.write(html.encode()))
    except OSError as error:
        raise EventStudyError(f"{target}: cannot be written: {error.strerror}") from None
